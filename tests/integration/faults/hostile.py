"""Files that may never pass, made from an honest one."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tests.integration.faults.road import Station
from tests.support.machines import MachineAuthority
from wire_formats.bundle import MAX_BUNDLE_BYTES, Bundle, SealStream, encode_bundle, parse_bundle, peek_statement
from wire_formats.errors import PeerError
from wire_formats.suites import SigningKey, load_signing_key

HOUR_MS = 3_600_000
#: An identity number and a name that stand nowhere but in the names of hostile files.
PLANTED_ID = "110101199003070011"
FLIPPED = 16


def _resealed(station: Station, key: SigningKey, *, made_ms: int, sequence: int) -> bytes:
    """The honest bundle with its last seal made anew."""
    honest = parse_bundle(station.data)
    bare = replace(honest, seals=honest.seals[:-1])
    told = peek_statement(honest.seals[-1])
    stream = SealStream(told.direction, told.lane, told.epoch, sequence - 1, told.previous)
    return encode_bundle(stream.seal(bare, key, now_ms=made_ms, tracked=told.tracked))


def _stolen(station: Station) -> SigningKey:
    return load_signing_key(station.key[0].read_bytes(), station.key[1].read_bytes())


def _with_seals(station: Station, change: Callable[[tuple[bytes, ...]], tuple[bytes, ...]]) -> bytes:
    honest = parse_bundle(station.data)
    return encode_bundle(Bundle(honest.direction, honest.items, change(honest.seals)))


def files(station: Station) -> dict[str, tuple[str, bytes]]:
    """Every hostile file for a station: what it is, under which name, with which bytes."""
    data, name = station.data, station.file
    sequences = iter(range(name.sequence + 1_000, name.sequence + 2_000))

    def fresh() -> str:
        return str(replace(name, sequence=next(sequences)))

    foreign = MachineAuthority("Foreign").machine(station.sealer.partition("-")[0], station.sealer)
    now_ms = int(time.time() * 1000)
    made = {
        "torn": (fresh(), data[: len(data) // 2]),
        "doubled inside": (fresh(), data + data),
        "no bundle": (fresh(), os.urandom(700)),
        "oversized": (fresh(), bytes(MAX_BUNDLE_BYTES + 1)),
        "unsigned": (fresh(), _with_seals(station, lambda seals: (*seals[:-1], b""))),
        "last seal taken from the first": (fresh(), _with_seals(station, lambda seals: (*seals[:-1], seals[0][:-1]))),
        "strange name": (f"{PLANTED_ID}.bundle", data + b"s"),
        "strange name, not ASCII": ("身份证.bundle", data + b"t"),
    }
    future = name.sequence + 3_000
    made["future"] = (
        str(replace(name, sequence=future)),
        _resealed(station, _stolen(station), made_ms=now_ms + HOUR_MS, sequence=future),
    )
    made["foreign"] = (
        str(replace(name, sequence=future + 1)),
        _resealed(station, foreign, made_ms=now_ms, sequence=future + 1),
    )
    step = max(1, len(data) // FLIPPED)
    for at in range(0, len(data), step):
        spoilt = bytearray(data)
        spoilt[at] ^= 0x41
        made[f"byte {at} tampered with"] = (fresh(), bytes(spoilt))
    return made


def passes(station: Station, data: bytes) -> bool:
    """Whether all that the end of the road verifies of a bundle is as it was.

    The core and the workers verify the author's seal and the last one: the seal between them was verified by the half
    that added the last. Seals bind headers, and headers bind contents: the core refuses a request with another
    content alone, without its bundle.
    """
    honest = parse_bundle(station.data)
    try:
        spoilt = parse_bundle(data)
    except PeerError:
        return False
    items = spoilt.items == honest.items
    if station.reader == "core":
        items = [item.header for item in spoilt.items] == [item.header for item in honest.items]
    return items and (spoilt.seals[0], spoilt.seals[-1]) == (honest.seals[0], honest.seals[-1])


def put(folder: Path, name: str, data: bytes) -> None:
    """Put a file into a drop as a hostile neighbour would."""
    unfinished = folder / ".tmp" / f"hostile-{os.getpid()}"
    unfinished.write_bytes(data)
    unfinished.rename(folder / name)


def put_oddities(folder: Path) -> list[Path]:
    """A folder, a pipe, a link to a private file, under honest names."""
    names = [folder / f"{1:016x}-{number:012x}-worker-1.bundle" for number in range(1, 4)]
    names[0].mkdir()
    os.mkfifo(names[1])
    names[2].symlink_to("/etc/passwd")
    return names
