"""Receipts: written where a medium was imported, taken in where it was exported.

A receipt says how far each lane has come by the receiver's journal, so it is written after the half has taken the
medium's files.  At the sender the acknowledgements in it go to the half as if they had come by themselves, and the
files it does not name as arrived are free for the next medium.
"""

from __future__ import annotations

import sqlite3
from typing import Final, NamedTuple

from ferry.control import CONTROL, CONTROL_EPOCH
from ferry.folders import is_there
from ferry.journal import Journal
from ferry.lane.checks import LaneId
from ferry.media.desk import MediaDesk
from ferry.media.register_rows import DONE, EXPORT_WAY, GIVEN_UP, IMPORT_WAY, RECEIPTED, Passage
from wire_formats.cose import parse_sign1
from wire_formats.drop import DropName, parse_name, prepare_drop, write_drop
from wire_formats.errors import Kind, PeerError, Refused, Unavailable
from wire_formats.lane_control import Acknowledgement, parse_control, sign_control
from wire_formats.medium_receipt import MediumReceipt, sign_receipt, verify_receipt
from wire_formats.request import LANES

#: Numbers of control files that come from receipts; the other half's own messages count in their last byte up to 63.
_FROM_RECEIPT: Final = 0xF0
_SLOT_OF_ACKNOWLEDGEMENTS: Final = len(LANES)
_RETRY_S: Final = 5


class Written(NamedTuple):
    """A receipt to carry back."""

    receipt: MediumReceipt
    data: bytes


def write_receipt(desk: MediaDesk, serial: str, *, by: str) -> Written:
    """Make the receipt of the last import of a medium.

    Raises:
        Refused: NOT_FOUND: the medium was not imported here.
        Unavailable: BUSY: its import is not finished, or the half has not taken all of it yet.
    """
    with desk.folders.locked():
        passage = desk.register.last_passage(serial, IMPORT_WAY)
        if passage is None:
            raise Refused(Kind.NOT_FOUND, f"medium {serial} was not imported here")
        _check_taken(desk, passage)
        now_ms = desk.clock.now_ms()
        receipt = MediumReceipt(
            serial=serial,
            export=passage.export,
            statement=passage.statement,
            direction=desk.direction_in,
            files=passage.files,
            imported_ms=passage.at_ms,
            made_ms=now_ms,
            acknowledgements=_acknowledgements(desk, now_ms),
        )
        desk.register.receipt_written(passage.export, by=by, now_ms=now_ms)
        return Written(receipt, sign_receipt(receipt, desk.key))


def take_receipt(desk: MediaDesk, data: bytes, *, by: str) -> MediumReceipt:
    """Take in a receipt that came back.

    Raises:
        PeerError: not a receipt of the other half for this direction, or for another statement than ours.
        Refused: NOT_FOUND: the register knows no such export; CONFLICT: the medium cannot be receipted now.
        Unavailable: the half's folder cannot be written.
    """
    with desk.folders.locked():
        now_ms = desk.clock.now_ms()
        try:
            receipt = verify_receipt(data, desk.machines, direction=desk.direction_out, now_ms=now_ms)
        except PeerError as error:
            desk.register.refused(f"receipt {error.code}", by=by, now_ms=now_ms)
            raise
        passage = desk.register.passage(receipt.export)
        if passage is None or passage.way != EXPORT_WAY:
            raise Refused(Kind.NOT_FOUND, "the register knows no such export; was the medium carried unregistered?")
        if (passage.serial, passage.statement) != (receipt.serial, receipt.statement):
            raise PeerError(Kind.DIGEST_MISMATCH, "the receipt is for another statement than was exported")
        _hand_over(desk, receipt)
        if passage.state in (DONE, GIVEN_UP, RECEIPTED):
            missing = _missing(desk.register.files_of(receipt.export), receipt)
            desk.register.receipt_taken(receipt.export, missing, operator=by, now_ms=now_ms)
        return receipt


def _missing(files: list[tuple[str, str]], receipt: MediumReceipt) -> list[tuple[str, str]]:
    """Give the files of an export that its receipt does not name as arrived.

    What came out of order counts as missing, too: a copy of it is recognised.
    """
    reached = dict.fromkeys(LANES, (0, 0))
    for lane, message in zip(LANES, receipt.acknowledgements, strict=True):
        told = parse_control(parse_sign1(message).payload) if message else None
        if isinstance(told, Acknowledgement):
            reached[lane] = told.epoch, told.cumulative
    missing = []
    for lane, text in files:
        name = parse_name(text)
        epoch, cumulative = reached.get(lane, (0, 0))
        if name.epoch != epoch or name.sequence > cumulative:
            missing.append((lane, text))
    return missing


def _check_taken(desk: MediaDesk, passage: Passage) -> None:
    if passage.state != DONE:
        raise Unavailable(Kind.BUSY, "the import is not finished; put the medium in and import it again", _RETRY_S)
    waiting = sum(
        is_there(desk.disk, desk.folders.arrived / lane / name)
        for lane, name in desk.register.files_of(passage.export)
        if lane != CONTROL
    )
    if waiting:
        raise Unavailable(
            Kind.BUSY, f"{waiting} files of it still wait for the ferry; it must be running, then try again", _RETRY_S
        )


def _acknowledgements(desk: MediaDesk, now_ms: int) -> tuple[bytes, bytes]:
    """Say, signed, how far each lane has come by the half's journal."""
    if not is_there(desk.disk, desk.journal):
        return b"", b""
    try:
        journal = Journal(desk.journal, keep_rows=1, connect=desk.open_journal)
    except sqlite3.OperationalError as error:
        raise Unavailable(Kind.BUSY, f"journal: {error}", _RETRY_S) from None
    try:
        interactive, bulk = (_acknowledgement(desk, journal, lane, now_ms) for lane in LANES)
    finally:
        journal.close()
    return interactive, bulk


def _acknowledgement(desk: MediaDesk, journal: Journal, lane: str, now_ms: int) -> bytes:
    inbox = journal.load_inbox(LaneId(desk.direction_in, lane))
    if inbox.epoch == 0:
        return b""
    told = Acknowledgement(desk.direction_in, lane, inbox.epoch, inbox.cumulative, inbox.gaps(), now_ms)
    return sign_control(told, desk.key)


def _hand_over(desk: MediaDesk, receipt: MediumReceipt) -> None:
    """Put the acknowledgements where the half reads its control lane."""
    folder = desk.folders.arrived / CONTROL
    prepare_drop(folder, disk=desk.disk)
    for place, message in enumerate(receipt.acknowledgements):
        if message:
            sequence = ((_SLOT_OF_ACKNOWLEDGEMENTS + place) << 8) + _FROM_RECEIPT
            write_drop(folder, DropName(CONTROL_EPOCH, sequence, desk.peer, "notice"), message, disk=desk.disk)
