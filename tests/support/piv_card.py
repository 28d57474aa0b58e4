"""A PIV card in a class: one key, one certificate, a PIN with tries; answers long data in pieces, as cards do."""

from __future__ import annotations

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import Encoding

_AID = bytes.fromhex("a000000308")


class PivEmulator:
    """Takes the commands of ``ops.operators.piv`` (implements its ``Channel``)."""

    def __init__(
        self, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate, pin: str = "123456", *, slot: int = 0x9C
    ) -> None:
        self._key = key
        self._objects = {0x9C: "5fc10a", 0x9A: "5fc105"}
        self._slot = slot
        der = certificate.public_bytes(Encoding.DER)
        self._object = _tlv(0x53, _tlv(0x70, der) + _tlv(0x71, b"\0") + _tlv(0xFE, b""))
        self._pin = pin.encode().ljust(8, b"\xff")
        self.tries = 3
        self._verified = False
        self._selected = False
        self._rest = b""
        self.signatures = 0
        self.closed = False

    def close(self) -> None:
        self.closed = True
        self._verified = False

    def transmit(self, apdu: bytes) -> tuple[bytes, int]:
        if apdu[1] == 0xC0:
            return self._piece(apdu[4] or 256)
        answer, status = self._answer(apdu)
        if status != 0x9000 or len(answer) <= 200:
            return answer, status
        self._rest = answer
        return self._piece(200)

    def _answer(self, apdu: bytes) -> tuple[bytes, int]:
        ins, place, data = apdu[1], int.from_bytes(apdu[2:4], "big"), apdu[5 : 5 + apdu[4]]
        if ins == 0xA4:
            self._selected = data.startswith(_AID)
            return b"", 0x9000 if self._selected else 0x6A82
        if not self._selected:
            return b"", 0x6A82
        if ins == 0xCB:
            wanted = bytes.fromhex("5c03" + self._objects[self._slot])
            return (self._object, 0x9000) if data == wanted else (b"", 0x6A82)
        if ins == 0x20:
            return b"", self._check_pin(data)
        if ins == 0x87 and place == 0x1100 | self._slot:
            return self._sign(data)
        return b"", 0x6D00

    def _check_pin(self, data: bytes) -> int:
        if self.tries == 0:
            return 0x6983
        self._verified = data == self._pin
        self.tries = 3 if self._verified else self.tries - 1
        return 0x9000 if self._verified else 0x63C0 | self.tries

    def _sign(self, data: bytes) -> tuple[bytes, int]:
        if not self._verified:
            return b"", 0x6982
        self._verified = False  # slot 9C wants the PIN before each signature
        assert data[:6] == bytes((0x7C, len(data) - 2, 0x82, 0, 0x81, 32)), data.hex()
        self.signatures += 1
        signature = self._key.sign(data[6:], ec.ECDSA(Prehashed(hashes.SHA256())))
        return _tlv(0x7C, _tlv(0x82, signature)), 0x9000

    def _piece(self, most: int) -> tuple[bytes, int]:
        piece, self._rest = self._rest[:most], self._rest[most:]
        return piece, 0x6100 | min(len(self._rest), 0xFF) if self._rest else 0x9000


def _tlv(tag: int, value: bytes) -> bytes:
    if len(value) < 0x80:
        return bytes((tag, len(value))) + value
    if len(value) < 0x100:
        return bytes((tag, 0x81, len(value))) + value
    return bytes((tag, 0x82)) + len(value).to_bytes(2, "big") + value
