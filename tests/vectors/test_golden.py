"""The golden vectors, read by our parsers and by an independent CBOR and COSE implementation."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator
from typing import Any

import cbor2
import pytest
from cryptography import x509
from pycose.keys import EC2Key
from pycose.keys.curves import P256
from pycose.messages import Sign1Message

from tests.vectors.generate import PATH, make
from wire_formats import answer, bundle, deny_list, grant, ids, lane_control, request, seal
from wire_formats.canonical import decode_json
from wire_formats.seal import SealPrivateKey
from wire_formats.trust import TrustStore

GOLDEN: dict[str, Any] = json.loads(PATH.read_text(encoding="utf-8"))
NOW = GOLDEN["now_ms"]
TRUST = TrustStore.from_pem(
    [GOLDEN["issuer_pem"].encode()], [m["certificate_pem"].encode() for m in GOLDEN["machines"].values()]
)
HIGH = SealPrivateKey(bytes.fromhex(GOLDEN["high_half_private"]))
SESSION = SealPrivateKey(bytes.fromhex(GOLDEN["session_private"]))


def _bytes(*path: str) -> bytes:
    value: Any = GOLDEN
    for key in path:
        value = value[key]
    return bytes.fromhex(value)


def test_the_request() -> None:
    header_bytes, sealed = _bytes("request", "header"), _bytes("request", "sealed_content")
    header = request.parse_header(header_bytes)
    assert request.encode_header(header) == header_bytes
    body = request.body_of(header, request.open_content(sealed, header_bytes, HIGH))
    assert body.decode() == GOLDEN["request"]["body"]
    decode_json(body)
    assert request.header_digest(header_bytes) == _bytes("request", "leaf")
    assert ids.reference_number(header.id) == GOLDEN["reference_number"]["text"]
    grant.verify_grant(header.grant, TRUST, now_ms=NOW)


def test_the_answer() -> None:
    header = answer.parse_answer_header(_bytes("answer", "header"))
    content = _bytes("answer", "sealed_content")
    answer.check_answer_content(header, content)
    decode_json(answer.open_answer(content, header.request_id, SESSION))


@pytest.mark.parametrize(
    ("name", "roles"), [("inbound_bundle", ("worker", "ferry_low")), ("outbound_bundle", ("core",))]
)
def test_the_bundles(name: str, roles: tuple[str, ...]) -> None:
    data = _bytes(name, "bytes")
    parsed = bundle.parse_bundle(data)
    assert bundle.encode_bundle(parsed) == data
    assert parsed.root() == _bytes(name, "root")
    for index, role in enumerate(roles):
        bundle.verify_seal(parsed, index, TRUST, role=role, now_ms=NOW)


def test_lists_and_control_messages() -> None:
    assert deny_list.verify_increment(_bytes("deny_increment"), TRUST, now_ms=NOW).serials == (5, 1 << 119)
    for name in ("heartbeat", "acknowledgement", "progress"):
        lane_control.verify_control(_bytes(name), TRUST, role="ferry_low", now_ms=NOW)
    assert seal.open_secret(HIGH, GOLDEN["sealed_secret"], field="password") == "Sesam 芝麻"


def _signed_messages() -> Iterator[tuple[str, bytes, bytes]]:
    for name, use in (
        ("grant", b"ferrygate grant 1"),
        ("deny_increment", b"ferrygate deny list 1"),
        ("heartbeat", b"ferrygate lane control 1"),
        ("acknowledgement", b"ferrygate lane control 1"),
        ("progress", b"ferrygate lane control 1"),
    ):
        yield name, _bytes(name), use
    for name in ("inbound_bundle", "outbound_bundle"):
        for seal_bytes in cbor2.loads(_bytes(name, "bytes"))[3]:
            yield name, seal_bytes, b"ferrygate bundle seal 1"


@pytest.mark.parametrize(("name", "message", "use"), list(_signed_messages()))
def test_an_independent_verifier_agrees(name: str, message: bytes, use: bytes) -> None:
    decoded = Sign1Message.decode(message)
    kids = {bytes.fromhex(m["kid"]): m for m in GOLDEN["machines"].values()}
    tag = cbor2.load(io.BytesIO(message))
    machine = kids[cbor2.loads(tag.value[0])[4]]
    certificate = x509.load_der_x509_certificate(bytes.fromhex(machine["certificate_der"]))
    assert hashlib.sha256(bytes.fromhex(machine["certificate_der"])).hexdigest() == machine["kid"]
    numbers = certificate.public_key().public_numbers()
    decoded.key = EC2Key(crv=P256, x=numbers.x.to_bytes(32, "big"), y=numbers.y.to_bytes(32, "big"))
    decoded.external_aad = use  # type: ignore[misc]  # pycose's setter has no type
    assert decoded.verify_signature()


@pytest.mark.parametrize("path", [("request", "header"), ("answer", "header")])
def test_an_independent_decoder_reads_the_headers(path: tuple[str, str]) -> None:
    data = _bytes(*path)
    value = cbor2.loads(data)
    assert list(value) == sorted(value)
    assert cbor2.dumps(value, canonical=True) == data


def test_the_generator_still_makes_vectors_of_this_form() -> None:
    fresh = make()
    assert fresh.keys() == GOLDEN.keys()
    for name in ("reference_number",):
        assert fresh[name] == GOLDEN[name]
    assert fresh["request"]["body"] == GOLDEN["request"]["body"]
