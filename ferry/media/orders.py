"""What an operator asks the media clerk to do from the console's page, and how the console vouches for him.  Pure.

    order map
     1 word      one of ``WORDS``
     2 half      machine name of the half it is for
     3 serial    of the medium, or nothing
     4 text      a label, the lanes to export, or the place where the medium is mounted
     5 export    which filling of the medium, 16 bytes, or nothing
     6 data      an operator's signature, or a receipt
     7 made      ms since 1970; carried out within ten minutes or not at all
     8 operator  key id (SHA-256 of the certificate) of the operator who showed his certificate
     9 serial number of that certificate, big-endian, at most 20 bytes

A COSE_Sign1 by the console's machine key.  It says who asked, for the register; it stands for no operator's signature:
nothing leaves before two operators have signed with their own keys (``drafting``), and nothing comes in that the half
does not check itself.

Source: RFC 9052; decisions 0021, 0026.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Final, NamedTuple

from ferry.acts.act import CONSOLE_ROLE, Shown, check_age, shown_operator
from ferry.media.prepared import MAX_SIGNATURE_BYTES
from wire_formats import cbor, cose
from wire_formats.certificate_names import SIGNER_NAME
from wire_formats.errors import Kind, PeerError
from wire_formats.header_reader import HeaderReader
from wire_formats.instants import MINUTE_MS
from wire_formats.medium import EXPORT_BYTES, SERIAL
from wire_formats.medium_receipt import MAX_RECEIPT_BYTES
from wire_formats.suites import Signing
from wire_formats.trust import Signer, TrustStore

REGISTER: Final = "register"
PREPARE: Final = "prepare"
SIGN: Final = "sign"
WRITE: Final = "write"
CANCEL: Final = "cancel"
TAKE_RECEIPT: Final = "take_receipt"
LOOK: Final = "look"
IMPORT: Final = "import"
RECEIPT: Final = "receipt"
SANITISED: Final = "sanitised"
LOST: Final = "lost"
WORDS: Final = (
    REGISTER, PREPARE, SIGN, WRITE, CANCEL, TAKE_RECEIPT, LOOK, IMPORT, RECEIPT, SANITISED, LOST,
)  # fmt: skip
LIFE_MS: Final = 10 * MINUTE_MS
#: Orders that may wait in the drop.
MOST_WAITING: Final = 16
MAX_DATA_BYTES: Final = max(MAX_RECEIPT_BYTES, MAX_SIGNATURE_BYTES)
MAX_ORDER_BYTES: Final = MAX_DATA_BYTES + 2048
_USE: Final = b"ferrygate media order 1"
_KEYS: Final = 9
_SERIAL: Final = re.compile(f"(?:{SERIAL.pattern})?", re.ASCII)
#: One line; what it means is the clerk's to check.
_TEXT: Final = re.compile(r"[^\x00-\x1f\x7f-\x9f]{0,255}")


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked; see the module."""

    word: str
    half: str
    made_ms: int
    serial: str = ""
    text: str = ""
    export: bytes = b""
    data: bytes = b""


class VerifiedOrder(NamedTuple):
    """An order the console vouches for.

    Attributes:
        order: what is asked.
        operator: who asks.
        name: by which the page finds what came of it.
    """

    order: Order
    operator: Signer
    name: str


def sign_order(order: Order, shown: Shown, key: Signing) -> bytes:
    """Sign an order as the console, for an operator who showed his certificate."""
    payload: dict[int | str, cbor.Value] = {
        1: order.word, 2: order.half, 3: order.serial, 4: order.text, 5: order.export, 6: order.data,
        7: order.made_ms,
    }  # fmt: skip
    return cose.sign1(cbor.encode(payload | shown.fields(8)), key, external=_USE)


def order_name(signed: bytes) -> str:
    """Give the name under which the clerk tells what came of an order."""
    return hashlib.sha256(signed).hexdigest()[:16]


def verify_order(
    data: bytes, operators: TrustStore, machines: TrustStore, *, half: str, now_ms: int
) -> VerifiedOrder:  # fmt: skip
    """Check an order: the console's signature, the operator, half, age.

    Raises:
        PeerError: it cannot be read, the console or operator is unknown, not valid now, or of another role; it is for
            another half, too old, or from the future.
    """
    if len(data) > MAX_ORDER_BYTES:
        raise PeerError(Kind.TOO_LARGE, "order too large")
    payload = cose.verify1(data, machines, role=CONSOLE_ROLE, now_ms=now_ms, external=_USE).payload
    reader = HeaderReader(payload, keys=_KEYS, limit=MAX_ORDER_BYTES, depth=1)
    operator = shown_operator(reader, 8, operators, now_ms=now_ms)
    export = reader.bytes_up_to(5, EXPORT_BYTES)
    if export and len(export) != EXPORT_BYTES:
        raise PeerError(Kind.MALFORMED, "export with another number of bytes")
    order = Order(
        word=reader.choice(1, WORDS),
        half=reader.text(2, SIGNER_NAME),
        made_ms=reader.instant(7),
        serial=reader.text(3, _SERIAL),
        text=reader.text(4, _TEXT),
        export=export,
        data=reader.bytes_up_to(6, MAX_DATA_BYTES),
    )
    if order.half != half:
        raise PeerError(Kind.WRONG_ROLE, "order is for another half")
    check_age(order.made_ms, now_ms=now_ms, what="order", life_ms=LIFE_MS)
    return VerifiedOrder(order, operator, order_name(data))
