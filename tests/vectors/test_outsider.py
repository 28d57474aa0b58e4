"""The golden bundles, read as another team would: from docs/protocol.md alone, with nothing of ours."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import cbor2
import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

GOLDEN: dict[str, Any] = json.loads(Path(__file__).with_name("golden.json").read_text(encoding="utf-8"))
HPKE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_128_GCM)
SEAL = b"ferrygate bundle seal 1"


def sha(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def one(data: bytes) -> Any:
    value = cbor2.loads(data)
    assert cbor2.dumps(value, canonical=True) == data
    return value


def root(leaves: list[bytes]) -> bytes:
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return sha(b"\x01", root(leaves[:split]), root(leaves[split:]))


def machines() -> dict[bytes, tuple[ec.EllipticCurvePublicKey, str]]:
    known = {}
    for machine in GOLDEN["machines"].values():
        der = bytes.fromhex(machine["certificate_der"])
        certificate = x509.load_der_x509_certificate(der)
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        (uri,) = names.get_values_for_type(x509.UniformResourceIdentifier)
        key = certificate.public_key()
        assert isinstance(key, ec.EllipticCurvePublicKey)
        known[sha(der)] = (key, uri.split(":")[3])
    return known


def statement(seal: bytes) -> tuple[Any, str]:
    message = one(seal)
    protected, unprotected, payload, signature = message.value
    told = one(protected)
    assert (message.tag, told[1], unprotected) == (18, -7, {})
    key, role = machines()[told[4]]
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    signed = cbor2.dumps(["Signature1", protected, SEAL, payload])
    key.verify(encode_dss_signature(r, s), signed, ec.ECDSA(hashes.SHA256()))
    return one(payload), role


BUNDLES = (("inbound_bundle", ["worker", "ferry_low"]), ("outbound_bundle", ["core"]))


@pytest.mark.parametrize(("name", "roles"), BUNDLES)
def test_a_bundle_and_its_seals(name: str, roles: list[str]) -> None:
    form, direction, items, seals = one(bytes.fromhex(GOLDEN[name]["bytes"]))
    assert form == 1
    top = root([sha(b"\x00", header) for header, _ in items])
    assert top.hex() == GOLDEN[name]["root"]
    found = [statement(seal) for seal in seals]
    assert [role for _, role in found] == roles
    for told, _ in found:
        assert sorted(told) == list(range(1, 10))
        assert (told[1], told[4], told[5], told[6], told[7]) == (direction, 1, bytes(32), len(items), top)


def test_a_turned_bit_is_found() -> None:
    seal = bytearray(one(bytes.fromhex(GOLDEN["inbound_bundle"]["bytes"]))[3][0])
    seal[-1] ^= 1
    with pytest.raises(InvalidSignature):
        statement(bytes(seal))


def test_a_request_is_opened() -> None:
    told = GOLDEN["request"]
    header, key = bytes.fromhex(told["header"]), bytes.fromhex(GOLDEN["high_half_private"])
    info = sha(header) + b"ferrygate request content 1"
    content = HPKE.decrypt(bytes.fromhex(told["sealed_content"]), X25519PrivateKey.from_private_bytes(key), info=info)
    assert content == bytes.fromhex(told["salt"]) + told["body"].encode()
    assert one(header)[12] == sha(content)


def test_an_answer_is_opened() -> None:
    header, sealed = (bytes.fromhex(GOLDEN["answer"][name]) for name in ("header", "sealed_content"))
    assert one(header)[8] == sha(sealed)
    key = X25519PrivateKey.from_private_bytes(bytes.fromhex(GOLDEN["session_private"]))
    content = HPKE.decrypt(sealed, key, info=sha(one(header)[1]) + b"ferrygate answer content 1")
    assert sorted(json.loads(content)) == ["answer", "errors", "hops"]
