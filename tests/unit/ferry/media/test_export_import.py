"""Out onto a medium and in again; and every medium that must be refused."""

from __future__ import annotations

import os
import resource
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from ferry.media import importing, reading
from ferry.media.collecting import Collection
from ferry.media.exporting import export_medium
from ferry.media.states import MediumKind, MediumState
from tests.support.media_kit import HIGH_SEAL, MediaKit, arrived, bundle_name
from wire_formats.drop import DropName
from wire_formats.errors import Kind, PeerError, Refused, Unavailable
from wire_formats.instants import DAY_MS
from wire_formats.medium import CHUNK_BYTES, MAGIC, encode_manifest, open_manifest, seal_manifest, sign_statement
from wire_formats.seal import SealPublicKey

BIG = 2 * CHUNK_BYTES + 12_345
FILES = {
    "bulk/0000000000000007-000000000001-ferry_low.bundle": bytes(range(256)) * (BIG // 256),
    "control/0000000000000000-000000000201-ferry_low.notice": b"acknowledged",
    "interactive/0000000000000007-000000000001-ferry_low.bundle": b"one",
    "interactive/0000000000000007-000000000002-ferry_low.bundle": b"two" * 1000,
}


@pytest.fixture
def kit(tmp_path: Path) -> Iterator[MediaKit]:
    made = MediaKit(tmp_path)
    yield made
    made.close()


def fill(kit: MediaKit, files: dict[str, bytes] = FILES) -> None:
    outlet = kit.outlet(kit.low)
    for path, data in files.items():
        lane, text = path.split("/")
        name = DropName(int(text[:16], 16), int(text[17:29], 16), "ferry_low", text.rsplit(".", 1)[1])
        outlet.put(lane, name, data)
    outlet.close()


def small(kit: MediaKit) -> None:
    fill(kit, {"interactive/0000000000000007-000000000001-ferry_low.bundle": b"x"})


def serial_state(kit: MediaKit, serial: str = "WH-0001") -> tuple[MediumState, MediumState | None]:
    low, high = kit.low.register.medium(serial), kit.high.register.medium(serial)
    assert low is not None
    return low.state, high.state if high else None


def remake(kit: MediaKit, *, keys: tuple[str, str] = ("li", "wang"), **changes: Any) -> None:
    """Put another manifest in front of the same content."""
    path = kit.medium() / "FERRYGATE" / "MANIFEST.FG"
    manifest = open_manifest(path.read_bytes(), HIGH_SEAL)
    statement = replace(manifest.statement, **changes)
    signatures = [sign_statement(statement, kit.operators[name]) for name in keys]
    path.write_bytes(seal_manifest(encode_manifest(signatures, manifest.entries), HIGH_SEAL.public))


@pytest.mark.parametrize("image", [False, True], ids=["folder", "image"])
def test_everything_arrives_as_it_was_given(kit: MediaKit, image: bool) -> None:
    fill(kit)
    target = kit.root / "medium.fgm" if image else kit.medium()
    exported = kit.export(target=target, image=image)
    assert exported.operators == ("li", "wang")
    assert (exported.statement.files, exported.statement.sequence) == (4, 1)
    assert Collection(kit.low.folders).waiting() == (0, 0)
    assert not any(kit.low.folders.claimed.iterdir())
    done = kit.take_in(target)
    assert (done.operators, done.missing, done.resumed) == (("li", "wang"), [], False)
    assert arrived(kit.high) == FILES
    assert serial_state(kit) == (MediumState.EXPORTED, MediumState.IMPORTED)
    assert not any(kit.high.folders.staging.iterdir())
    kit.low.register.verify()
    kit.high.register.verify()


def test_nothing_of_the_content_can_be_read_from_the_medium(kit: MediaKit) -> None:
    secret = b"a very private sentence, often repeated. " * 100
    fill(kit, {"bulk/0000000000000007-000000000001-ferry_low.bundle": secret})
    kit.export()
    for path in (kit.medium() / "FERRYGATE").iterdir():
        data = path.read_bytes()
        assert secret[:20] not in data
        assert b"ferry_low" not in data
    assert sorted(os.listdir(kit.medium())) == ["FERRYGATE"]


def test_each_medium_comes_in_once(kit: MediaKit) -> None:
    small(kit)
    kit.export()
    kit.take_in()
    with pytest.raises(Refused, match="imported already"):
        kit.take_in()


def test_a_medium_that_was_not_sanitised_does_not_come_in_with_another_filling(kit: MediaKit) -> None:
    small(kit)
    kit.export()
    kit.take_in()
    kit.low.register.move("WH-0001", MediumState.LOST, operator="li", now_ms=kit.clock.ms)
    kit.low.register.move("WH-0001", MediumState.SANITISED, operator="li", now_ms=kit.clock.ms)
    small(kit)
    kit.export(target=kit.medium("again"))
    with pytest.raises(Refused, match="is imported"):
        kit.take_in(kit.medium("again"))
    kit.high.register.move("WH-0001", MediumState.SANITISED, operator="li", now_ms=kit.clock.ms)
    kit.take_in(kit.medium("again"))


def test_a_medium_goes_out_only_when_it_is_registered_and_blank(kit: MediaKit) -> None:
    small(kit)
    from ferry.media.exporting import export_medium

    with pytest.raises(Refused, match="not in the register"):
        export_medium(kit.low, "WH-0009", kit.medium(), kit.both)
    kit.export()
    small(kit)
    with pytest.raises(Refused, match="is exported"):
        kit.export(target=kit.medium("other"))
    with pytest.raises(Refused, match="not blank"):
        kit.export("WH-0002")
    assert Collection(kit.low.folders).waiting().files == 1, "what was claimed is back"


def test_a_write_once_medium_is_used_once(kit: MediaKit) -> None:
    kit.register(kit.low, "CD-0001", MediumKind.WRITE_ONCE)
    small(kit)
    kit.export("CD-0001")
    kit.low.register.move("CD-0001", MediumState.LOST, operator="li", now_ms=kit.clock.ms)
    kit.low.register.move("CD-0001", MediumState.SANITISED, operator="li", now_ms=kit.clock.ms)
    small(kit)
    with pytest.raises(Refused, match="destroyed"):
        kit.export("CD-0001", target=kit.medium("other"))


def test_an_empty_collection_is_not_exported(kit: MediaKit) -> None:
    with pytest.raises(Refused, match="nothing waits"):
        kit.export()
    assert serial_state(kit)[0] is MediumState.BLANK


def test_a_medium_takes_no_more_than_its_limits(tmp_path: Path) -> None:
    kit = MediaKit(tmp_path, most_files=3)
    fill(kit, {f"bulk/0000000000000007-{n:012x}-ferry_low.bundle": b"x" * 100 for n in (1, 2, 3)})
    outlet = kit.outlet(kit.low)
    fill(kit, {f"interactive/0000000000000007-{n:012x}-ferry_low.bundle": b"y" for n in (1, 2)})
    assert kit.export().statement.lanes == (2, 0, 0), "bulk was cleared when the half began anew; interactive stays"
    outlet.close()
    kit.close()


# --- operators ---


def test_one_operator_twice_is_refused_at_both_ends(kit: MediaKit) -> None:
    small(kit)
    twice = kit.operators["li"], kit.persons.operator("li")
    kit.low = replace(kit.low, operators=kit.trust_of(*twice))
    with pytest.raises(PeerError, match="one operator signed twice"):
        kit.export(signatories=lambda _: twice)
    kit.low = replace(kit.low, operators=kit.known)
    kit.export()
    remake(kit, keys=("li", "li"))
    with pytest.raises(PeerError, match="one operator signed twice"):
        kit.take_in()


def test_an_unknown_operator_is_refused_at_both_ends(kit: MediaKit) -> None:
    small(kit)
    with pytest.raises(PeerError, match="unknown key id"):
        kit.export(signatories=lambda _: (kit.operators["li"], kit.operators["zhao"]))
    kit.export()
    remake(kit, keys=("li", "zhao"))
    with pytest.raises(PeerError, match="unknown key id"):
        kit.take_in()


def test_a_machine_is_no_operator(kit: MediaKit) -> None:
    small(kit)
    kit.low = replace(kit.low, operators=kit.authority.trust([kit.low_key, kit.high_key]))
    with pytest.raises(PeerError) as refused:
        kit.export(signatories=lambda _: (kit.low_key, kit.high_key))
    assert refused.value.kind is Kind.WRONG_ROLE


def test_an_operator_whose_certificate_has_ended_is_refused(kit: MediaKit) -> None:
    small(kit)
    kit.export()
    kit.clock.ms += 400 * DAY_MS
    with pytest.raises(PeerError) as refused:
        kit.take_in()
    assert refused.value.kind is Kind.SIGNER_NOT_VALID


# --- for whom, which way, until when ---


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"direction": "outbound"}, Kind.WRONG_LANE),
        ({"recipient": "ferry-high-2"}, Kind.WRONG_LANE),
        ({"recipient_key": bytes(32)}, Kind.WRONG_LANE),
        ({"sender": "somebody"}, Kind.UNKNOWN_SIGNER),
    ],
)
def test_a_medium_for_somebody_else_is_refused(kit: MediaKit, changes: dict[str, Any], kind: Kind) -> None:
    small(kit)
    kit.export()
    remake(kit, **changes)
    with pytest.raises(PeerError) as refused:
        kit.take_in()
    assert refused.value.kind is kind
    assert arrived(kit.high) == {}
    assert kit.high.register.acts()[-1].act == "refused"


