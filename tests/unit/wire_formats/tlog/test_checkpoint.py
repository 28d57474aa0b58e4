"""Checkpoints, cosignatures, submissions, proofs: one form each, and only from the right half."""

from __future__ import annotations

import base64
import hashlib
import struct
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from hypothesis import given
from hypothesis import strategies as st

from tests.support.log_kit import LogKit
from tests.support.machines import NOW_MS
from wire_formats.errors import PeerError
from wire_formats.suites import VerifyKey
from wire_formats.tlog.checkpoint import (
    MOST_LEAVES,
    Checkpoint,
    Origin,
    checkpoint_text,
    cosign,
    parse_checkpoint,
    parse_origin,
    verify_checkpoint,
    verify_cosignature,
    witness_name,
)
from wire_formats.tlog.evidence import verify_cosigned
from wire_formats.tlog.note import Note, format_note, note_key_id, parse_note
from wire_formats.tlog.proof import TlogProof, format_proof, parse_proof
from wire_formats.tlog.submission import Submission, format_submission, parse_submission
from wire_formats.tlog.tree import EMPTY_ROOT

KIT = LogKit()
for _ in range(5):
    KIT.cross()
COSIGNED, SIGNED = KIT.note(), KIT.note(cosigned=False)
HIGH = witness_name("ferry_high", "ferry_high")
ORIGINS = st.builds(
    Origin,
    st.sampled_from(["ferry_low", "ferry_high"]),
    st.from_regex(r"[a-z0-9_-]{1,32}", fullmatch=True),
    st.integers(1, 999_999),
    st.binary(min_size=32, max_size=32),
)
CHECKPOINTS = st.builds(Checkpoint, ORIGINS, st.integers(1, MOST_LEAVES), st.binary(min_size=32, max_size=32))
HASHES = st.lists(st.binary(min_size=32, max_size=32), max_size=4).map(tuple)


@given(CHECKPOINTS)
def test_a_checkpoint_is_read_back(checkpoint: Checkpoint) -> None:
    assert parse_checkpoint(checkpoint_text(checkpoint)) == checkpoint
    assert parse_origin(str(checkpoint.origin)) == checkpoint.origin


@pytest.mark.parametrize(
    "change",
    [
        lambda lines: [*lines[:3], "an extension", ""],
        lambda lines: lines[:3],
        lambda lines: [lines[0], "05", *lines[2:]],
        lambda lines: [lines[0], "0", *lines[2:]],
        lambda lines: [lines[0], str(MOST_LEAVES + 1), *lines[2:]],
        lambda lines: [*lines[:2], lines[2][:-4], ""],
        lambda lines: [lines[0].replace("ferry_low/", "ferry_mid/"), *lines[1:]],
        lambda lines: [lines[0].upper(), *lines[1:]],
        lambda lines: [lines[0] + "0", *lines[1:]],
        lambda lines: [lines[0].replace("/1/", "/01/"), *lines[1:]],
    ],
)
def test_other_forms_of_a_checkpoint_are_refused(change: Callable[[list[str]], list[str]]) -> None:
    lines = checkpoint_text(KIT.checkpoint()).split("\n")
    with pytest.raises(PeerError):
        parse_checkpoint("\n".join(change(lines)))


def test_an_empty_tree_can_be_said() -> None:
    empty = Checkpoint(KIT.origin, 0, EMPTY_ROOT)
    assert parse_checkpoint(checkpoint_text(empty)) == empty


