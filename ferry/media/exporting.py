"""Export: what waits goes onto a medium, after two operators signed what it is.

    claim ──▶ list and hash ──▶ both operators sign ──▶ seal and write ──▶ read back ──▶ name it ──▶ register

Before the register's entry nothing has left: a failure gives the files back.  A crash between the medium's name and
the register's entry leaves a medium the register does not know: it is not to be carried; if it is all the same, the
receiver takes its files, and the next medium's copies of them are recognised.

Source: research, section 5; DESIGN invariants 4 and 9.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from ferry.media.collecting import Collection
from ferry.media.desk import MediaDesk
from ferry.media.prepared import check_none_prepared
from ferry.media.register_rows import Medium
from ferry.media.writing import MediumWriter
from wire_formats.instants import HOUR_MS
from wire_formats.medium import (
    CHUNK_BYTES,
    EXPORT_BYTES,
    MAX_MANIFEST_BYTES,
    Entry,
    MediumStatement,
    chunk_count,
    content_size,
    count_lanes,
    encode_manifest,
    entries_root,
    parse_manifest,
    seal_chunk,
    seal_manifest,
    sign_statement,
    verify_operators,
)
from wire_formats.seal import SealPublicKey
from wire_formats.suites import Signing

#: Shows a statement to the operators and gives their two keys, the second after the first has signed.
Signatories = Callable[[MediumStatement], Iterable[Signing]]
#: Hears how many of how many chunks are written.
Progress = Callable[[int, int], None]


class Exported(NamedTuple):
    """A finished export."""

    statement: MediumStatement
    operators: tuple[str, str]


def export_medium(
    desk: MediaDesk, serial: str, target: Path, signatories: Signatories, *, image: bool = False
) -> Exported:
    """Write what waits onto a medium.

    Args:
        desk: the half's media desk.
        serial: of the registered medium.
        target: the folder the medium is mounted at, or the image file to write.
        signatories: shows the statement to both operators and gives their keys.
        image: write one file instead of a folder.

    Raises:
        Refused: the medium is not blank, nothing waits, or another export is prepared.
        PeerError: an operator is unknown, not valid now, or the same twice.
        Unavailable: the medium is full or cannot be written, or another command runs.
    """
    with desk.folders.locked():
        collection = take_up(desk)
        check_none_prepared(desk.folders)
        collection.give_back()
        medium = desk.register.check_exportable(serial)
        writer = MediumWriter(target, image=image, disk=desk.disk)
        writer.check(0)
        export = desk.randomness.bytes(EXPORT_BYTES)
        try:
            limits = desk.settings
            entries = collection.claim(export, most_files=limits.most_files, most_bytes=limits.most_bytes)
            exported = _write(desk, medium, export, entries, writer, signatories)
        except BaseException:
            collection.give_back()
            raise
        collection.done(export)
        return exported


def _write(
    desk: MediaDesk, medium: Medium, export: bytes, entries: list[Entry], writer: MediumWriter, signatories: Signatories
) -> Exported:
    statement = statement_of(desk, medium.serial, export, entries)
    writer.check(medium_bytes(statement))
    signatures = [sign_statement(statement, key) for key in signatories(statement)]
    return seal_and_write(desk, signatures, entries, writer)


def take_up(desk: MediaDesk) -> Collection:
    """Give the half's collection, after what a crash left of finished exports was cleared.

    Between the register's entry and the end of an export its claim still lies there, signed: it would be taken for one
    that is prepared, and nothing else could be exported, or go out once more.
    """
    collection = Collection(desk.folders)
    collection.finish(lambda export: desk.register.passage(export) is not None)
    return collection


def medium_bytes(statement: MediumStatement) -> int:
    """Give how much room a medium needs at most."""
    return content_size(statement.size) + MAX_MANIFEST_BYTES


def seal_and_write(
    desk: MediaDesk, signatures: Sequence[bytes], entries: list[Entry], writer: MediumWriter,
    progress: Progress = lambda _done, _of: None,
) -> Exported:  # fmt: skip
    """Write a signed export onto a medium and enter it in the register.

    Args:
        desk: the half's media desk.
        signatures: both operators' signatures.
        entries: the claimed files they signed.
        writer: writes the medium.
        progress: hears how many of how many chunks are written.

    Raises:
        PeerError: what the receiver would refuse: nobody shall carry a medium in vain.
        Refused: the medium is used otherwise meanwhile.
        Unavailable: the medium is full or cannot be written.
    """
    # Read as the receiver will.
    manifest = parse_manifest(encode_manifest(signatures, entries))
    statement = manifest.statement
    first, second = verify_operators(manifest, desk.operators, now_ms=desk.clock.now_ms())
    operators = first.name, second.name
    sealed = seal_manifest(encode_manifest(manifest.signatures, entries), desk.peer_key)
    files = Collection(desk.folders).contents(statement.export, entries)
    chunks = sealed_chunks(files, desk.peer_key, statement.export)
    writer.write(sealed, _told(chunks, chunk_count(statement.size), progress))
    desk.register.exported(statement, entries, operators, now_ms=desk.clock.now_ms())
    return Exported(statement, operators)


def statement_of(desk: MediaDesk, serial: str, export: bytes, entries: list[Entry]) -> MediumStatement:
    """Make the statement that two operators sign."""
    now_ms = desk.clock.now_ms()
    epoch, sequence, previous = desk.register.next_number()
    return MediumStatement(
        direction=desk.direction_out,
        sender=desk.name,
        recipient=desk.peer,
        recipient_key=desk.peer_key.digest,
        serial=serial,
        export=export,
        epoch=epoch,
        sequence=sequence,
        previous=previous,
        files=len(entries),
        size=sum(entry.size for entry in entries),
        root=entries_root(entries),
        lanes=count_lanes(entries),
        made_ms=now_ms,
        expires_ms=now_ms + desk.settings.life_hours * HOUR_MS,
    )


def _told(chunks: Iterable[bytes], of: int, progress: Progress) -> Iterator[bytes]:
    for number, chunk in enumerate(chunks, start=1):
        yield chunk
        progress(number, of)


def sealed_chunks(files: Iterable[bytes], key: SealPublicKey, export: bytes) -> Iterator[bytes]:
    """Cut files into chunks and seal each; holds one file and one chunk at a time."""
    pending = bytearray()
    index = 0
    for data in files:
        pending += data
        while len(pending) >= CHUNK_BYTES:
            yield seal_chunk(bytes(pending[:CHUNK_BYTES]), key, export, index)
            del pending[:CHUNK_BYTES]
            index += 1
    if pending:
        yield seal_chunk(bytes(pending), key, export, index)