def test_the_sender_cannot_import_its_own_medium(kit: MediaKit) -> None:
    small(kit)
    kit.export()
    with pytest.raises(PeerError) as refused:
        kit.take_in(desk=kit.low)
    assert refused.value.kind is Kind.BAD_SEAL


def test_an_expired_medium_is_refused(kit: MediaKit) -> None:
    small(kit)
    kit.export()
    kit.clock.ms += 8 * DAY_MS
    with pytest.raises(PeerError, match="expired"):
        kit.take_in()


def test_a_medium_from_the_future_is_refused(kit: MediaKit) -> None:
    small(kit)
    kit.export()
    kit.clock.ms -= DAY_MS
    with pytest.raises(PeerError, match="future"):
        kit.take_in()


def test_a_missing_medium_is_named(kit: MediaKit) -> None:
    for number in (1, 2, 3):
        small(kit)
        kit.export(f"WH-000{number}", target=kit.medium(f"m{number}"))
        kit.low.register.move(f"WH-000{number}", MediumState.LOST, operator="li", now_ms=kit.clock.ms)
    assert kit.take_in(kit.medium("m3")).missing == [1, 2]
    assert kit.take_in(kit.medium("m1")).missing == [2]
    assert kit.take_in(kit.medium("m2")).missing == []


