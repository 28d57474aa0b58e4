"""Signed notes after C2SP: a text, an empty line, and signature lines.

    <text, one or more lines>
    <empty line>
    — <key name> <base64 of key id (4 bytes) || signature>

Text and signatures are divided by the last empty line.  A key is known by its name *and* its id; lines of
unknown keys are ignored, so that another witness may add its own.

Our suite signs with ECDSA P-256, signature type 0x02: the signature is the ASN.1 of r and s over SHA-256
of the text, the key id the first bytes of the SHA-256 of the public key (SubjectPublicKeyInfo, DER).

Source: C2SP signed-note v1.0.0; decision 0020.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from wire_formats.errors import Kind, PeerError
from wire_formats.suites import SigningKey, VerifyKey

KEY_ID_BYTES: Final = 4
MAX_NOTE_BYTES: Final = 16 * 1024
#: A verifier accepts at least 16.
MAX_SIGNATURES: Final = 32
_MAX_NAME: Final = 255
_DASH: Final = "\u2014 "
_CONTROL: Final = re.compile(r"[\x00-\x09\x0b-\x1f]")


class NoteSignature(NamedTuple):
    """One signature line.

    Attributes:
        name: of the key.
        key_id: 4 bytes.
        value: what the signature type says it is.
    """

    name: str
    key_id: bytes
    value: bytes


@dataclass(frozen=True, slots=True)
class Note:
    """A text, ending in a newline, and its signature lines; none of them is verified yet."""

    text: str
    signatures: tuple[NoteSignature, ...]

    def signed(self, *signatures: NoteSignature) -> Note:
        """Give the note with further signatures."""
        return replace(self, signatures=(*self.signatures, *signatures))


def format_note(note: Note) -> bytes:
    """Write a note in its one form.

    Raises:
        ValueError: what it holds cannot be a note.
    """
    data = (note.text + "\n" + "".join(map(signature_line, note.signatures))).encode()
    try:
        if parse_note(data) == note:
            return data
    except PeerError:
        pass
    raise ValueError("not a note")


def signature_line(signature: NoteSignature) -> str:
    """Write one signature line, with its newline."""
    return f"{_DASH}{signature.name} {base64.b64encode(signature.key_id + signature.value).decode()}\n"


def parse_note(data: bytes) -> Note:
    """Take a note apart without checking its signatures.

    Raises:
        PeerError: TOO_LARGE, or MALFORMED: anything but the one form of a note.
    """
    if len(data) > MAX_NOTE_BYTES:
        raise PeerError(Kind.TOO_LARGE, "note too large")
    try:
        whole = data.decode()
    except UnicodeDecodeError:
        raise PeerError(Kind.MALFORMED, "note is not UTF-8") from None
    if _CONTROL.search(whole):
        raise PeerError(Kind.MALFORMED, "control character in a note")
    text, empty, lines = whole.rpartition("\n\n")
    if not empty or not lines.endswith("\n"):
        raise PeerError(Kind.MALFORMED, "note without text and signatures")
    signatures = tuple(_signature(line) for line in lines[:-1].split("\n"))
    if len(signatures) > MAX_SIGNATURES:
        raise PeerError(Kind.TOO_LARGE, "note with too many signatures")
    return Note(f"{text}\n", signatures)


def sign_text(text: str, name: str, key: SigningKey) -> NoteSignature:
    """Sign a note's text with the suite's own signature type."""
    return NoteSignature(name, note_key_id(key.public_der), key.suite.to_note(key.sign(text.encode())))


def verify_text(note: Note, name: str, key: VerifyKey) -> NoteSignature:
    """Check that a key signed the note's text; gives its line.

    Raises:
        PeerError: BAD_SIGNATURE: it did not, or a line that claims so fails.
    """
    found = signature_of(note, name, note_key_id(key.public_der))
    try:
        signature = key.suite.from_note(found.value)
    except ValueError:
        raise PeerError(Kind.BAD_SIGNATURE, "signature of a note has a wrong form") from None
    key.verify(signature, note.text.encode())
    return found


def signature_of(note: Note, name: str, key_id: bytes) -> NoteSignature:
    """Give the one line of a key.

    Raises:
        PeerError: BAD_SIGNATURE: there is none, or more than one.
    """
    found = [line for line in note.signatures if line.name == name and line.key_id == key_id]
    if len(found) != 1:
        raise PeerError(Kind.BAD_SIGNATURE, "note without exactly one signature of the key")
    return found[0]


def note_key_id(public_der: bytes) -> bytes:
    """Give the id of an ECDSA key (signature type 0x02)."""
    return hashlib.sha256(public_der).digest()[:KEY_ID_BYTES]


def is_key_name(name: str) -> bool:
    """Tell whether a text can be the name of a key."""
    return 0 < len(name) <= _MAX_NAME and "+" not in name and not any(map(str.isspace, name))


def decode_base64(text: str, *, least: int = 0, most: int) -> bytes:
    """Read standard base64 in its one form.

    Raises:
        PeerError: MALFORMED: any other form, or a length outside the bounds.
    """
    try:
        value = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise PeerError(Kind.MALFORMED, "not base64") from None
    if not least <= len(value) <= most or base64.b64encode(value).decode() != text:
        raise PeerError(Kind.MALFORMED, "base64 of a wrong length or form")
    return value


def decode_number(text: str, *, most: int) -> int:
    """Read a decimal number in its one form.

    Raises:
        PeerError: MALFORMED: any other form, or too large.
    """
    if not re.fullmatch("0|[1-9][0-9]{0,18}", text, re.ASCII) or (value := int(text)) > most:
        raise PeerError(Kind.MALFORMED, "not a decimal number in its bounds")
    return value


def _signature(line: str) -> NoteSignature:
    name, space, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not space or not is_key_name(name):
        raise PeerError(Kind.MALFORMED, "not a signature line")
    value = decode_base64(encoded, least=KEY_ID_BYTES + 1, most=MAX_NOTE_BYTES)
    return NoteSignature(name, value[:KEY_ID_BYTES], value[KEY_ID_BYTES:])
