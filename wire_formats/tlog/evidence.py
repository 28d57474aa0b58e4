"""The evidence (证据) of one crossing, or of one request or answer in it: a proof file anybody can check.

An evidence file is a C2SP proof of inclusion whose ``extra`` line says how the log's entry is made up:

    1 entry        240 bytes, see ``crossing``
    2 seals        [author's seal, crossing's seal], COSE_Sign1 each
    3 item         null, or what the evidence is about:
                   [index in the bundle, header digest, header or empty, [inclusion proof in the bundle]]

What it shows, each step by a key of the machines' certificates:

    header ─▶ item digest ─▶ bundle root = root in both seals and in the entry
    entry ─▶ leaf ─▶ root of the log, signed by the half that keeps it, cosigned by the other half

The header stands for the request: it names service, account's grant, time, and by a salted digest the
content.  Without it (it may be lost, or withheld) the evidence is about its digest.

Source: DESIGN invariant 10; catalogue F11; C2SP tlog-proof.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final, NamedTuple

from wire_formats import cbor, cose, merkle
from wire_formats.answer import parse_answer_header
from wire_formats.bundle import MAX_ITEMS, SEAL_USE, parse_statement
from wire_formats.errors import Kind, PeerError
from wire_formats.instants import SECOND_MS
from wire_formats.request import MAX_HEADER_BYTES, parse_header
from wire_formats.tlog.checkpoint import HALVES, Checkpoint, parse_checkpoint, verify_cosignature, witness_name
from wire_formats.tlog.checkpoint import verify_checkpoint as verify_log_signature
from wire_formats.tlog.crossing import CrossingEntry, encode_entry, entry_leaf, parse_entry
from wire_formats.tlog.note import Note
from wire_formats.tlog.proof import TlogProof, format_proof, parse_proof, verify_in_tree
from wire_formats.trust import Signer, TrustStore

#: A bundle has at most 256 items.
_MOST_STEPS: Final = 8
_INBOUND: Final = "inbound"
_AUTHORS: Final = {_INBOUND: ("worker",), "outbound": ("core", "ferry_high")}


@dataclass(frozen=True, slots=True)
class ItemEvidence:
    """One request or answer of a bundle.

    Attributes:
        index: place in the bundle, from 0.
        digest: leaf hash of its header.
        header: its encoded header; empty when it is not known.
        path: inclusion proof in the bundle.
    """

    index: int
    digest: bytes
    header: bytes
    path: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What an evidence file holds; nothing in it is verified yet.

    Attributes:
        entry: the log's entry.
        seals: the author's seal and the crossing's.
        item: the request or answer; None when the evidence is about the crossing.
        index: of the entry in the log.
        path: inclusion proof in the log.
        note: the checkpoint.
    """

    entry: CrossingEntry
    seals: tuple[bytes, bytes]
    item: ItemEvidence | None
    index: int
    path: tuple[bytes, ...]
    note: Note


class Proved(NamedTuple):
    """What an evidence file proves.

    Attributes:
        checkpoint: of the log it is in.
        cosigned_s: when the other half cosigned it, seconds since 1970.
        log: the half that keeps the log.
        witness: the half that cosigned.
        sealer: the half that sent the crossing over the gap.
        author: who made the bundle.
        entry: the crossing.
        request_id: of the request, or of the request that is answered; empty without a header.
    """

    checkpoint: Checkpoint
    cosigned_s: int
    log: Signer
    witness: Signer
    sealer: Signer
    author: Signer
    entry: CrossingEntry
    request_id: bytes


def format_evidence(evidence: Evidence) -> bytes:
    """Write an evidence file in its one form."""
    item: cbor.Value = None
    if evidence.item is not None:
        item = [evidence.item.index, evidence.item.digest, evidence.item.header, list(evidence.item.path)]
    extra = cbor.encode({1: encode_entry(evidence.entry), 2: list(evidence.seals), 3: item})
    return format_proof(TlogProof(extra, evidence.index, evidence.path, evidence.note))


def parse_evidence(data: bytes) -> Evidence:
    """Read an evidence file; nothing in it is verified.

    Raises:
        PeerError: TOO_LARGE, MALFORMED or NOT_CANONICAL: anything but the one form.
    """
    proof = parse_proof(data)
    value = cbor.decode(proof.extra, max_depth=3)
    if not isinstance(value, dict) or set(value) != {1, 2, 3}:
        raise PeerError(Kind.MALFORMED, "proof without an entry of the log of crossings")
    entry, seals, item = value[1], value[2], value[3]
    if not isinstance(entry, bytes) or not isinstance(seals, list) or len(seals) != 2:
        raise PeerError(Kind.MALFORMED, "evidence without entry and two seals")
    author, crossing = seals
    if not isinstance(author, bytes) or not isinstance(crossing, bytes):
        raise PeerError(Kind.MALFORMED, "a seal is a byte string")
    return Evidence(parse_entry(entry), (author, crossing), _item(item), proof.index, proof.path, proof.note)