# --- the medium itself ---


def test_every_flipped_byte_of_a_small_medium_is_refused(kit: MediaKit) -> None:
    small(kit)
    image = kit.root / "medium.fgm"
    kit.export(target=image, image=True)
    good = image.read_bytes()
    for at in range(len(good)):
        bad = bytearray(good)
        bad[at] ^= 1 << at % 8
        image.write_bytes(bytes(bad))
        with pytest.raises(PeerError):
            kit.take_in(image)
    assert arrived(kit.high) == {}
    image.write_bytes(good)
    kit.take_in(image)
    assert len(arrived(kit.high)) == 1


def test_every_shortened_and_lengthened_medium_is_refused(kit: MediaKit) -> None:
    small(kit)
    image = kit.root / "medium.fgm"
    kit.export(target=image, image=True)
    good = image.read_bytes()
    for bad in (*(good[:end] for end in range(0, len(good), 7)), good[:-1], good + b"\0"):
        image.write_bytes(bad)
        with pytest.raises(PeerError):
            kit.take_in(image)
    assert arrived(kit.high) == {}


def test_chunks_of_a_medium_cannot_change_places(kit: MediaKit) -> None:
    fill(kit)
    kit.export()
    content = kit.medium() / "FERRYGATE" / "CONTENT.FG"
    data = content.read_bytes()
    whole = CHUNK_BYTES + 48
    content.write_bytes(data[whole : 2 * whole] + data[:whole] + data[2 * whole :])
    with pytest.raises(PeerError) as refused:
        kit.take_in()
    assert refused.value.kind is Kind.BAD_SEAL
    assert arrived(kit.high) == {}
    assert not any(kit.high.folders.staging.iterdir())
    content.write_bytes(data)
    kit.take_in()
    assert arrived(kit.high) == FILES


