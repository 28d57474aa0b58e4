"""Bundles, requests and answers: what seals hold, and that every changed byte is noticed."""

from __future__ import annotations

import datetime

import pytest

from tests.support.machines import NOW_MS, MachineAuthority
from tests.support.wire_samples import HIGH_HALF, SESSION, answer_item, request_item
from wire_formats import answer, bundle, request
from wire_formats.errors import Kind, PeerError
from wire_formats.merkle import inclusion_proof, leaf_hash, verify_inclusion

AUTHORITY = MachineAuthority()
WORKER = AUTHORITY.machine("worker", "worker-1")
HIGH = AUTHORITY.machine("ferry_high", "ferry_high")
TRUST = AUTHORITY.trust([WORKER, HIGH])


def _stream() -> bundle.SealStream:
    return bundle.SealStream("inbound", "interactive", NOW_MS)


def _sealed(count: int = 3) -> bundle.Bundle:
    items = [request_item() for _ in range(count)]
    return _stream().seal(bundle.new_bundle("inbound", items), WORKER, now_ms=NOW_MS)


def _verify(value: bundle.Bundle, index: int = 0, role: str = "worker") -> bundle.CheckedSeal:
    return bundle.verify_seal(value, index, TRUST, role=role, now_ms=NOW_MS)


def test_a_bundle_round_trips_and_its_seal_holds() -> None:
    sealed = _sealed()
    again = bundle.parse_bundle(bundle.encode_bundle(sealed))
    assert again == sealed
    checked = _verify(again)
    assert checked.signer.name == "worker-1"
    assert checked.statement.sequence == 1


def test_every_changed_byte_is_noticed() -> None:
    data = bundle.encode_bundle(_sealed(2))
    for offset in range(len(data)):
        changed = bytearray(data)
        changed[offset] ^= 0x01
        with pytest.raises(PeerError):  # noqa: PT012 - any of the steps may notice it
            parsed = bundle.parse_bundle(bytes(changed))
            _verify(parsed)
            for item in parsed.items:
                header = request.parse_header(item.header)
                request.body_of(header, request.open_content(item.content, item.header, HIGH_HALF))


@pytest.mark.parametrize("cut", [0, 1, 10, 100, -1])
def test_torn_and_lengthened_bundles(cut: int) -> None:
    data = bundle.encode_bundle(_sealed())
    for torn in (data[:cut], data + b"\x00", b"\x00" + data):
        with pytest.raises(PeerError):
            bundle.parse_bundle(torn)


def test_seals_of_all_hops_hold_after_the_content_was_opened() -> None:
    sealed = _sealed()
    opened = bundle.Bundle(
        sealed.direction,
        tuple(bundle.Item(i.header, request.open_content(i.content, i.header, HIGH_HALF)) for i in sealed.items),
        sealed.seals,
    )
    passed_on = bundle.SealStream("inbound", "interactive", NOW_MS).seal(opened, HIGH, now_ms=NOW_MS)
    assert _verify(passed_on, 0).signer.role == "worker"
    assert _verify(passed_on, -1, "ferry_high").signer.role == "ferry_high"
    for item in passed_on.items:
        assert request.body_of(request.parse_header(item.header), item.content).startswith(b'{"id_number"')


def test_a_stream_numbers_and_chains_its_seals() -> None:
    stream = _stream()
    first = _verify(stream.seal(bundle.new_bundle("inbound", [request_item()]), WORKER, now_ms=NOW_MS))
    second = _verify(stream.seal(bundle.new_bundle("inbound", [request_item()]), WORKER, now_ms=NOW_MS))
    assert (first.statement.sequence, second.statement.sequence) == (1, 2)
    assert first.statement.previous == bundle.FIRST
    assert second.statement.previous == first.digest


def test_one_request_is_provable_alone() -> None:
    sealed = _sealed(5)
    leaves = [leaf_hash(item.header) for item in sealed.items]
    statement = _verify(sealed).statement
    verify_inclusion(
        leaf=request.header_digest(sealed.items[3].header),
        index=3,
        count=statement.count,
        proof=inclusion_proof(leaves, 3),
        expected=statement.root,
    )