def verify_evidence(evidence: Evidence, trust: TrustStore) -> Proved:
    """Check every step from the header to the cosigned root.

    A key must have been valid when the seal or checkpoint was made, not now: evidence outlives certificates.

    Raises:
        PeerError: a step does not hold, or a key is not known.
    """
    checkpoint = parse_checkpoint(evidence.note.text)
    log, witness, cosigned_s = verify_cosigned(evidence.note, trust)
    proof = TlogProof(b"", evidence.index, evidence.path, evidence.note)
    verify_in_tree(proof, entry_leaf(encode_entry(evidence.entry)), checkpoint)
    author, sealer = verify_seals(evidence.entry, evidence.seals, trust)
    request_id = b"" if evidence.item is None else _verify_item(evidence.item, evidence.entry)
    return Proved(checkpoint, cosigned_s, log, witness, sealer, author, evidence.entry, request_id)


def verify_cosigned(note: Note, trust: TrustStore) -> tuple[Signer, Signer, int]:
    """Check that a checkpoint is signed by the half that keeps the log and cosigned by the other half.

    Returns:
        Both signers, and when it was cosigned in seconds since 1970.

    Raises:
        PeerError: MALFORMED, UNKNOWN_SIGNER, BAD_SIGNATURE or SIGNER_NOT_VALID.
    """
    origin = parse_checkpoint(note.text).origin
    [other] = [role for role in HALVES if role != origin.role]
    for witness in trust.of_role(other):
        try:
            at_s = verify_cosignature(note, witness_name(other, witness.name), witness.key)
        except PeerError:
            continue
        witness.check_valid(at_s * SECOND_MS)
        return verify_log_line(note, trust, at_s=at_s), witness, at_s
    raise PeerError(Kind.BAD_SIGNATURE, "checkpoint without a cosignature of the other half")


def verify_log_line(note: Note, trust: TrustStore, *, at_s: int) -> Signer:
    """Check that a checkpoint is signed by the half that keeps the log.

    Raises:
        PeerError: MALFORMED, UNKNOWN_SIGNER, BAD_SIGNATURE or SIGNER_NOT_VALID.
    """
    origin = parse_checkpoint(note.text).origin
    failed = PeerError(Kind.UNKNOWN_SIGNER, f"no certificate of {origin.role} {origin.name}")
    for signer in trust.of_role(origin.role):
        if signer.name != origin.name:
            continue
        try:
            verify_log_signature(note, signer.key)
        except PeerError as error:
            failed = error
            continue
        signer.check_valid(at_s * SECOND_MS)
        return signer
    raise failed


def verify_seals(entry: CrossingEntry, seals: tuple[bytes, bytes], trust: TrustStore) -> tuple[Signer, Signer]:
    """Check that both seals are those the entry names, and hold.

    Returns:
        The author, and the half that sent the crossing over the gap.

    Raises:
        PeerError: a seal that fails, or says something else than the entry.
    """
    said, author_seal, seal = entry.statement, *seals
    digests = hashlib.sha256(author_seal).digest(), hashlib.sha256(seal).digest()
    if digests != (entry.author_seal_digest, entry.seal_digest):
        raise PeerError(Kind.DIGEST_MISMATCH, "other seals than the entry names")
    role = HALVES[0] if said.direction == _INBOUND else HALVES[1]
    sealed = cose.verify1(seal, trust, role=role, now_ms=said.made_ms, external=SEAL_USE)
    made = parse_statement(cose.parse_sign1(author_seal).payload)
    roles = _AUTHORS[said.direction]
    written = cose.verify1(author_seal, trust, role=roles, now_ms=made.made_ms, external=SEAL_USE)
    same = (made.direction, made.lane, made.count, made.root) == (said.direction, said.lane, said.count, said.root)
    author = (written.signer.kid, made.epoch, made.sequence)
    if (
        parse_statement(sealed.payload) != said
        or sealed.signer.kid != entry.sealer
        or not same
        or author != entry.author
    ):
        raise PeerError(Kind.DIGEST_MISMATCH, "a seal says something else than the entry")
    return written.signer, sealed.signer


def _item(value: cbor.Value) -> ItemEvidence | None:
    if value is None:
        return None
    if not isinstance(value, list) or len(value) != 4:
        raise PeerError(Kind.MALFORMED, "an item has four parts")
    index, digest, header, path = value
    if type(index) is not int or not 0 <= index < MAX_ITEMS or not isinstance(path, list):
        raise PeerError(Kind.MALFORMED, "an item has an index and a path")
    if not isinstance(digest, bytes) or not isinstance(header, bytes) or len(header) > MAX_HEADER_BYTES:
        raise PeerError(Kind.MALFORMED, "an item has a digest and a header")
    steps = tuple(step for step in path if isinstance(step, bytes) and len(step) == merkle.DIGEST_BYTES)
    if len(digest) != merkle.DIGEST_BYTES or len(path) > _MOST_STEPS or len(steps) != len(path):
        raise PeerError(Kind.MALFORMED, "digests have 32 bytes")
    return ItemEvidence(index, digest, header, steps)


def _verify_item(item: ItemEvidence, entry: CrossingEntry) -> bytes:
    said = entry.statement
    merkle.verify_inclusion(leaf=item.digest, index=item.index, count=said.count, proof=item.path, expected=said.root)
    if not item.header:
        return b""
    if merkle.leaf_hash(item.header) != item.digest:
        raise PeerError(Kind.DIGEST_MISMATCH, "the header is not the one that crossed")
    if said.direction == _INBOUND:
        return parse_header(item.header).id
    return parse_answer_header(item.header).request_id
