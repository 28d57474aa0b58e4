"""Checkpoints: what a log says about itself, and what a witness adds.

    ferrygate/ferry_low/ferry-low/2/9f86d0…0a08      origin
    20852                                            size, leaves
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=      root

    — ferrygate/ferry_low/ferry-low/2/9f86d0…0a08 <key id, ECDSA>
    — ferrygate/ferry_high/ferry-high <key id, time, r, s>

The origin names the half that keeps the log, the number of the log, and what it stands on: for the first
log the key id of the certificate under which it was begun, for every other the root of the log before it,
in hexadecimal.  So the chain of logs is one history.  The log's line is signed under the origin as key name.

A cosignature says: of this log, this was the largest tree I had seen at that time, and it contained all I
had seen before.  Signature type: 0xff, ``ferrygate/cosignature-es256/v1`` and a newline; key id: the first 4
bytes of SHA-256 over key name, newline, signature type, public key (SubjectPublicKeyInfo, DER).  Signature:
seconds since 1970 (8 bytes, big-endian), r, s (32 bytes each) over the bytes of ``cosignature/v1``.

Source: C2SP tlog-checkpoint v1.0.0, tlog-cosignature v1.0.0; decision 0020.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from typing import Final, NamedTuple

from wire_formats.errors import Kind, PeerError
from wire_formats.suites import NOTE_OWN, SigningKey, VerifyKey
from wire_formats.tlog.note import (
    KEY_ID_BYTES,
    Note,
    NoteSignature,
    decode_base64,
    decode_number,
    note_key_id,
    sign_text,
    signature_of,
    verify_text,
)
from wire_formats.tlog.tree import DIGEST_BYTES, EMPTY_ROOT

HALVES: Final = ("ferry_low", "ferry_high")
#: Leaves of one log: a consistency proof then has at most 21 hashes and fits a control message.
MOST_LEAVES: Final = 1 << 20
MOST_LOGS: Final = 999_999
_ORIGIN: Final = re.compile(
    r"ferrygate/(ferry_low|ferry_high)/([a-z0-9_-]{1,32})/([1-9][0-9]{0,5})/([0-9a-f]{64})", re.ASCII
)
_COSIGNATURE: Final = bytes([NOTE_OWN]) + b"ferrygate/cosignature-es256/v1\n"
_TIME_BYTES: Final = 8
_LATEST_S: Final = 253_402_214_400


class Origin(NamedTuple):
    """Which log a checkpoint is of.

    Attributes:
        role: of the half that keeps it.
        name: machine name of that half.
        number: from 1.
        base: key id of the half's certificate for the first log, else the root of the log before.
    """

    role: str
    name: str
    number: int
    base: bytes

    def __str__(self) -> str:
        return f"ferrygate/{self.role}/{self.name}/{self.number}/{self.base.hex()}"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A log at one size."""

    origin: Origin
    size: int
    root: bytes


def parse_origin(text: str) -> Origin:
    """Read an origin.

    Raises:
        PeerError: MALFORMED: outside the grammar.
    """
    match = _ORIGIN.fullmatch(text)
    if match is None:
        raise PeerError(Kind.MALFORMED, "not the origin of a log of crossings")
    return Origin(match[1], match[2], int(match[3]), bytes.fromhex(match[4]))


def checkpoint_text(checkpoint: Checkpoint) -> str:
    """Write the text of a checkpoint's note."""
    root = base64.b64encode(checkpoint.root).decode()
    return f"{checkpoint.origin}\n{checkpoint.size}\n{root}\n"


def parse_checkpoint(text: str) -> Checkpoint:
    """Read the text of a checkpoint's note; extension lines are refused, since nobody could check them.

    Raises:
        PeerError: MALFORMED: anything but the one form.
    """
    lines = text.split("\n")
    if len(lines) != 4 or lines[3]:
        raise PeerError(Kind.MALFORMED, "a checkpoint has three lines")
    origin, size = parse_origin(lines[0]), decode_number(lines[1], most=MOST_LEAVES)
    root = decode_base64(lines[2], least=DIGEST_BYTES, most=DIGEST_BYTES)
    if size == 0 and root != EMPTY_ROOT:
        raise PeerError(Kind.MALFORMED, "an empty tree has one root only")
    return Checkpoint(origin, size, root)


def sign_checkpoint(checkpoint: Checkpoint, key: SigningKey) -> NoteSignature:
    """Sign as the half that keeps the log."""
    return sign_text(checkpoint_text(checkpoint), str(checkpoint.origin), key)


def verify_checkpoint(note: Note, key: VerifyKey) -> Checkpoint:
    """Check that the log's half signed a checkpoint.

    Raises:
        PeerError: MALFORMED or BAD_SIGNATURE.
    """
    checkpoint = parse_checkpoint(note.text)
    verify_text(note, str(checkpoint.origin), key)
    return checkpoint


def witness_name(role: str, name: str) -> str:
    """Give the key name of a half that cosigns."""
    return f"ferrygate/{role}/{name}"


def cosign(checkpoint: Checkpoint, name: str, key: SigningKey, *, at_s: int) -> NoteSignature:
    """Cosign as a witness.

    Args:
        checkpoint: found consistent with the last one cosigned.
        name: key name of the witness.
        key: its key.
        at_s: now, in seconds since 1970.
    """
    signature = key.sign(_cosigned(checkpoint_text(checkpoint), at_s))
    return cosignature_line(name, key.public_der, at_s=at_s, signature=signature)


def cosignature_line(name: str, public_der: bytes, *, at_s: int, signature: bytes) -> NoteSignature:
    """Put a cosignature that came by itself into the form of a signature line; nothing is verified."""
    return NoteSignature(name, cosignature_key_id(name, public_der), at_s.to_bytes(_TIME_BYTES, "big") + signature)


def log_line(origin: Origin, key: VerifyKey, signature: bytes) -> NoteSignature:
    """Put a log's own signature that came by itself into the form of a signature line; nothing is verified."""
    return NoteSignature(str(origin), note_key_id(key.public_der), key.suite.to_note(signature))


def verify_cosignature(note: Note, name: str, key: VerifyKey) -> int:
    """Check that a witness cosigned a checkpoint.

    Returns:
        When, in seconds since 1970.

    Raises:
        PeerError: BAD_SIGNATURE: it did not.
    """
    value = signature_of(note, name, cosignature_key_id(name, key.public_der)).value
    at_s = int.from_bytes(value[:_TIME_BYTES], "big")
    if len(value) <= _TIME_BYTES or at_s > _LATEST_S:
        raise PeerError(Kind.BAD_SIGNATURE, "cosignature of a wrong form")
    key.verify(value[_TIME_BYTES:], _cosigned(note.text, at_s))
    return at_s


def cosignature_key_id(name: str, public_der: bytes) -> bytes:
    """Give the id of a witness's key, which differs from the id under which it signs its own log."""
    return hashlib.sha256(name.encode() + b"\n" + _COSIGNATURE + public_der).digest()[:KEY_ID_BYTES]


def _cosigned(text: str, at_s: int) -> bytes:
    return f"cosignature/v1\ntime {at_s}\n{text}".encode()
