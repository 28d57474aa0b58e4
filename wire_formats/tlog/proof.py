"""A proof that one entry is in a log, with the checkpoint it leads to: one file, no log needed.

    c2sp.org/tlog-proof@v1
    extra <base64>            optional; says how the entry is made up, and is not to be believed by itself
    index 73894
    gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=      inclusion proof, from the leaf's sibling upwards
    <empty line>
    <checkpoint with its signatures>

Source: C2SP tlog-proof.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Final

from wire_formats import merkle
from wire_formats.errors import Kind, PeerError
from wire_formats.tlog.checkpoint import MOST_LEAVES, Checkpoint
from wire_formats.tlog.note import MAX_NOTE_BYTES, Note, decode_base64, decode_number, format_note
from wire_formats.tlog.submission import hash_lines, read_hashes, split_head

FIRST_LINE: Final = "c2sp.org/tlog-proof@v1"
MAX_EXTRA_BYTES: Final = 16 * 1024
MAX_PROOF_BYTES: Final = MAX_NOTE_BYTES + 2 * MAX_EXTRA_BYTES
_EXTRA: Final = "extra "
_INDEX: Final = "index "


@dataclass(frozen=True, slots=True)
class TlogProof:
    """A proof; nothing in it is verified yet.

    Attributes:
        extra: what the application adds; empty for none.
        index: of the entry, from 0.
        path: inclusion proof.
        note: the checkpoint.
    """

    extra: bytes
    index: int
    path: tuple[bytes, ...]
    note: Note


def format_proof(proof: TlogProof) -> bytes:
    """Write a proof in its one form."""
    extra = f"{_EXTRA}{base64.b64encode(proof.extra).decode()}\n" if proof.extra else ""
    head = f"{FIRST_LINE}\n{extra}{_INDEX}{proof.index}\n{hash_lines(proof.path)}\n"
    return head.encode() + format_note(proof.note)


def parse_proof(data: bytes) -> TlogProof:
    """Read a proof; nothing in it is verified.

    Raises:
        PeerError: TOO_LARGE, or MALFORMED: anything but the one form.
    """
    if len(data) > MAX_PROOF_BYTES:
        raise PeerError(Kind.TOO_LARGE, "proof too large")
    lines, note = split_head(data)
    if lines.pop(0) != FIRST_LINE:
        raise PeerError(Kind.MALFORMED, "not a proof of inclusion")
    extra = b""
    if lines and lines[0].startswith(_EXTRA):
        extra = decode_base64(lines.pop(0).removeprefix(_EXTRA), least=1, most=MAX_EXTRA_BYTES)
    if not lines or not lines[0].startswith(_INDEX):
        raise PeerError(Kind.MALFORMED, "proof without an index")
    index = decode_number(lines.pop(0).removeprefix(_INDEX), most=MOST_LEAVES)
    return TlogProof(extra, index, read_hashes(lines), note)


def verify_in_tree(proof: TlogProof, leaf: bytes, checkpoint: Checkpoint) -> None:
    """Check that a leaf hash is in the tree of a checkpoint whose signatures were checked.

    Raises:
        PeerError: DIGEST_MISMATCH.
    """
    merkle.verify_inclusion(
        leaf=leaf, index=proof.index, count=checkpoint.size, proof=proof.path, expected=checkpoint.root
    )
