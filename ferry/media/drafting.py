"""Export in steps, for operators who do not stand at one keyboard: prepared, signed by each for himself, then written.

    prepare: claim, list, hash ──▶ statement ──▶ one operator's signature ──▶ another one's ──▶ seal, write, register
                                                                  (cancel at any step: the files are given back)

An operator signs the statement where his key is (`ferrygate ferry media sign`) and only the signature comes here: this
half never sees his key.  Each signature is checked when it comes, and both again before anything is written, as is
every claimed file.  A medium that cannot be written leaves the export prepared, for another medium of that serial.

Source: research, section 5; decision 0026.
"""

from __future__ import annotations

from collections.abc import Collection as Many
from pathlib import Path

from ferry.media.collecting import STATEMENT, Collection
from ferry.media.desk import MediaDesk
from ferry.media.exporting import Exported, Progress, medium_bytes, seal_and_write, statement_of, take_up
from ferry.media.prepared import MAX_SIGNATURE_BYTES, SIGNATURES, Draft, check_none_prepared, prepared_export
from ferry.media.writing import MediumWriter, write_small
from wire_formats.cose import parse_sign1
from wire_formats.errors import Kind, PeerError, Refused
from wire_formats.medium import EXPORT_BYTES, MEDIUM_LANES, encode_statement, verify_signature
from wire_formats.trust import Signer


def prepare_export(desk: MediaDesk, serial: str, *, lanes: Many[str] = MEDIUM_LANES, by: str) -> Draft:
    """Claim what waits and say what it is, for two operators to sign.

    Args:
        desk: the half's media desk.
        serial: of the registered medium.
        lanes: files of these lanes only.
        by: who prepares it, for the register.

    Raises:
        Refused: the medium is not blank, nothing waits, or another export is prepared.
        PeerError, Unavailable: a file cannot be read, the disk is full, or another command runs.
    """
    with desk.folders.locked():
        collection = take_up(desk)
        check_none_prepared(desk.folders)
        collection.give_back()
        medium = desk.register.check_exportable(serial)
        export = desk.randomness.bytes(EXPORT_BYTES)
        try:
            limits = desk.settings
            entries = collection.claim(
                export, lanes=lanes, most_files=limits.most_files, most_bytes=limits.most_bytes
            )  # fmt: skip
            statement = statement_of(desk, medium.serial, export, entries)
            write_small(collection.claimed(export) / STATEMENT, encode_statement(statement), disk=desk.disk)
        except BaseException:
            collection.give_back()
            raise
        desk.register.note("prepared", serial, export.hex(), operator=by, now_ms=desk.clock.now_ms())
        return Draft(statement, ())


def add_signature(desk: MediaDesk, export: bytes, message: bytes) -> Signer:
    """Take in one operator's signature over a prepared export; gives who signed.

    Raises:
        Refused: NOT_FOUND: it is not prepared (any more); CONFLICT: both have signed.
        PeerError: not a signature of a known operator over this statement, or the same operator twice.
        Unavailable: the disk is full, or another command runs.
    """
    with desk.folders.locked():
        draft = _named(desk, export)
        if draft.complete:
            raise Refused(Kind.CONFLICT, "both operators have signed")
        if len(message) > MAX_SIGNATURE_BYTES:
            raise PeerError(Kind.TOO_LARGE, "a signature is not as large")
        try:
            parse_sign1(message)
        except PeerError as error:
            raise PeerError(error.kind, "the file is no signature") from None
        now_ms = desk.clock.now_ms()
        signer = verify_signature(draft.statement, message, desk.operators, now_ms=now_ms)
        for earlier in draft.signatures:
            first = verify_signature(draft.statement, earlier, desk.operators, now_ms=now_ms)
            if signer.name == first.name or signer.kid == first.kid:
                raise PeerError(Kind.UNKNOWN_SIGNER, "one operator signed twice")
        place = Collection(desk.folders).claimed(export) / SIGNATURES[len(draft.signatures)]
        write_small(place, message, disk=desk.disk)
        desk.register.note(
            "signed", draft.statement.serial, draft.statement.digest().hex(), operator=signer.name, now_ms=now_ms
        )
        return signer


def write_export(
    desk: MediaDesk, export: bytes, target: Path, *, progress: Progress = lambda _done, _of: None
) -> Exported:
    """Write a prepared export, which two operators have signed, onto its medium.

    Args:
        desk: the half's media desk.
        export: which one.
        target: the folder the medium is mounted at.
        progress: hears how many of how many chunks are written.

    Raises:
        Refused: not prepared, not signed by two, the medium is not blank, or another export took its number.
        PeerError: an operator is not known or valid any more, the statement has expired, or a file has changed.
        Unavailable: the medium is full or cannot be written, or another command runs; the export stays prepared.
    """
    with desk.folders.locked():
        collection = take_up(desk)
        statement, signatures = draft = _named(desk, export)
        if not draft.complete:
            raise Refused(Kind.CONFLICT, "two operators must sign it first")
        desk.register.check_exportable(statement.serial)
        if desk.register.next_number() != (statement.epoch, statement.sequence, statement.previous):
            raise Refused(Kind.CONFLICT, "another export was made meanwhile: cancel this one and prepare it anew")
        writer = MediumWriter(target, image=False, disk=desk.disk)
        writer.check(medium_bytes(statement))
        exported = seal_and_write(desk, signatures, collection.entries(export), writer, progress)
        collection.done(export)
        return exported


def cancel_export(desk: MediaDesk, export: bytes = b"", *, by: str) -> Draft:
    """Give a prepared export's files back; signatures over it are worth nothing any more.

    Args:
        desk: the half's media desk.
        export: which one; whichever is prepared when empty.
        by: who cancels it, for the register.

    Raises:
        Refused: NOT_FOUND: it is not prepared.
        Unavailable: another command runs.
    """
    with desk.folders.locked():
        collection = take_up(desk)
        draft = _named(desk, export)
        desk.disk.unlink(collection.claimed(draft.statement.export) / STATEMENT)
        collection.give_back()
        desk.register.note(
            "cancelled", draft.statement.serial, draft.statement.export.hex(), operator=by, now_ms=desk.clock.now_ms()
        )
        return draft


def _named(desk: MediaDesk, export: bytes) -> Draft:
    draft = prepared_export(desk.folders)
    if draft is None or export not in (b"", draft.statement.export):
        raise Refused(Kind.NOT_FOUND, "no such export is prepared")
    return draft