def test_a_writable_mount_is_refused_unless_told_otherwise(kit: MediaKit) -> None:
    small(kit)
    kit.export()
    with pytest.raises(Refused, match="mounted writable"):
        importing.import_medium(kit.high, kit.medium(), by="zhao")


def test_links_pipes_and_large_parts_are_not_read(kit: MediaKit, tmp_path: Path) -> None:
    small(kit)
    kit.export()
    folder = kit.medium() / "FERRYGATE"
    manifest = (folder / "MANIFEST.FG").read_bytes()
    (tmp_path / "elsewhere").write_bytes(manifest)

    def refused(reason: str) -> None:
        with pytest.raises(PeerError, match=reason):
            kit.take_in()
        (folder / "MANIFEST.FG").unlink()

    (folder / "MANIFEST.FG").unlink()
    (folder / "MANIFEST.FG").symlink_to(tmp_path / "elsewhere")
    refused("not a readable plain file")
    (folder / "MANIFEST.FG").hardlink_to(tmp_path / "elsewhere")
    refused("one link")
    os.mkfifo(folder / "MANIFEST.FG")
    refused("not a plain file")
    with (folder / "MANIFEST.FG").open("wb") as file:
        file.truncate(1 << 40)
    refused("too large")
    (folder / "MANIFEST.FG").write_bytes(manifest)
    kit.take_in(folder)


def test_a_folder_without_a_medium_is_refused(kit: MediaKit) -> None:
    with pytest.raises(Refused, match="no medium of ours"):
        kit.take_in()
    (kit.root / "link").symlink_to(kit.medium())
    with pytest.raises(PeerError):
        kit.take_in(kit.root / "link")


def test_rubbish_is_no_manifest(kit: MediaKit) -> None:
    small(kit)
    kit.export()
    path = kit.medium() / "FERRYGATE" / "MANIFEST.FG"
    for rubbish in (b"", b"x", MAGIC, MAGIC + bytes(100), seal_manifest(b"\x83\x01\x80\x80", HIGH_SEAL.public)):
        path.write_bytes(rubbish)
        with pytest.raises(PeerError):
            kit.take_in()


# --- interruptions ---


class PulledOut:
    """Fails all reading beyond a place, as a medium does that is pulled out."""

    def __init__(self, medium: reading.OpenMedium, chunks: int) -> None:
        self.manifest = medium.manifest
        self.content_bytes = medium.content_bytes
        self._medium = medium
        self._chunks = chunks

    def sealed_chunk(self, index: int) -> bytes:
        if index >= self._chunks:
            raise Unavailable(Kind.BUSY, "the medium cannot be read: Input/output error", 5)
        return self._medium.sealed_chunk(index)


def test_a_medium_that_is_pulled_out_can_be_put_in_again(kit: MediaKit) -> None:
    files = {f"bulk/0000000000000007-{n:012x}-ferry_low.bundle": bytes([n]) * 700_000 for n in range(1, 7)}
    fill(kit, files)
    kit.export()
    with reading.open_medium(kit.medium(), writable_ok=True) as medium:
        cut = PulledOut(medium, 2)
        with pytest.raises(Unavailable, match="cannot be read"):
            importing.take_from(kit.high, cut, by="zhao")
    assert arrived(kit.high) == {}, "nothing is delivered before everything was checked"
    assert kit.high.register.open_imports() == ["WH-0001"]
    staged = list(kit.high.folders.staging.glob("*/bulk/*.bundle"))
    assert len(staged) == 2
    done = kit.take_in()
    assert done.resumed
    assert arrived(kit.high) == files
    assert kit.high.register.open_imports() == []


