"""The receipt of a medium (回执): what the receiving half carries back, signed, in one small form.

    COSE_Sign1 by the receiving half over the map
    1 serial        of the medium
    2 export        which filling of it
    3 statement     SHA-256 of the statement that two operators signed
    4 direction     "inbound" or "outbound": the medium's
    5 files         how many were taken from it
    6 imported      ms since 1970
    7 made          ms since 1970
    8 interactive   signed acknowledgement of the lane, or nothing before the first contact
    9 bulk          the same

The acknowledgements are those of the live lanes (``lane_control``), so that a receipt counts as one: at the sender
they are handed to the half as they are.

Source: research, section 5 ("receipt back"); wire_formats.lane_control.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from wire_formats import cbor, cose, merkle
from wire_formats.bundle import CLOCK_SLACK_MS, DIRECTIONS
from wire_formats.errors import Kind, PeerError
from wire_formats.header_reader import HeaderReader
from wire_formats.lane_control import MAX_CONTROL_BYTES, Acknowledgement, verify_control
from wire_formats.medium import EXPORT_BYTES, MAX_FILES, SERIAL
from wire_formats.request import LANES
from wire_formats.suites import SigningKey
from wire_formats.trust import TrustStore

MAX_RECEIPT_BYTES: Final = 4096
#: Who signs the receipt of a medium: the half that received it.
RECEIVER_ROLE: Final = {"inbound": "ferry_high", "outbound": "ferry_low"}
_USE: Final = b"ferrygate media receipt 1"


@dataclass(frozen=True, slots=True)
class MediumReceipt:
    """What has arrived; see the module.

    Attributes:
        acknowledgements: signed acknowledgement of each lane, in the order of ``LANES``; empty for none.
    """

    serial: str
    export: bytes
    statement: bytes
    direction: str
    files: int
    imported_ms: int
    made_ms: int
    acknowledgements: tuple[bytes, bytes]


def sign_receipt(receipt: MediumReceipt, key: SigningKey) -> bytes:
    """Sign a receipt as the receiving half."""
    interactive, bulk = receipt.acknowledgements
    value: dict[int | str, cbor.Value] = {1: receipt.serial, 2: receipt.export, 3: receipt.statement}
    value |= {4: receipt.direction, 5: receipt.files, 6: receipt.imported_ms, 7: receipt.made_ms}
    return cose.sign1(cbor.encode(value | {8: interactive, 9: bulk}), key, external=_USE)


def verify_receipt(data: bytes, trust: TrustStore, *, direction: str, now_ms: int) -> MediumReceipt:
    """Verify and parse a receipt and the acknowledgements in it.

    Args:
        data: the receipt's file.
        trust: the machines this half knows.
        direction: of the medium.
        now_ms: the instant now.

    Raises:
        PeerError: malformed, bad signature, not the receiving half's, of another direction, made in the future.
    """
    if len(data) > MAX_RECEIPT_BYTES:
        raise PeerError(Kind.TOO_LARGE, "receipt too large")
    role = RECEIVER_ROLE[direction]
    receipt = parse_receipt(cose.verify1(data, trust, role=role, now_ms=now_ms, external=_USE).payload)
    if receipt.direction != direction:
        raise PeerError(Kind.WRONG_LANE, "receipt is for the other direction")
    if receipt.made_ms > now_ms + CLOCK_SLACK_MS:
        raise PeerError(Kind.FROM_THE_FUTURE, "receipt was made in the future")
    for lane, message in zip(LANES, receipt.acknowledgements, strict=True):
        if message:
            told = verify_control(message, trust, role=role, now_ms=now_ms)
            if not isinstance(told, Acknowledgement) or (told.direction, told.lane) != (direction, lane):
                raise PeerError(Kind.WRONG_LANE, "receipt carries something else than its lane's acknowledgement")
    return receipt


def parse_receipt(payload: bytes) -> MediumReceipt:
    """Parse a receipt's payload.

    Raises:
        PeerError: anything but the one form of a receipt.
    """
    reader = HeaderReader(payload, keys=9, limit=MAX_RECEIPT_BYTES, depth=1)
    return MediumReceipt(
        serial=reader.text(1, SERIAL),
        export=reader.exact_bytes(2, EXPORT_BYTES),
        statement=reader.exact_bytes(3, merkle.DIGEST_BYTES),
        direction=reader.choice(4, DIRECTIONS),
        files=reader.integer(5, least=1, most=MAX_FILES),
        imported_ms=reader.instant(6),
        made_ms=reader.instant(7),
        acknowledgements=(reader.bytes_up_to(8, MAX_CONTROL_BYTES), reader.bytes_up_to(9, MAX_CONTROL_BYTES)),
    )