def test_wrong_signers() -> None:
    sealed = _sealed()
    other = MachineAuthority()
    early = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    old = AUTHORITY.machine("worker", "worker-9", start=early, end=early + datetime.timedelta(days=1))
    cases = [
        (other.trust([other.machine("worker", "worker-1")]), "worker", Kind.UNKNOWN_SIGNER),
        (TRUST, "ferry_low", Kind.WRONG_ROLE),
    ]
    for trust, role, kind in cases:
        with pytest.raises(PeerError) as caught:
            bundle.verify_seal(sealed, 0, trust, role=role, now_ms=NOW_MS)
        assert caught.value.kind is kind
    expired = _stream().seal(bundle.new_bundle("inbound", [request_item()]), old, now_ms=NOW_MS)
    with pytest.raises(PeerError) as caught:
        bundle.verify_seal(expired, 0, AUTHORITY.trust([old]), role="worker", now_ms=NOW_MS)
    assert caught.value.kind is Kind.SIGNER_NOT_VALID
    with pytest.raises(PeerError):
        other.trust([WORKER])  # a certificate of another authority never enters a store


def test_missing_future_and_turned_seals() -> None:
    sealed = _sealed()
    with pytest.raises(PeerError):
        _verify(sealed, 1)
    future = _stream().seal(bundle.new_bundle("inbound", [request_item()]), WORKER, now_ms=NOW_MS + 10 * 60_000)
    with pytest.raises(PeerError) as caught:
        _verify(future)
    assert caught.value.kind is Kind.FROM_THE_FUTURE
    turned = bundle.Bundle("outbound", sealed.items, sealed.seals)
    with pytest.raises(PeerError) as caught:
        _verify(turned)
    assert caught.value.kind is Kind.WRONG_LANE


def test_limits() -> None:
    item = request_item()
    with pytest.raises(ValueError, match="1 to 256"):
        bundle.new_bundle("inbound", [])
    with pytest.raises(ValueError, match="1 to 256"):
        bundle.new_bundle("inbound", [item] * 257)
    with pytest.raises(PeerError) as caught:
        bundle.parse_bundle(bytes(bundle.MAX_BUNDLE_BYTES + 1))
    assert caught.value.kind is Kind.TOO_LARGE


@pytest.mark.parametrize(
    "changes",
    [
        {"service": "Wage.declare"},
        {"service": "wage.declare\n"},
        {"version": 0},
        {"lane": "control"},
        {"window": "staff"},
        {"expires_ms": NOW_MS},
        {"expires_ms": NOW_MS + request.MAX_LIFE_MS + 1},
        {"certificate": b"x"},
        {"grant": bytes(request.MAX_GRANT_BYTES + 1)},
        {"reply_to": "../worker"},
        {"reply_key": bytes(31)},
        {"id": bytes(15)},
        {"batch": request.Batch(bytes(16), 2, 1)},
        {"batch": request.Batch(bytes(16), 0, 1)},
        {"batch": request.Batch(bytes(15), 1, 1)},
    ],
)
def test_headers_outside_their_limits(changes: dict[str, object]) -> None:
    item = request_item(**changes)  # type: ignore[arg-type]
    with pytest.raises(PeerError):
        request.parse_header(item.header)


def test_content_is_bound_to_its_header() -> None:
    one, two = request_item(), request_item()
    with pytest.raises(PeerError):
        request.open_content(one.content, two.header, HIGH_HALF)
    opened = request.open_content(one.content, one.header, HIGH_HALF)
    with pytest.raises(PeerError):
        request.body_of(request.parse_header(two.header), opened)


def test_equal_bodies_have_unlike_digests() -> None:
    first, second = (request.parse_header(request_item().header) for _ in range(2))
    assert first.body_digest != second.body_digest


def test_answers_open_only_with_the_session() -> None:
    item = answer_item(body=b'{"answer":{}}')
    header = answer.parse_answer_header(item.header)
    answer.check_answer_content(header, item.content)
    assert answer.open_answer(item.content, header.request_id, SESSION) == b'{"answer":{}}'
    with pytest.raises(PeerError):
        answer.open_answer(item.content, header.request_id, HIGH_HALF)
    with pytest.raises(PeerError):
        answer.open_answer(item.content, bytes(16), SESSION)
    with pytest.raises(PeerError):
        answer.check_answer_content(header, item.content[:-1] + b"\x00")
