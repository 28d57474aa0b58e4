"""Grants, lane control, deny lists, seals and COSE: what holds and what is refused."""

from __future__ import annotations

import os

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from pycose.keys import EC2Key
from pycose.keys.curves import P256
from pycose.messages import Sign1Message

from tests.support.machines import NOW_MS, MachineAuthority
from wire_formats import cose, deny_list, grant, lane_control, seal
from wire_formats.errors import HallError, Kind, PeerError, Refused

AUTHORITY = MachineAuthority()
CORE = AUTHORITY.machine("core", "core")
LOW = AUTHORITY.machine("ferry_low", "ferry_low")
DENY = AUTHORITY.machine("ca_deny", "ca_deny")
TRUST = AUTHORITY.trust([CORE, LOW, DENY])
CERTIFICATE = bytes(range(32))
GRANT = grant.Grant(
    grant_id=bytes(16),
    account="42010200001",
    window="unit",
    subject="42010200001",
    certificate=CERTIFICATE,
    rights=("unit.profile", "wage.batch"),
    from_ms=NOW_MS - 1000,
    until_ms=NOW_MS + 1000,
    district="420102",
)


def _tampered(message: bytes) -> list[bytes]:
    return [message[:i] + bytes([message[i] ^ 1]) + message[i + 1 :] for i in range(len(message))]


def test_an_independent_verifier_accepts_our_cose() -> None:
    message = Sign1Message.decode(cose.sign1(b"payload", CORE, external=b"use"))
    numbers = CORE.certificate.public_key().public_numbers()
    message.key = EC2Key(crv=P256, x=numbers.x.to_bytes(32, "big"), y=numbers.y.to_bytes(32, "big"))
    message.external_aad = b"use"  # type: ignore[misc]  # pycose's setter has no type
    assert message.payload == b"payload"
    assert message.verify_signature()
    message.external_aad = b"other use"  # type: ignore[misc]  # pycose's setter has no type
    assert not message.verify_signature()


def test_the_other_signature_of_the_same_text_is_refused() -> None:
    """ECDSA: who sees (r, s) can write (r, n - s), which verifies as well; an envelope has one form only."""
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    other_seen = 0
    for number in range(20):
        message = cose.sign1(b"payload %d" % number, CORE)
        cose.verify1(message, TRUST, role="core", now_ms=NOW_MS)
        s = int.from_bytes(message[-32:], "big")
        other = message[:-32] + (order - s).to_bytes(32, "big")
        with pytest.raises(PeerError, match="signature does not verify"):
            cose.verify1(other, TRUST, role="core", now_ms=NOW_MS)
        r = int.from_bytes(message[-64:-32], "big")
        for der in (encode_dss_signature(r, s), encode_dss_signature(r, order - s)):  # a card gives either
            other_seen += CORE.suite.from_der(der) == message[-64:]
    assert other_seen == 40


@pytest.mark.parametrize("scalars", [(0, 1), (1, 0), (1, 1 << 256), (1 << 300, 5)])
def test_what_is_no_signature_has_no_form(scalars: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="out of range"):
        CORE.suite.from_der(encode_dss_signature(*scalars))


def test_a_grant_holds_and_covers_what_it_names() -> None:
    signed = grant.sign_grant(GRANT, CORE)
    checked = grant.verify_grant(signed, TRUST, now_ms=NOW_MS)
    assert checked == GRANT
    checked.check(certificate=CERTIFICATE, window="unit", service="wage.batch", now_ms=NOW_MS)
    for changed in _tampered(signed):
        with pytest.raises(PeerError):
            grant.verify_grant(changed, TRUST, now_ms=NOW_MS)


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"now_ms": NOW_MS + 1001}, Kind.GRANT_EXPIRED),
        ({"now_ms": NOW_MS - 1001}, Kind.GRANT_EXPIRED),
        ({"certificate": bytes(32)}, Kind.CERTIFICATE_NOT_BOUND),
        ({"window": "person"}, Kind.WRONG_WINDOW),
        ({"service": "employee.add"}, Kind.NO_RIGHT),
    ],
)
def test_what_a_grant_does_not_cover(change: dict[str, object], kind: Kind) -> None:
    asked = {"certificate": CERTIFICATE, "window": "unit", "service": "wage.batch", "now_ms": NOW_MS, **change}
    with pytest.raises(Refused) as caught:
        GRANT.check(**asked)  # type: ignore[arg-type]
    assert caught.value.kind is kind