def test_a_staged_file_that_was_torn_is_read_again(kit: MediaKit) -> None:
    fill(kit)
    kit.export()
    with reading.open_medium(kit.medium(), writable_ok=True) as medium:
        with pytest.raises(Unavailable):
            importing.take_from(kit.high, PulledOut(medium, 2), by="zhao")
    for staged in kit.high.folders.staging.glob("*/*/*-*"):
        staged.write_bytes(staged.read_bytes()[:-1])
    kit.take_in()
    assert arrived(kit.high) == FILES


def test_a_crash_between_delivering_and_the_register_is_finished(kit: MediaKit) -> None:
    fill(kit)
    kit.export()

    class Crash(BaseException):
        pass

    def crash(done: int, of: int) -> None:
        if done == of:
            raise Crash

    with pytest.raises(Crash):
        importing.import_medium(kit.high, kit.medium(), by="zhao", writable_ok=True, progress=crash)
    export = open_manifest((kit.medium() / "FERRYGATE" / "MANIFEST.FG").read_bytes(), HIGH_SEAL).statement.export
    kit.high.register.delivering(export, now_ms=kit.clock.ms)
    first = next(kit.high.folders.staging.glob("*/interactive/*.bundle"))
    (kit.high.folders.arrived / "interactive").mkdir()
    first.rename(kit.high.folders.arrived / "interactive" / first.name)
    taken = kit.high.folders.arrived / "interactive" / first.name
    taken.unlink()  # the half has taken it meanwhile
    kit.take_in()
    assert arrived(kit.high) == FILES, "what the half had taken comes again, and is recognised by its digest"
    with pytest.raises(Refused):
        kit.take_in()


def test_an_import_that_expires_while_it_is_open_is_cleared(kit: MediaKit) -> None:
    fill(kit)
    kit.export()
    with reading.open_medium(kit.medium(), writable_ok=True) as medium:
        with pytest.raises(Unavailable):
            importing.take_from(kit.high, PulledOut(medium, 1), by="zhao")
    kit.clock.ms += 8 * DAY_MS
    with pytest.raises(PeerError, match="expired"):
        kit.take_in()
    assert kit.high.register.open_imports() == []
    assert not any(kit.high.folders.staging.iterdir())


def test_a_forged_manifest_does_not_end_an_import_that_is_open(kit: MediaKit) -> None:
    """The number of an export stands on its slip: one operator, or anybody who read it, can make a manifest of it."""
    fill(kit)
    kit.export()
    with reading.open_medium(kit.medium(), writable_ok=True) as medium:
        with pytest.raises(Unavailable):
            importing.take_from(kit.high, PulledOut(medium, 1), by="zhao")
    path = kit.medium() / "FERRYGATE" / "MANIFEST.FG"
    honest = path.read_bytes()
    manifest = open_manifest(honest, HIGH_SEAL)
    statement = replace(manifest.statement, made_ms=manifest.statement.made_ms + 1)
    forged = encode_manifest([sign_statement(statement, kit.operators["li"])] * 2, manifest.entries)
    path.write_bytes(seal_manifest(forged, HIGH_SEAL.public))
    with pytest.raises(PeerError, match="twice"):
        kit.take_in()
    assert kit.high.register.open_imports() == ["WH-0001"]
    path.write_bytes(honest)
    assert kit.take_in().resumed
    assert arrived(kit.high) == FILES


def test_an_export_that_fails_gives_everything_back(kit: MediaKit) -> None:
    fill(kit)
    waiting = Collection(kit.low.folders).waiting()

    def no_signature(_statement: object) -> tuple[object, object]:
        raise Unavailable(Kind.BUSY, "no card in the reader", 1)

    with pytest.raises(Unavailable):
        kit.export(signatories=no_signature)  # type: ignore[arg-type]  # never gives a key
    assert Collection(kit.low.folders).waiting() == waiting
    assert not any(kit.medium().iterdir())
    assert serial_state(kit)[0] is MediumState.BLANK


