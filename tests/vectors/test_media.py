"""The golden vectors of media, read by our parsers and by an independent CBOR and COSE implementation."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any

import cbor2
import pytest
from cryptography import x509
from pycose.keys import EC2Key
from pycose.keys.curves import P256
from pycose.messages import Sign1Message

from tests.vectors.generate_media import FILES, PATH, make
from wire_formats import medium, medium_receipt
from wire_formats.seal import SealPrivateKey
from wire_formats.trust import TrustStore

GOLDEN: dict[str, Any] = json.loads(PATH.read_text(encoding="utf-8"))
NOW = GOLDEN["now_ms"]
RECIPIENT = SealPrivateKey(bytes.fromhex(GOLDEN["recipient_private"]))
SIGNERS: dict[str, Any] = GOLDEN["signers"]
PERSONS = TrustStore.from_pem(
    [GOLDEN["persons_pem"].encode()], [SIGNERS[name]["certificate_pem"].encode() for name in ("li", "wang")]
)
MACHINES = TrustStore.from_pem([GOLDEN["machines_pem"].encode()], [SIGNERS["ferry_high"]["certificate_pem"].encode()])


def _bytes(name: str) -> bytes:
    return bytes.fromhex(GOLDEN[name])


def test_the_manifest() -> None:
    manifest = medium.open_manifest(_bytes("manifest"), RECIPIENT)
    assert medium.encode_manifest(manifest.signatures, manifest.entries) == _bytes("manifest_plain")
    assert medium.encode_statement(manifest.statement).hex() == GOLDEN["statement"]["bytes"]
    assert manifest.statement.digest().hex() == GOLDEN["statement"]["digest"]
    assert medium.entries_root(manifest.entries).hex() == GOLDEN["statement"]["root"]
    assert [(entry.lane, entry.name) for entry in manifest.entries] == [(lane, name) for lane, name, _ in FILES]
    first, second = medium.verify_operators(manifest, PERSONS, now_ms=NOW)
    assert (first.name, second.name) == ("li", "wang")


def test_the_content() -> None:
    export = bytes(range(16))
    content = medium.open_chunk(_bytes("chunk"), RECIPIENT, export, 0)
    assert content == _bytes("content")
    assert len(_bytes("chunk")) == medium.content_size(len(content))
    at = 0
    for entry in medium.open_manifest(_bytes("manifest"), RECIPIENT).entries:
        assert hashlib.sha256(content[at : at + entry.size]).digest() == entry.digest
        at += entry.size


def test_the_receipt() -> None:
    receipt = medium_receipt.verify_receipt(_bytes("receipt"), MACHINES, direction="inbound", now_ms=NOW + 2)
    assert (receipt.serial, receipt.files) == ("WH-2026-0001", 3)
    assert receipt.statement.hex() == GOLDEN["statement"]["digest"]


def _signed() -> list[tuple[str, bytes, bytes]]:
    signatures = cbor2.loads(_bytes("manifest_plain"))[1]
    manifest = [(name, signatures[at], b"ferrygate media manifest 1") for at, name in enumerate(("li", "wang"))]
    return [*manifest, ("ferry_high", _bytes("receipt"), b"ferrygate media receipt 1")]


@pytest.mark.parametrize(("signer", "message", "use"), _signed())
def test_an_independent_verifier_agrees(signer: str, message: bytes, use: bytes) -> None:
    decoded = Sign1Message.decode(message)
    certificate = x509.load_der_x509_certificate(bytes.fromhex(SIGNERS[signer]["certificate_der"]))
    numbers = certificate.public_key().public_numbers()
    decoded.key = EC2Key(crv=P256, x=numbers.x.to_bytes(32, "big"), y=numbers.y.to_bytes(32, "big"))
    decoded.external_aad = use  # type: ignore[misc]  # pycose's setter has no type
    assert decoded.verify_signature()


def test_an_independent_decoder_reads_statement_and_entries() -> None:
    plain = cbor2.loads(_bytes("manifest_plain"))
    assert plain[0] == 1
    assert cbor2.dumps(plain, canonical=True) == _bytes("manifest_plain")
    statement = bytes.fromhex(GOLDEN["statement"]["bytes"])
    assert cbor2.dumps(cbor2.loads(statement), canonical=True) == statement
    assert [cbor2.loads(entry)[2] for page in plain[2] for entry in page] == [len(data) for _, _, data in FILES]


def test_the_generator_still_makes_vectors_of_this_form() -> None:
    fresh = make()
    assert fresh.keys() == GOLDEN.keys()
    old = medium.parse_statement(bytes.fromhex(GOLDEN["statement"]["bytes"]))
    new = medium.parse_statement(bytes.fromhex(fresh["statement"]["bytes"]))
    assert replace(new, root=old.root) == old