def test_the_dmz_cannot_make_a_grant() -> None:
    worker = AUTHORITY.machine("worker", "worker-1")
    with pytest.raises(PeerError) as caught:
        grant.verify_grant(grant.sign_grant(GRANT, worker), AUTHORITY.trust([worker, CORE]), now_ms=NOW_MS)
    assert caught.value.kind is Kind.WRONG_ROLE


@pytest.mark.parametrize(
    "control",
    [
        lane_control.Heartbeat("inbound", "interactive", NOW_MS, 0, bytes(32), NOW_MS),
        lane_control.Acknowledgement("outbound", "bulk", NOW_MS, 9, tuple(range(11, 43)), NOW_MS),
        lane_control.Progress(bytes(32), "crossed", NOW_MS),
    ],
)
def test_control_messages(control: lane_control.Control) -> None:
    signed = lane_control.sign_control(control, LOW)
    assert lane_control.verify_control(signed, TRUST, role="ferry_low", now_ms=NOW_MS) == control
    with pytest.raises(PeerError):
        lane_control.verify_control(signed, TRUST, role="ferry_high", now_ms=NOW_MS)
    with pytest.raises(PeerError):
        lane_control.verify_control(signed, TRUST, role="ferry_low", now_ms=NOW_MS - 10 * 60_000)
    for changed in _tampered(signed):
        with pytest.raises(PeerError):
            lane_control.verify_control(changed, TRUST, role="ferry_low", now_ms=NOW_MS)


def test_a_signature_for_one_use_is_none_for_another() -> None:
    payload = cose.parse_sign1(grant.sign_grant(GRANT, CORE)).payload
    for use in (b"", b"ferrygate lane control 1"):
        with pytest.raises(PeerError):
            grant.verify_grant(cose.sign1(payload, CORE, external=use), TRUST, now_ms=NOW_MS)


def test_deny_list_increments_chain() -> None:
    first = deny_list.DenyIncrement(1, deny_list.FIRST, NOW_MS, full=True, serials=(9, 3, 1 << 159), size=3)
    second = deny_list.DenyIncrement(2, deny_list.increment_digest(first), NOW_MS, full=False, serials=(), size=3)
    read = deny_list.verify_increment(deny_list.sign_increment(first, DENY), TRUST, now_ms=NOW_MS)
    assert read.serials == (3, 9, 1 << 159)
    assert deny_list.increment_digest(read) == second.previous
    with pytest.raises(PeerError):
        deny_list.verify_increment(deny_list.sign_increment(second, CORE), TRUST, now_ms=NOW_MS)
    with pytest.raises(ValueError, match="serial"):
        deny_list.encode_increment(deny_list.DenyIncrement(1, deny_list.FIRST, 0, full=True, serials=(0,), size=1))


def test_secrets_open_only_in_the_core_and_for_their_field() -> None:
    core = seal.SealPrivateKey(os.urandom(32))
    sealed = seal.seal_secret(core.public, "пароль 密码", field="password")
    assert seal.open_secret(core, sealed, field="password") == "пароль 密码"
    assert sealed != seal.seal_secret(core.public, "пароль 密码", field="password")
    for key, text, field in (
        (seal.SealPrivateKey(os.urandom(32)), sealed, "password"),
        (core, sealed, "old_password"),
        (core, sealed[:-2], "password"),
        (core, "é", "password"),
        (core, "", "password"),
    ):
        with pytest.raises(PeerError) as caught:
            seal.open_secret(key, text, field=field)
        assert caught.value.kind is Kind.BAD_SEAL


def test_a_session_key_grows_from_its_secret_alone() -> None:
    secret = os.urandom(32)
    one, two = (seal.SealPrivateKey.derive(secret, use=b"session") for _ in range(2))
    assert one.raw == two.raw
    assert one.raw != seal.SealPrivateKey.derive(secret, use=b"draft").raw


def test_keys_of_small_order_are_refused() -> None:
    with pytest.raises(HallError):
        seal.SealPublicKey(bytes(32)).seal(b"x", info=b"i", aad=b"")
    with pytest.raises(PeerError):
        seal.SealPublicKey(bytes(31))
