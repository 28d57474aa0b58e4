"""Evidence of one crossing and of one request in it: every step holds, and every changed one is found."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.log_kit import LogKit, entry_of
from tests.support.machines import NOW_MS
from wire_formats import merkle
from wire_formats.answer import parse_answer_header
from wire_formats.bundle import SealStatement, SealStream, encode_statement, new_bundle, verify_seal
from wire_formats.errors import PeerError
from wire_formats.request import parse_header
from wire_formats.tlog.crossing import encode_entry, parse_entry, statement_digest
from wire_formats.tlog.evidence import Evidence, ItemEvidence, format_evidence, parse_evidence, verify_evidence


def _kit(role: str = "ferry_low") -> LogKit:
    kit = LogKit(role)
    kit.cross(3)
    kit.cross(1, direction="outbound")
    kit.cross(200, lane="bulk")
    kit.cross(1)
    return kit


KIT = _kit()
GOOD = KIT.evidence(2, 117)


def test_an_entry_is_what_the_seals_say() -> None:
    bundle = KIT.bundles[2]
    entry = KIT.entries[2]
    crossing = verify_seal(bundle, 1, KIT.trust, role="ferry_low", now_ms=NOW_MS)
    author = verify_seal(bundle, 0, KIT.trust, role="worker", now_ms=NOW_MS)
    assert entry.statement == crossing.statement
    assert statement_digest(entry.statement) == crossing.digest
    assert entry.sealer == KIT.low.kid
    assert entry.author == (author.signer.kid, author.statement.epoch, author.statement.sequence)
    data = encode_entry(entry)
    assert len(data) == 240
    assert parse_entry(data) == entry


@given(
    st.builds(
        SealStatement,
        st.sampled_from(["inbound", "outbound"]),
        st.sampled_from(["interactive", "bulk"]),
        st.integers(0, 1 << 47),
        st.integers(1, (1 << 48) - 1),
        st.binary(min_size=32, max_size=32),
        st.integers(1, 256),
        st.binary(min_size=32, max_size=32),
        st.integers(0, 70_000) | st.integers(0, 1 << 47),
        st.booleans(),
    )
)
def test_a_statement_written_out_is_the_statement_encoded(statement: SealStatement) -> None:
    assert statement_digest(statement) == hashlib.sha256(encode_statement(statement)).digest()


@given(st.binary(max_size=260) | st.binary(min_size=240, max_size=240))
def test_any_bytes_as_an_entry(data: bytes) -> None:
    try:
        entry = parse_entry(data)
    except PeerError:
        return
    assert encode_entry(entry) == data


@given(st.integers(0, 239), st.integers(0, 255))
def test_a_mutated_entry_is_another_entry_or_refused(at: int, value: int) -> None:
    data = bytearray(encode_entry(KIT.entries[0]))
    data[at] = value
    try:
        entry = parse_entry(bytes(data))
    except PeerError:
        return
    assert encode_entry(entry) == data


@pytest.mark.parametrize("role", ["ferry_low", "ferry_high"])
def test_one_request_is_proved_from_its_header_to_both_halves_keys(role: str) -> None:
    kit = _kit(role)
    evidence = parse_evidence(format_evidence(kit.evidence(2, 117)))
    proved = verify_evidence(evidence, kit.trust)
    assert proved.request_id == parse_header(kit.bundles[2].items[117].header).id
    assert (proved.author.name, proved.sealer.name) == ("worker-1", "ferry_low")
    assert {proved.log.role, proved.witness.role} == {"ferry_low", "ferry_high"}
    assert proved.log.role == role
    assert proved.cosigned_s == NOW_MS // 1000


def test_an_answer_is_proved_too() -> None:
    proved = verify_evidence(KIT.evidence(1, 0), KIT.trust)
    assert proved.request_id == parse_answer_header(KIT.bundles[1].items[0].header).request_id
    assert (proved.author.role, proved.sealer.role) == ("core", "ferry_high")


def test_a_crossing_alone_and_a_digest_alone_are_proved_for_what_they_are() -> None:
    assert verify_evidence(KIT.evidence(3), KIT.trust).request_id == b""
    assert GOOD.item is not None
    without = replace(GOOD, item=replace(GOOD.item, header=b""))
    assert verify_evidence(without, KIT.trust).request_id == b""


def _item(**changes: object) -> Evidence:
    assert GOOD.item is not None
    return replace(GOOD, item=replace(GOOD.item, **changes))  # type: ignore[arg-type]


def test_every_wrong_step_is_found() -> None:
    assert GOOD.item is not None
    header = KIT.bundles[2].items[0].header
    other = LogKit()
    other.cross(1)
    wrong = [
        _item(index=116),
        _item(header=header),
        _item(header=header, digest=merkle.leaf_hash(header)),
        _item(path=GOOD.item.path[:-1]),
        replace(GOOD, entry=KIT.entries[3]),
        replace(GOOD, index=1),
        replace(GOOD, path=GOOD.path[:-1]),
        replace(GOOD, seals=GOOD.seals[::-1]),
        replace(GOOD, seals=(KIT.bundles[0].seals[0], KIT.bundles[0].seals[1])),
        replace(GOOD, note=KIT.note(cosigned=False)),
        replace(GOOD, note=KIT.note(KIT.checkpoint(3))),
        replace(GOOD, note=other.note()),
        replace(other.evidence(0, 0), note=GOOD.note),
        replace(GOOD, entry=replace(GOOD.entry, author=GOOD.entry.author._replace(sequence=99))),
    ]
    for evidence in wrong:
        with pytest.raises(PeerError):
            verify_evidence(evidence, KIT.trust)
    verify_evidence(GOOD, KIT.trust)


def test_a_log_that_both_halves_signed_cannot_name_seals_that_do_not_hold() -> None:
    """Even a leaf in a cosigned tree does not help a crossing whose seals say something else."""
    kit = LogKit()
    first = SealStream("inbound", "interactive", NOW_MS).seal(
        new_bundle("inbound", [item for item in _kit().bundles[0].items]), kit.core, now_ms=NOW_MS
    )
    kit.log(SealStream("inbound", "interactive", NOW_MS).seal(first, kit.low, now_ms=NOW_MS))
    with pytest.raises(PeerError, match="core signed for worker"):
        verify_evidence(kit.evidence(0), kit.trust)
    kit = LogKit()
    bundle = kit.cross()
    entry = replace(entry_of(bundle), sealer=kit.high.kid)
    kit.entries[0] = entry
    kit.tree = type(kit.tree)([merkle.leaf_hash(encode_entry(entry))])
    with pytest.raises(PeerError, match="something else"):
        verify_evidence(kit.evidence(0), kit.trust)


@given(st.integers(0, 100_000), st.binary(max_size=3), st.integers(0, 40))
def test_a_mutated_file_is_the_same_or_refused(at: int, new: bytes, cut: int) -> None:
    good = format_evidence(GOOD)
    at %= len(good)
    data = good[:at] + new + good[at + cut :]
    try:
        evidence = parse_evidence(data)
        assert format_evidence(evidence) == data
        verify_evidence(evidence, KIT.trust)
    except PeerError:
        return
    assert data == good or evidence.note != GOOD.note  # lines of unknown keys may stand beside


@pytest.mark.parametrize(
    "item",
    [
        ItemEvidence(256, bytes(32), b"", ()),
        ItemEvidence(0, bytes(31), b"", ()),
        ItemEvidence(0, bytes(32), bytes(5000), ()),
        ItemEvidence(0, bytes(32), b"", (bytes(32),) * 9),
        ItemEvidence(0, bytes(32), b"", (bytes(31),)),
    ],
)
def test_items_outside_their_form_are_refused(item: ItemEvidence) -> None:
    with pytest.raises(PeerError):
        parse_evidence(format_evidence(replace(GOOD, item=item)))