class _Pulling:
    """A seal key at whose n-th use somebody pulls the medium out."""

    def __init__(self, key: SealPublicKey, uses: int, pull: Callable[[], None]) -> None:
        self.raw, self.digest = key.raw, key.digest
        self._key, self._left, self._pull = key, uses, pull

    def seal(self, plaintext: bytes, *, info: bytes, aad: bytes) -> bytes:
        self._left -= 1
        if self._left == 0:
            self._pull()
        return self._key.seal(plaintext, info=info, aad=aad)


@pytest.mark.parametrize("image", [False, True], ids=["folder", "image"])
@pytest.mark.parametrize("uses", [1, 2, 4], ids=["before-the-first-byte", "at-the-first-chunk", "at-the-last-chunk"])
def test_a_medium_that_is_pulled_out_while_it_is_written(kit: MediaKit, uses: int, image: bool) -> None:
    """The folder it was mounted at is empty, or gone: nothing was exported, and everything goes on the next medium."""
    fill(kit)
    waiting = Collection(kit.low.folders).waiting()
    slot = kit.medium("slot")
    target = slot / "medium.fgm" if image else slot
    kit.register(kit.low, "WH-0001")
    pulling = _Pulling(kit.low.peer_key, uses, lambda: shutil.rmtree(slot))
    desk = replace(kit.low, peer_key=cast("SealPublicKey", pulling))
    with pytest.raises(Unavailable, match="medium cannot be written"):
        export_medium(desk, "WH-0001", target, kit.both, image=image)
    assert Collection(kit.low.folders).waiting() == waiting
    assert serial_state(kit)[0] is MediumState.BLANK
    assert not slot.exists()
    done = kit.export(target=kit.medium("another") / "medium.fgm" if image else kit.medium("another"), image=image)
    assert (done.statement.files, done.statement.sequence) == (4, 1)
    kit.take_in(kit.medium("another") / "medium.fgm" if image else kit.medium("another"))
    assert arrived(kit.high) == FILES


def test_what_an_interrupted_export_claimed_comes_back_but_never_over_newer_files(kit: MediaKit) -> None:
    fill(kit)
    collection = Collection(kit.low.folders)
    collection.claim(bytes(16), most_bytes=1 << 30)
    assert collection.waiting().files == 0
    fill(kit, {"control/0000000000000000-000000000201-ferry_low.notice": b"newer"})
    kit.export()
    kit.take_in()
    assert arrived(kit.high) == FILES | {"control/0000000000000000-000000000201-ferry_low.notice": b"newer"}


def test_two_commands_do_not_run_at_once(kit: MediaKit) -> None:
    small(kit)
    with kit.low.folders.locked(), pytest.raises(Unavailable, match="another media command"):
        kit.export()


def test_a_full_medium_leaves_nothing_behind(kit: MediaKit) -> None:
    fill(kit)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_500_000, before[1]))  # writes beyond come back short, then fail
    try:
        with pytest.raises(Unavailable, match="cannot be written"):
            kit.export()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not any(kit.medium().iterdir())
    assert Collection(kit.low.folders).waiting().files == 4
    kit.export()


def test_what_is_collected_or_on_its_way_is_not_sent_again(kit: MediaKit) -> None:
    outlet = kit.outlet(kit.low)
    outlet.put("bulk", bundle_name(1), b"x")
    assert bundle_name(1) in outlet.carrying("bulk")
    assert bundle_name(2) not in outlet.carrying("bulk")
    kit.export()
    assert bundle_name(1) in outlet.carrying("bulk"), "on its way"
    assert bundle_name(1) not in outlet.carrying("interactive")
    kit.low.register.move("WH-0001", MediumState.LOST, operator="li", now_ms=kit.clock.ms)
    assert bundle_name(1) not in outlet.carrying("bulk"), "a lost medium's files are sent again"
    outlet.close()
