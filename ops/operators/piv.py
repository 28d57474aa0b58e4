"""A PIV card that signs: select, read the certificate, PIN, sign a digest.

The private key never leaves the card; the PIN is asked for each signature, as slot 9C demands.

    slot 9C  digital signature, data object 5FC10A       slot 9A  authentication, data object 5FC105

Source: NIST SP 800-73-4, part 2 (SELECT, GET DATA, VERIFY, GENERAL AUTHENTICATE); ISO/IEC 7816-4 (GET RESPONSE).
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterator
from typing import Final, NamedTuple, Protocol

from cryptography import x509

from ops.cli.faults import CannotRunError
from ops.operators.key_file import Ask
from wire_formats.suites import DEFAULT_SUITE, Suite, VerifyKey, key_id

_AID: Final = bytes.fromhex("a000000308000010000100")
_OK: Final = 0x9000
_MOST_BYTES: Final = 16 * 1024
_ECC_P256: Final = 0x11
_PIN_BYTES: Final = 8
_CERTIFICATE, _CERTIFICATE_INFO = 0x70, 0x71


class Slot(NamedTuple):
    """A key's place on the card."""

    reference: int
    object_id: bytes


SIGNATURE_SLOT: Final = Slot(0x9C, bytes.fromhex("5fc10a"))
AUTHENTICATION_SLOT: Final = Slot(0x9A, bytes.fromhex("5fc105"))


class Channel(Protocol):
    """Exchanges commands with a card."""

    def transmit(self, apdu: bytes) -> tuple[bytes, int]:
        """Send one command; gives the answer's data and its status word."""

    def close(self) -> None:
        """Let the card go; it forgets that a PIN was given."""


class PivCard:
    """The PIV application of a card.

    Args:
        channel: to the card.

    Raises:
        CannotRunError: the card has no such application.
    """

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._command(0x00, 0xA4, 0x0400, _AID, "the card is no PIV card")

    def certificate(self, slot: Slot) -> x509.Certificate:
        """Read a certificate.

        Raises:
            CannotRunError: there is none, or it cannot be read.
        """
        asked = bytes((0x5C, len(slot.object_id))) + slot.object_id
        data = self._command(0x00, 0xCB, 0x3FFF, asked, f"the card has no certificate in slot {slot.reference:02X}")
        try:
            fields = dict(_fields(dict(_fields(data))[0x53]))
            der = fields[_CERTIFICATE]
            if fields.get(_CERTIFICATE_INFO, b"\0")[:1] == b"\1":
                der = gzip.decompress(der)[:_MOST_BYTES]
            return x509.load_der_x509_certificate(der)
        except (ValueError, KeyError, OSError, EOFError):
            raise CannotRunError(f"the certificate in slot {slot.reference:02X} cannot be read") from None

    def verify_pin(self, pin: str) -> None:
        """Present the PIN.

        Raises:
            CannotRunError: wrong, or blocked; the text says how many tries are left.
        """
        digits = pin.encode()
        if not 4 <= len(digits) <= _PIN_BYTES:
            raise CannotRunError("a PIN has 4 to 8 characters")
        padded = digits + b"\xff" * (_PIN_BYTES - len(digits))
        _, status = self._exchange(bytes((0x00, 0x20, 0x00, 0x80, len(padded))) + padded)
        if status & 0xFFF0 == 0x63C0:
            raise CannotRunError(f"wrong PIN; {status & 0xF} tries are left")
        if status == 0x6983:
            raise CannotRunError("the card's PIN is blocked")
        if status != _OK:
            raise CannotRunError(f"the card did not take the PIN (status {status:04X})")

    def sign_digest(self, slot: Slot, digest: bytes) -> bytes:
        """Sign a SHA-256 digest; gives the signature in DER.

        Raises:
            CannotRunError: the card refused.
        """
        asked = _field(0x7C, _field(0x82, b"") + _field(0x81, digest))
        place = _ECC_P256 << 8 | slot.reference
        data = self._command(0x00, 0x87, place, asked, "the card did not sign")
        try:
            return dict(_fields(dict(_fields(data))[0x7C]))[0x82]
        except (ValueError, KeyError):
            raise CannotRunError("the card's signature cannot be read") from None

    def _command(self, cla: int, ins: int, place: int, data: bytes, otherwise: str) -> bytes:
        apdu = bytes((cla, ins, place >> 8, place & 0xFF, len(data))) + data + b"\0"
        answer, status = self._exchange(apdu)
        if status != _OK:
            raise CannotRunError(f"{otherwise} (status {status:04X})")
        return answer

    def _exchange(self, apdu: bytes) -> tuple[bytes, int]:
        """Send a command and fetch all of its answer."""
        answer, status = self._channel.transmit(apdu)
        while status >> 8 == 0x61 and len(answer) <= _MOST_BYTES:
            more, status = self._channel.transmit(bytes((0x00, 0xC0, 0x00, 0x00, status & 0xFF)))
            answer += more
        return answer, status


class CardKey:
    """An operator's key on a card (implements ``wire_formats.suites.Signing``).

    Args:
        card: the card.
        ask: asks for the PIN, at each signature.
        slot: which key.

    Raises:
        CannotRunError: no certificate there, or not one of a key we can verify.
    """

    def __init__(self, card: PivCard, ask: Ask, slot: Slot = SIGNATURE_SLOT) -> None:
        self._card = card
        self._ask = ask
        self._slot = slot
        self.certificate = card.certificate(slot)
        self.kid = key_id(self.certificate)
        self.suite: Suite = DEFAULT_SUITE
        self._verify = VerifyKey(self.certificate)

    def sign(self, message: bytes) -> bytes:
        """Ask for the PIN and sign.

        Raises:
            CannotRunError: wrong PIN, or the card refused.
            PeerError: BAD_SIGNATURE: what the card gave does not fit its certificate.
        """
        self._card.verify_pin(self._ask(f"PIN of {self.certificate.subject.rfc4514_string()}: "))
        der = self._card.sign_digest(self._slot, hashlib.sha256(message).digest())
        try:
            signature = self.suite.from_der(der)
        except ValueError:
            raise CannotRunError("the card's signature cannot be read") from None
        self._verify.verify(signature, message)
        return signature


def _field(tag: int, value: bytes) -> bytes:
    if len(value) >= 0x80:
        raise ValueError("too long for a short length")
    return bytes((tag, len(value))) + value


def _fields(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Read BER-TLV fields with tags of one byte.

    Raises:
        ValueError: cut short.
    """
    at = 0
    while at < len(data):
        tag, at = data[at], at + 1
        length, at = _length(data, at)
        if at + length > len(data):
            raise ValueError("cut short")
        yield tag, data[at : at + length]
        at += length


def _length(data: bytes, at: int) -> tuple[int, int]:
    if at >= len(data):
        raise ValueError("cut short")
    first = data[at]
    if first < 0x80:
        return first, at + 1
    count = first & 0x7F
    if not 1 <= count <= 2 or at + 1 + count > len(data):
        raise ValueError("no length")
    return int.from_bytes(data[at + 1 : at + 1 + count], "big"), at + 1 + count
