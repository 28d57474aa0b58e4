"""The vectors of the witnessed log, read by our parsers and by a verifier written from docs/witnessed-log.md alone."""

from __future__ import annotations

import base64
import hashlib
import json
import struct
from typing import Any

import cbor2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from pymerkle import InmemoryTree

from tests.vectors.generate_log import PATH, make
from wire_formats import lane_control
from wire_formats.tlog.crossing import encode_entry, entry_leaf, parse_entry, statement_digest
from wire_formats.tlog.evidence import format_evidence, parse_evidence, verify_cosigned, verify_evidence
from wire_formats.tlog.note import format_note, parse_note
from wire_formats.tlog.submission import format_submission, parse_submission
from wire_formats.trust import TrustStore

GOLDEN: dict[str, Any] = json.loads(PATH.read_text(encoding="utf-8"))
NOW = GOLDEN["now_ms"]
TRUST = TrustStore.from_pem([GOLDEN["issuer_pem"].encode()], [pem.encode() for pem in GOLDEN["machines_pem"].values()])
EVIDENCE = ("evidence_of_request", "evidence_of_answer", "evidence_of_crossing")


def test_our_parsers_read_them_back_byte_for_byte() -> None:
    for entry, leaf, digest in zip(GOLDEN["entries"], GOLDEN["leaves"], GOLDEN["statement_digests"], strict=True):
        data = bytes.fromhex(entry)
        assert encode_entry(parse_entry(data)) == data
        assert entry_leaf(data).hex() == leaf
        assert statement_digest(parse_entry(data).statement).hex() == digest
    note = GOLDEN["checkpoint"].encode()
    assert format_note(parse_note(note)) == note
    verify_cosigned(parse_note(note), TRUST)
    submission = GOLDEN["submission"].encode()
    assert format_submission(parse_submission(submission)) == submission
    for name in EVIDENCE:
        data = GOLDEN[name].encode()
        assert format_evidence(parse_evidence(data)) == data
        verify_evidence(parse_evidence(data), TRUST)
    for name, role in (("tree_head", "ferry_low"), ("cosignature", "ferry_high"), ("tree_refused", "ferry_high")):
        lane_control.verify_control(bytes.fromhex(GOLDEN[name]), TRUST, role=role, now_ms=NOW)


def test_an_independent_tree_has_the_same_roots_and_proofs() -> None:
    small = GOLDEN["tree_of_seven"]
    other = InmemoryTree(algorithm="sha256")
    for number, entry in enumerate(small["entries"], 1):
        other.append_entry(bytes.fromhex(entry))
        assert other.get_root(number).hex() == small["roots"][number]
    assert [step.hex() for step in other.prove_inclusion(6, 7).path[1:]] == small["inclusion_of_5_in_7"]
    log = InmemoryTree(algorithm="sha256")
    for entry in GOLDEN["entries"]:
        log.append_entry(bytes.fromhex(entry))
    assert base64.b64encode(log.get_root(len(GOLDEN["entries"]))).decode() in GOLDEN["checkpoint_text"]


def test_the_generator_still_makes_vectors_of_this_form() -> None:
    fresh = make()
    assert fresh.keys() == GOLDEN.keys()
    assert fresh["tree_of_seven"] == GOLDEN["tree_of_seven"]


# A verifier by somebody else: nothing of ours below this line, only the description.


def _key(name: str) -> tuple[ec.EllipticCurvePublicKey, bytes, bytes]:
    certificate = x509.load_pem_x509_certificate(GOLDEN["machines_pem"][name].encode())
    key = certificate.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    spki = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return key, spki, hashlib.sha256(certificate.public_bytes(serialization.Encoding.DER)).digest()


def _check(key: ec.EllipticCurvePublicKey, signature: bytes, message: bytes) -> None:
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    key.verify(encode_dss_signature(r, s), message, ec.ECDSA(hashes.SHA256()))


