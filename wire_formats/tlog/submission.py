"""A checkpoint as a witness is asked to cosign it: the size it knows, the proof from there, the note.

    old 20852014
    PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=      consistency proof, at most 63 lines
    jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
    <empty line>
    <checkpoint>

Between the halves the same travels as a control message (``lane_control``); this is the form in which a
refused checkpoint is kept as proof, and in which one can be carried by other means.

Source: C2SP tlog-witness v1.0.0, add-checkpoint.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Final

from wire_formats.errors import Kind, PeerError
from wire_formats.tlog.checkpoint import MOST_LEAVES
from wire_formats.tlog.note import MAX_NOTE_BYTES, Note, decode_base64, decode_number, format_note, parse_note
from wire_formats.tlog.tree import DIGEST_BYTES, MAX_PROOF

MAX_SUBMISSION_BYTES: Final = MAX_NOTE_BYTES + 4096
_OLD: Final = "old "


@dataclass(frozen=True, slots=True)
class Submission:
    """A checkpoint with the proof that it continues the tree of the old size."""

    old: int
    proof: tuple[bytes, ...]
    note: Note


def format_submission(submission: Submission) -> bytes:
    """Write a submission in its one form."""
    return f"{_OLD}{submission.old}\n{hash_lines(submission.proof)}\n".encode() + format_note(submission.note)


def parse_submission(data: bytes) -> Submission:
    """Read a submission; nothing in it is verified.

    Raises:
        PeerError: TOO_LARGE, or MALFORMED: anything but the one form.
    """
    if len(data) > MAX_SUBMISSION_BYTES:
        raise PeerError(Kind.TOO_LARGE, "submission too large")
    head, note = split_head(data)
    if not head or not head[0].startswith(_OLD):
        raise PeerError(Kind.MALFORMED, "submission without an old size")
    old = decode_number(head[0].removeprefix(_OLD), most=MOST_LEAVES)
    return Submission(old, read_hashes(head[1:]), note)


def split_head(data: bytes) -> tuple[list[str], Note]:
    """Divide the lines before the first empty line from the note behind it.

    Raises:
        PeerError: MALFORMED: no such division, or no note.
    """
    head, empty, note = data.partition(b"\n\n")
    if not empty or not head.isascii():
        raise PeerError(Kind.MALFORMED, "no note after an empty line")
    return head.decode().split("\n"), parse_note(note)


def hash_lines(hashes: tuple[bytes, ...]) -> str:
    """Write hashes, one to a line."""
    return "".join(f"{base64.b64encode(step).decode()}\n" for step in hashes)


def read_hashes(lines: list[str]) -> tuple[bytes, ...]:
    """Read hashes, one from each line.

    Raises:
        PeerError: MALFORMED: no hash, or too many.
    """
    if len(lines) > MAX_PROOF:
        raise PeerError(Kind.MALFORMED, "proof is too long")
    return tuple(decode_base64(line, least=DIGEST_BYTES, most=DIGEST_BYTES) for line in lines)
