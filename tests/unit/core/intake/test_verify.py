from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from core.intake.verify import verify_bundle
from tests.support.core_world import World, make_world
from tests.support.machines import NOW_MS, MachineAuthority
from wire_formats import bundle as bundles
from wire_formats.bundle import Item, SealStream, encode_bundle, new_bundle, parse_bundle
from wire_formats.errors import Kind, PeerError


@pytest.fixture
def world(tmp_path: Any) -> Any:
    made = make_world(tmp_path, f"sqlite:///{tmp_path}/p.sqlite")
    yield made
    made.close()


def refused(world: World, data: bytes, lane: str = "interactive") -> Kind:
    with pytest.raises(PeerError) as caught:
        verify_bundle(data, lane=lane, trust=world.trust, now_ms=world.clock.now_ms())
    return caught.value.kind


def only_fault(world: World, item: Item, lane: str = "interactive") -> Kind:
    _, data = world.sealed([item], lane)
    (only,) = verify_bundle(data, lane=lane, trust=world.trust, now_ms=world.clock.now_ms()).requests
    assert only.fault is not None
    return only.fault.kind


def test_an_honest_bundle_is_read(world: World) -> None:
    _, data = world.sealed([world.request("vip", "unit.profile", {}), world.request("plain", "unit.profile", {})])
    verified = verify_bundle(data, lane="interactive", trust=world.trust, now_ms=NOW_MS)
    assert [request.fault for request in verified.requests] == [None, None]
    assert verified.hops == {"worker": NOW_MS, "ferry_low": NOW_MS, "ferry_high": NOW_MS}


def sealed_by(world: World, keys: list[Any], *, lane: str = "interactive", direction: str = "inbound") -> bytes:
    bundle = new_bundle(direction, [world.request("vip", "unit.profile", {})])
    for key in keys:
        bundle = SealStream(direction, lane, NOW_MS).seal(bundle, key, now_ms=NOW_MS)
    return encode_bundle(bundle)


def test_roles_of_the_seals(world: World) -> None:
    worker, low, high = world.worker, world.low, world.high
    assert refused(world, sealed_by(world, [worker])) is Kind.BAD_SIGNATURE
    assert refused(world, sealed_by(world, [worker, low])) is Kind.WRONG_ROLE
    assert refused(world, sealed_by(world, [low, high])) is Kind.WRONG_ROLE
    assert refused(world, sealed_by(world, [high, worker])) is Kind.WRONG_ROLE
    assert refused(world, sealed_by(world, [worker, worker])) is Kind.WRONG_ROLE
    stranger = MachineAuthority().machine("worker", "worker-1")
    assert refused(world, sealed_by(world, [stranger, low, high])) is Kind.UNKNOWN_SIGNER


def test_lane_and_direction(world: World) -> None:
    keys = [world.worker, world.low, world.high]
    assert refused(world, sealed_by(world, keys, lane="bulk")) is Kind.WRONG_LANE
    assert refused(world, sealed_by(world, keys, direction="outbound")) is Kind.WRONG_LANE


def test_a_seal_after_its_certificate_ended(world: World) -> None:
    data = sealed_by(world, [world.worker, world.low, world.high])
    world.clock.value = NOW_MS + 400 * 86_400_000
    assert refused(world, data) is Kind.SIGNER_NOT_VALID


def test_other_items_than_were_sealed(world: World) -> None:
    _, data = world.sealed([world.request("vip", "unit.profile", {})])
    bundle = parse_bundle(data)
    swapped = replace(bundle, items=(world.request("plain", "unit.profile", {}),))
    assert refused(world, encode_bundle(swapped)) is Kind.DIGEST_MISMATCH


def test_every_flipped_byte_is_noticed(world: World) -> None:
    _, data = world.sealed([world.request("vip", "unit.profile", {})])
    content = parse_bundle(data).items[0].content
    start = data.index(content)
    for place in range(0, len(data), 7):
        broken = bytearray(data)
        broken[place] ^= 0x01
        try:
            verified = verify_bundle(bytes(broken), lane="interactive", trust=world.trust, now_ms=NOW_MS)
        except PeerError:
            continue
        # The content is bound by the header's digest: there the request alone is at fault. The middle seal was
        # checked by the high half; here it only tells a time.
        inside = start <= place < start + len(content)
        assert inside == (verified.requests[0].fault is not None)


def test_faults_of_single_requests(world: World) -> None:
    ask = world.request
    assert only_fault(world, ask("vip", "unit.profile", {}, service="unit.nothing")) is Kind.UNKNOWN_SERVICE
    assert only_fault(world, ask("vip", "unit.profile", {}, version=9)) is Kind.UNKNOWN_SERVICE
    assert only_fault(world, ask("vip", "unit.profile", {"more": 1})) is Kind.BAD_FIELD
    assert only_fault(world, ask("vip", "unit.profile", {}, window="person")) is Kind.WRONG_WINDOW
    assert only_fault(world, ask("vip", "unit.profile", {}, lane="bulk")) is Kind.WRONG_LANE
    late = {"created_ms": NOW_MS - 20_000, "expires_ms": NOW_MS - 1}
    assert only_fault(world, ask("vip", "unit.profile", {}, **late)) is Kind.EXPIRED
    early = {"created_ms": NOW_MS + 3_600_000, "expires_ms": NOW_MS + 3_700_000}
    assert only_fault(world, ask("vip", "unit.profile", {}, **early)) is Kind.FROM_THE_FUTURE
    item = ask("vip", "unit.profile", {})
    assert only_fault(world, Item(item.header, item.content + b" ")) is Kind.DIGEST_MISMATCH


def test_a_body_that_is_not_canonical(world: World) -> None:
    content, digest = bundles_content(b"{ }")
    item = world.request("vip", "unit.profile", {}, body_digest=digest)
    assert only_fault(world, Item(item.header, content)) is Kind.NOT_CANONICAL


def bundles_content(body: bytes) -> tuple[bytes, bytes]:
    from wire_formats.request import make_content

    return make_content(body, bytes(16))


def test_garbage_is_only_ever_a_peer_error(world: World) -> None:
    for data in (b"", b"\x00", b"\x84\x01", b"x" * 5_000, bytes(range(256)), b"\x84" + b"\x9f" * 64):
        refused(world, data)
    assert bundles.MAX_BUNDLE_BYTES < 4 << 20
