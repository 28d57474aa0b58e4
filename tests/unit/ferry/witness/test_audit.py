"""Audits and evidence from the logs of a real road: what is whole is proved, every change is found."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ferry.settings import FerryLimits
from ferry.witness.audit import audit_half, compare
from ferry.witness.evidence_desk import evidence_of_crossing, evidence_of_request
from ferry.witness.reading import LogReader, logs_in
from tests.support.ferry_kit import FerryKit, answered_ids, request_ids, requests, worker_author
from tests.support.machines import NOW_MS
from tests.unit.ferry.driving import Driven
from wire_formats import merkle
from wire_formats.errors import PeerError
from wire_formats.tlog import tree
from wire_formats.tlog.checkpoint import (
    Checkpoint,
    checkpoint_text,
    cosign,
    parse_origin,
    sign_checkpoint,
    witness_name,
)
from wire_formats.tlog.crossing import entry_leaf
from wire_formats.tlog.evidence import format_evidence, parse_evidence, verify_evidence
from wire_formats.tlog.note import Note, format_note

ENTRY = 240


class Road:
    """A finished road with two logs at each half."""

    def __init__(self, root: Path) -> None:
        ferry = Driven(root, limits=FerryLimits(log_leaves=8))
        self.kit: FerryKit = ferry.kit
        worker = worker_author(ferry.kit)
        self.ids: list[bytes] = []
        for count in (1, 2, 1, 3, 1, 1):
            items = requests(count, now_ms=NOW_MS)
            worker.send(items, now_ms=NOW_MS)
            self.ids += request_ids(items)
            ferry.run(0.6)
            ferry.core.turn()
        for _ in range(3):
            ferry.run(2)
            ferry.core.turn()
        self.answered = answered_ids(ferry.kit.worker_inbox())
        ferry.stop()
        self.low, self.high = root / "ferry_low" / "crossings", root / "ferry_high" / "crossings"


@pytest.fixture(scope="module")
def road(tmp_path_factory: pytest.TempPathFactory) -> Road:
    return Road(tmp_path_factory.mktemp("road"))


@pytest.mark.parametrize("every", [False, True])
def test_whole_logs_are_proved(road: Road, *, every: bool) -> None:
    audits = []
    with ThreadPoolExecutor(2) as work:
        for folder, role in ((road.low, "ferry_low"), (road.high, "ferry_high")):
            audit = audit_half(folder, road.kit.trust, every=every, work=work)
            assert audit.counts == {}
            assert (audit.role, audit.logs, audit.crossings, audit.witnessed) == (role, 2, 12, 12)
            assert audit.checkpoints >= 4
            assert 0 < audit.first_s <= audit.last_s
            audits.append(audit)
    between = compare(audits[0], road.low, audits[1], road.high)
    assert (between.counts, between.crossings, between.under_way) == ({}, 12, 0)


def test_every_request_and_every_answer_is_proved(road: Road) -> None:
    assert sorted(road.answered) == sorted(road.ids)
    for request_id in road.ids:
        for answer in (False, True):
            given = evidence_of_request(road.high, request_id, road.kit.trust, answer=answer)
            read = parse_evidence(format_evidence(given.evidence))
            proved = verify_evidence(read, road.kit.trust)
            assert proved.request_id == request_id
            assert (proved.log.role, proved.witness.role) == ("ferry_high", "ferry_low")
            assert proved.entry.statement.direction == ("outbound" if answer else "inbound")


def test_the_low_half_proves_digests_without_headers(road: Road) -> None:
    given = evidence_of_request(road.low, road.ids[2], road.kit.trust, answer=False)
    assert given.evidence.item is not None
    assert given.evidence.item.header == b""
    assert given.proved.request_id == b""
    high = evidence_of_request(road.high, road.ids[2], road.kit.trust, answer=False)
    assert high.evidence.item is not None
    assert high.evidence.item.digest == given.evidence.item.digest
    assert high.evidence.entry == given.evidence.entry


def test_every_crossing_is_proved_by_its_entry(road: Road) -> None:
    for path, (number, size) in zip(logs_in(road.high), ((1, 8), (2, 4)), strict=True):
        with LogReader(path) as log:
            for index in range(size):
                given = evidence_of_crossing(road.high, number, index, road.kit.trust)
                assert given.proved.checkpoint.origin.number == number
                material = log.material(index)
                assert material is not None
                assert len(material.items) == given.evidence.entry.statement.count
    with pytest.raises(PeerError):
        evidence_of_crossing(road.high, 2, 4, road.kit.trust)
    with pytest.raises(PeerError):
        evidence_of_crossing(road.high, 3, 0, road.kit.trust)


def test_what_never_crossed_has_no_evidence(road: Road) -> None:
    with pytest.raises(PeerError, match="no such request"):
        evidence_of_request(road.high, b"never crossed it", road.kit.trust, answer=False)


def test_what_is_not_cosigned_yet_has_none_either(road: Road, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(road.high, copy)
    for log in copy.glob("log-*"):
        (log / "checkpoints").write_bytes(b"")
    with pytest.raises(PeerError, match="not cosigned that yet"):
        evidence_of_request(copy, road.ids[0], road.kit.trust, answer=False)


@pytest.mark.parametrize("gone", [0, 1])
def test_a_checkpoint_that_a_power_cut_took_from_between_others_hides_none_of_them(
    road: Road, tmp_path: Path, gone: int
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(road.high, copy)
    file = copy / "log-000001" / "checkpoints"
    data = file.read_bytes()
    origin = (copy / "log-000001" / "origin").read_bytes()
    starts = [match.start() for match in re.finditer(re.escape(origin), data)]
    assert len(starts) > gone + 1
    file.write_bytes(data[: starts[gone]] + bytes(starts[gone + 1] - starts[gone]) + data[starts[gone + 1] :])
    whole, holed = audit_half(road.high, road.kit.trust, every=True), audit_half(copy, road.kit.trust, every=True)
    assert holed.findings == []
    assert (holed.checkpoints, holed.witnessed) == (whole.checkpoints - 1, whole.witnessed)
    for index in range(8):
        evidence_of_crossing(copy, 1, index, road.kit.trust)


def _entries(log: Path) -> list[bytes]:
    data = (log / "entries").read_bytes()
    return [data[at : at + ENTRY] for at in range(0, len(data), ENTRY)]


def _write(log: Path, entries: list[bytes], *, nodes: bool) -> None:
    """Write entries, and, as a half that was taken over can, the tree that belongs to them."""
    (log / "entries").write_bytes(b"".join(entries))
    if nodes:
        growing = tree.Frontier()
        made = [node for entry in entries for node in growing.append(entry_leaf(entry))]
        (log / "nodes").write_bytes(b"".join(made))


def _removed(entries: list[bytes]) -> list[bytes]:
    return entries[:3] + entries[4:]


def _altered(entries: list[bytes]) -> list[bytes]:
    changed = bytearray(entries[3])
    changed[60] ^= 1
    return [*entries[:3], bytes(changed), *entries[4:]]


def _reordered(entries: list[bytes]) -> list[bytes]:
    return [entries[0], entries[2], entries[1], *entries[3:]]


def _inserted(entries: list[bytes]) -> list[bytes]:
    return [*entries[:3], entries[0], *entries[3:]]


def _last_removed(entries: list[bytes]) -> list[bytes]:
    return entries[:-1]


CHANGES = [_removed, _altered, _reordered, _inserted, _last_removed]


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("nodes", [False, True], ids=["entries", "entries and tree"])
@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_log_is_found(
    road: Road, tmp_path: Path, change: Callable[[list[bytes]], list[bytes]], number: int, *, nodes: bool
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(road.low, copy)
    log = copy / f"log-{number:06d}"
    _write(log, change(_entries(log)), nodes=nodes)
    assert audit_half(copy, road.kit.trust).counts


@pytest.mark.parametrize("change", CHANGES)
def test_a_half_that_rewrites_its_log_with_its_own_key_is_found(
    road: Road, tmp_path: Path, change: Callable[[list[bytes]], list[bytes]]
) -> None:
    """It signs the new tree, but the other half's cosignature is of the old one."""
    copy = tmp_path / "copy"
    shutil.copytree(road.low, copy)
    log = copy / "log-000002"
    entries = change(_entries(log))
    _write(log, entries, nodes=True)
    origin = parse_origin((log / "origin").read_text().strip())
    checkpoint = Checkpoint(origin, len(entries), merkle.root([entry_leaf(entry) for entry in entries]))
    note = Note(checkpoint_text(checkpoint), (sign_checkpoint(checkpoint, road.kit.low),))
    (log / "checkpoints").write_bytes(format_note(note))
    assert "signature" in audit_half(copy, road.kit.trust).counts
    own = cosign(checkpoint, witness_name("ferry_high", "ferry_high"), road.kit.low, at_s=NOW_MS // 1000)
    (log / "checkpoints").write_bytes(format_note(note.signed(own)))
    assert "signature" in audit_half(copy, road.kit.trust).counts
    (log / "checkpoints").write_bytes(b"")
    assert "not_witnessed" in audit_half(copy, road.kit.trust).counts
    between = compare(audit_half(copy, road.kit.trust), copy, audit_half(road.high, road.kit.trust), road.high)
    assert {"another_tree", "entries_missing"} & set(between.counts)


def test_two_halves_that_conspire_leave_seals_that_do_not_fit(road: Road, tmp_path: Path) -> None:
    """Both sign for an altered entry; the worker's and the half's seals still say what crossed."""
    copy = tmp_path / "copy"
    shutil.copytree(road.low, copy)
    log = copy / "log-000002"
    entries = _altered(_entries(log))
    _write(log, entries, nodes=True)
    origin = parse_origin((log / "origin").read_text().strip())
    checkpoint = Checkpoint(origin, len(entries), merkle.root([entry_leaf(entry) for entry in entries]))
    note = Note(checkpoint_text(checkpoint), (sign_checkpoint(checkpoint, road.kit.low),))
    name = witness_name("ferry_high", "ferry_high")
    both = note.signed(cosign(checkpoint, name, road.kit.high, at_s=NOW_MS // 1000))
    (log / "checkpoints").write_bytes(format_note(both))
    audit = audit_half(copy, road.kit.trust, every=True)
    assert "seal" in audit.counts
    assert "items" in audit.counts


def test_a_crossing_that_only_the_receiver_has_is_found(road: Road, tmp_path: Path) -> None:
    low = tmp_path / "low"
    shutil.copytree(road.low, low)
    for log in low.glob("log-*"):
        inbound = [entry for entry in _entries(log) if entry[1] == 1]
        _write(log, [entry for entry in _entries(log) if entry != inbound[0]], nodes=True)
    between = compare(audit_half(low, road.kit.trust), low, audit_half(road.high, road.kit.trust), road.high)
    assert between.counts["received_not_sent"] == 2


def test_a_log_that_does_not_stand_on_the_one_before_is_found(road: Road, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(road.low, copy)
    shutil.rmtree(copy / "log-000001")
    audit = audit_half(copy, road.kit.trust)
    assert (audit.counts, audit.begins, audit.logs) == ({}, 2, 1)  # older logs may be in the archive
    shutil.copytree(road.high / "log-000001", copy / "log-000001")
    assert "broken_history" in audit_half(copy, road.kit.trust).counts


def test_rubbish_in_a_folder_is_a_finding_or_an_error_with_a_reason(road: Road, tmp_path: Path) -> None:
    for name in ("entries", "nodes", "checkpoints", "material", "origin"):
        copy = tmp_path / name
        shutil.copytree(road.low, copy)
        (copy / "log-000002" / name).write_bytes(bytes(range(256)) * 5)
        try:
            assert audit_half(copy, road.kit.trust, every=True).counts
        except PeerError as error:
            assert error.private  # noqa: PT017 - either way is right
    assert audit_half(tmp_path / "nothing", road.kit.trust).counts == {"no_log": 1}