def _climb(leaf: bytes, index: int, size: int, path: list[bytes]) -> bytes:
    """RFC 9162, 2.1.3.2."""
    at, last, current = index, size - 1, leaf
    for step in path:
        assert last > 0
        if at & 1 or at == last:
            current = hashlib.sha256(b"\x01" + step + current).digest()
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            current = hashlib.sha256(b"\x01" + current + step).digest()
        at, last = at >> 1, last >> 1
    assert last == 0
    return current


def _sign1(message: bytes, use: bytes) -> tuple[dict[int, Any], bytes]:
    protected, _, payload, signature = cbor2.loads(message).value
    kid = cbor2.loads(protected)[4]
    [name] = [name for name in GOLDEN["machines_pem"] if _key(name)[2] == kid]
    structure = cbor2.dumps(["Signature1", protected, use, payload], canonical=True)
    _check(_key(name)[0], signature, structure)
    return cbor2.loads(payload), kid


@pytest.mark.parametrize("name", EVIDENCE)
def test_a_verifier_written_from_the_description_agrees(name: str) -> None:
    head, _, note = GOLDEN[name].partition("\n\n")
    first, extra_line, index_line, *path_lines = head.split("\n")
    assert first == "c2sp.org/tlog-proof@v1"
    extra = cbor2.loads(base64.b64decode(extra_line.removeprefix("extra ")))
    entry, seals, item = extra[1], extra[2], extra[3]
    # the checkpoint: text, then both halves' lines
    at = note.rindex("\n\n") + 1
    text, lines = note[:at], note[at + 1 :].rstrip("\n").split("\n")
    origin, size, root = text.rstrip("\n").split("\n")
    _, log_name, log_line = lines[0].split(" ")
    _, witness_name, witness_line = lines[1].split(" ")
    low, low_spki, low_kid = _key("low")
    assert origin == log_name == f"ferrygate/ferry_low/ferry_low/1/{low_kid.hex()}"
    value = base64.b64decode(log_line)
    assert value[:4] == hashlib.sha256(low_spki).digest()[:4]
    low.verify(value[4:], text.encode(), ec.ECDSA(hashes.SHA256()))
    high, high_spki, _ = _key("high")
    value = base64.b64decode(witness_line)
    kind = b"\xffferrygate/cosignature-es256/v1\n"
    assert value[:4] == hashlib.sha256(witness_name.encode() + b"\n" + kind + high_spki).digest()[:4]
    (second,) = struct.unpack(">Q", value[4:12])
    _check(high, value[12:], f"cosignature/v1\ntime {second}\n{text}".encode())
    # the entry in the log
    leaf = hashlib.sha256(b"\x00" + entry).digest()
    path = [base64.b64decode(line) for line in path_lines]
    assert _climb(leaf, int(index_line.removeprefix("index ")), int(size), path) == base64.b64decode(root)
    # the seals behind the entry
    layout = struct.Struct(">BBBBIQQQQQ32s32s32s32s32s32s")
    (_, way, lane, tracked, count, epoch, sequence, made, author_epoch, author_sequence, items, previous, sealer,
     author, seal_digest, author_digest) = layout.unpack(entry)  # fmt: skip
    assert [hashlib.sha256(seal).digest() for seal in seals] == [author_digest, seal_digest]
    said, kid = _sign1(seals[1], b"ferrygate bundle seal 1")
    assert kid == sealer
    assert list(said.values()) == [
        ("inbound", "outbound")[way - 1], ("interactive", "bulk")[lane - 1], epoch, sequence, previous, count, items,
        made, tracked == 1,
    ]  # fmt: skip
    written, kid = _sign1(seals[0], b"ferrygate bundle seal 1")
    assert (kid, written[3], written[4], written[7]) == (author, author_epoch, author_sequence, items)
    # the request in the bundle
    if item is not None:
        place, digest, header, steps = item
        assert hashlib.sha256(b"\x00" + header).digest() == digest
        assert _climb(digest, place, count, steps) == items
        assert len(cbor2.loads(header)[1]) == 16