def test_only_the_log_signs_and_only_the_witness_cosigns() -> None:
    note = KIT.note()
    low, high = VerifyKey(KIT.low.certificate), VerifyKey(KIT.high.certificate)
    assert verify_checkpoint(note, low) == KIT.checkpoint()
    assert verify_cosignature(note, HIGH, high) == NOW_MS // 1000
    for wrong in (
        lambda: verify_checkpoint(note, high),
        lambda: verify_cosignature(note, HIGH, low),
        lambda: verify_cosignature(note, witness_name("ferry_high", "another"), high),
        lambda: verify_cosignature(KIT.note(cosigned=False), HIGH, high),
    ):
        with pytest.raises(PeerError):
            wrong()
    log, witness, at_s = verify_cosigned(note, KIT.trust)
    assert (log.name, witness.name, at_s) == ("ferry_low", "ferry_high", NOW_MS // 1000)


def test_a_half_cannot_witness_its_own_log() -> None:
    checkpoint = KIT.checkpoint()
    own = cosign(checkpoint, witness_name("ferry_low", "ferry_low"), KIT.low, at_s=1)
    with pytest.raises(PeerError):
        verify_cosigned(KIT.note(cosigned=False).signed(own), KIT.trust)


def test_a_cosignature_is_for_its_time_and_text() -> None:
    note, high = KIT.note(), VerifyKey(KIT.high.certificate)
    own, line = note.signatures
    later = line._replace(value=(NOW_MS // 1000 + 1).to_bytes(8, "big") + line.value[8:])
    for bad in (
        Note(note.text, (own, later)),
        Note(checkpoint_text(KIT.checkpoint(4)), note.signatures),
        Note(note.text, (own, line._replace(value=line.value[:8]))),
        Note(note.text, (own, line._replace(value=b"\xff" * 8 + line.value[8:]))),
    ):
        with pytest.raises(PeerError):
            verify_cosignature(bad, HIGH, high)


def test_a_witness_must_have_been_valid_when_it_signed() -> None:
    with pytest.raises(PeerError):
        verify_cosigned(KIT.note(at_s=NOW_MS // 1000 + 5 * 365 * 86_400), KIT.trust)


def test_a_cosignature_as_the_document_says_it_is_made() -> None:
    """Written down once more from the description, with nothing of ours but the key."""
    note = KIT.note()
    whole = format_note(note).decode()
    text = whole[: whole.rindex("\n\n") + 1]
    line = whole.rstrip("\n").split("\n")[-1]
    dash, name, encoded = line.split(" ")
    value = base64.b64decode(encoded)
    (at_s,) = struct.unpack(">Q", value[4:12])
    r, s = int.from_bytes(value[12:44], "big"), int.from_bytes(value[44:], "big")
    public = KIT.high.certificate.public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey)
    kind = b"\xffferrygate/cosignature-es256/v1\n"
    assert dash == "\u2014"
    assert value[:4] == hashlib.sha256(name.encode() + b"\n" + kind + KIT.high.public_der).digest()[:4]
    message = f"cosignature/v1\ntime {at_s}\n{text}".encode()
    public.verify(encode_dss_signature(r, s), message, ec.ECDSA(hashes.SHA256()))
    assert value[:4] != note_key_id(KIT.high.public_der)


@given(st.integers(0, MOST_LEAVES), HASHES)
def test_a_submission_is_read_back(old: int, proof: tuple[bytes, ...]) -> None:
    submission = Submission(old, proof, SIGNED)
    data = format_submission(submission)
    assert parse_submission(data) == submission


@given(st.binary(max_size=300), st.integers(0, MOST_LEAVES), HASHES)
def test_a_proof_is_read_back(extra: bytes, index: int, path: tuple[bytes, ...]) -> None:
    proof = TlogProof(extra, index, path, COSIGNED)
    assert parse_proof(format_proof(proof)) == proof


def test_a_proof_has_at_most_63_steps() -> None:
    longest = Submission(1, (bytes(32),) * 63, SIGNED)
    assert parse_submission(format_submission(longest)) == longest
    with pytest.raises(PeerError):
        parse_submission(format_submission(Submission(1, (bytes(32),) * 64, SIGNED)))


GOOD = {
    "note": (parse_note, format_note, format_note(KIT.note())),
    "submission": (
        parse_submission, format_submission, format_submission(Submission(3, (bytes(32),), KIT.note(cosigned=False))),
    ),
    "proof": (parse_proof, format_proof, format_proof(TlogProof(b"extra", 3, (bytes(32), bytes(32)), KIT.note()))),
}  # fmt: skip


@pytest.mark.parametrize("name", GOOD)
@given(at=st.integers(0, 10_000), new=st.binary(max_size=3), cut=st.integers(0, 40))
def test_a_mutated_file_is_the_same_or_refused(name: str, at: int, new: bytes, cut: int) -> None:
    parse, write, good = GOOD[name]
    at %= len(good)
    data = good[:at] + new + good[at + cut :]
    try:
        value = parse(data)
    except PeerError:
        return
    assert write(value) == data  # type: ignore[operator]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"c2sp.org/tlog-proof@v1\n", b"c2sp.org/tlog-proof@v2\n"),
        (b"extra ZXh0cmE=\n", b"extra \n"),
        (b"extra ZXh0cmE=\n", b"extra ZXh0cmE=\nextra ZXh0cmE=\n"),
        (b"index 3\n", b""),
        (b"index 3\n", b"index 03\n"),
        (b"index 3\n", b"Index 3\n"),
    ],
)
def test_other_forms_of_a_proof_are_refused(before: bytes, after: bytes) -> None:
    good = GOOD["proof"][2]
    assert before in good
    with pytest.raises(PeerError):
        parse_proof(good.replace(before, after))
