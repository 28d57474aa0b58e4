"""Import: a medium's files go to the half, after its manifest and then each of them was checked.

    open read-only ──▶ manifest: seal, both operators, direction, recipient, life ──▶ register: once only
    ──▶ chunk by chunk into staging, each file against its digest ──▶ all there? ──▶ deliver ──▶ register

A medium that is pulled out leaves the checked files in staging and the import open: the same medium, put in again,
goes on there.  After a power failure what lies there may be torn or gone, whatever the register says, since only the
register waits for the disk: an import that goes on reads again what is neither in staging nor before the half, and what
the half had taken already comes to it a second time and is recognised.  Content that is not what the operators signed
ends the import: staging is emptied, nothing was delivered, the refusal stands in the register's acts.

What is delivered is believed no more than a file on any other transport: the half checks seals, numbers and fields.

Source: research, section 5; DESIGN invariants 2, 3, 8 and 9.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from ferry.folders import clear_folder, is_there, read_file
from ferry.media.desk import MediaDesk
from ferry.media.reading import SealedMedium, open_medium
from ferry.media.register_rows import DELIVERING, IMPORT_WAY, OPEN
from wire_formats.bundle import MAX_BUNDLE_BYTES
from wire_formats.drop import prepare_drop, write_drop
from wire_formats.errors import Kind, PeerError, Refused, Unavailable
from wire_formats.medium import (
    CHUNK_BYTES,
    MEDIUM_LANES,
    Entry,
    Manifest,
    MediumStatement,
    content_size,
    open_chunk,
    open_manifest,
    verify_operators,
)
from wire_formats.seal import SealPrivateKey

#: Hears how many of how many files are checked.
Progress = Callable[[int, int], None]


class Imported(NamedTuple):
    """A finished import.

    Attributes:
        statement: what the operators signed.
        operators: who signed.
        missing: numbers of earlier media of the same row that have not come.
        resumed: whether an interrupted import was finished.
    """

    statement: MediumStatement
    operators: tuple[str, str]
    missing: list[int]
    resumed: bool


def import_medium(
    desk: MediaDesk, source: Path, *, by: str, writable_ok: bool = False, export: bytes = b"",
    progress: Progress = lambda _done, _of: None,
) -> Imported:  # fmt: skip
    """Take a medium's files in.

    Args:
        desk: the half's media desk.
        source: where the medium is mounted, or the image file.
        by: who imports, for the register.
        writable_ok: take a medium that is mounted writable.
        export: take this filling only, which somebody has looked at; any when empty.
        progress: hears how far it is.

    Raises:
        PeerError: the medium may not be believed; the register notes why.
        Refused: it is another one than was looked at, was imported before, was not sanitised, is mounted writable, or
            is not there.
        Unavailable: it cannot be read now, the disk is full, or another command runs; try the same medium again.
    """
    with open_medium(source, writable_ok=writable_ok, disk=desk.disk) as medium:
        return take_from(desk, medium, by=by, export=export, progress=progress)


def take_from(
    desk: MediaDesk, medium: SealedMedium, *, by: str, export: bytes = b"",
    progress: Progress = lambda _done, _of: None,
) -> Imported:  # fmt: skip
    """Take the files of an open medium in; see ``import_medium``."""
    with desk.folders.locked():
        manifest, operators = _believed(desk, medium, by)
        statement = manifest.statement
        if export not in (b"", statement.export):
            raise Refused(Kind.CONFLICT, "another medium lies there than the one that was looked at")
        _check_room(desk, statement)
        taking = _Taking(desk, medium, manifest)
        now_ms = desk.clock.now_ms()
        passage = desk.register.begin_import(statement, manifest.entries, operators, by=by, now_ms=now_ms)
        begun = passage.state == DELIVERING
        try:
            taking.stage(progress, delivering=begun)
        except PeerError as error:
            if not begun:
                _give_up(desk, statement, error, by)
            raise
        if not begun:
            desk.register.delivering(statement.export, now_ms=desk.clock.now_ms())
        taking.deliver()
        desk.register.imported(statement.export, by=by, now_ms=desk.clock.now_ms())
        _clear(desk, statement.export)
        return Imported(statement, operators, desk.register.missing_numbers(statement.epoch), taking.resumed)


def believed_manifest(desk: MediaDesk, medium: SealedMedium) -> tuple[Manifest, tuple[str, str]]:
    """Give the manifest and who signed it, once all of it may be believed.

    Raises:
        PeerError: why it may not.
    """
    manifest = open_manifest(medium.manifest, desk.seal_key)
    return manifest, _believed_signers(desk, medium, manifest)


def _believed_signers(desk: MediaDesk, medium: SealedMedium, manifest: Manifest) -> tuple[str, str]:
    first, second = verify_operators(manifest, desk.operators, now_ms=desk.clock.now_ms())
    _check_for_us(desk, manifest.statement, medium)
    return first.name, second.name


def _believed(desk: MediaDesk, medium: SealedMedium, by: str) -> tuple[Manifest, tuple[str, str]]:
    """Give what ``believed_manifest`` gives; a refusal is noted."""
    manifest: Manifest | None = None
    try:
        manifest = open_manifest(medium.manifest, desk.seal_key)
        operators = _believed_signers(desk, medium, manifest)
    except PeerError as error:
        statement = manifest.statement if manifest is not None else None
        begun = desk.register.passage(statement.export) if statement is not None else None
        begun_so = begun is not None and (begun.state, begun.way) == (OPEN, IMPORT_WAY)
        if statement is not None and begun is not None and begun_so and begun.statement == statement.digest():
            _give_up(desk, statement, error, by)  # begun before, and cannot be finished any more
        else:
            serial = statement.serial if statement is not None else ""
            desk.register.refused(_reason(error), serial=serial, by=by, now_ms=desk.clock.now_ms())
        raise
    return manifest, operators


def _give_up(desk: MediaDesk, statement: MediumStatement, error: PeerError, by: str) -> None:
    _clear(desk, statement.export)
    desk.register.drop_import(statement.export, reason=_reason(error), by=by, now_ms=desk.clock.now_ms())


def _clear(desk: MediaDesk, export: bytes) -> None:
    """Remove a staging."""
    clear_folder(desk.folders.staging / export.hex(), disk=desk.disk)


def _check_for_us(desk: MediaDesk, statement: MediumStatement, medium: SealedMedium) -> None:
    if statement.direction != desk.direction_in:
        raise PeerError(Kind.WRONG_LANE, "the medium goes the other way")
    if (statement.recipient, statement.recipient_key) != (desk.name, desk.seal_key.public.digest):
        raise PeerError(Kind.WRONG_LANE, "the medium is for another half")
    if statement.sender != desk.peer:
        raise PeerError(Kind.UNKNOWN_SIGNER, "the medium is not from the other half")
    if medium.content_bytes != content_size(statement.size):
        raise PeerError(Kind.DIGEST_MISMATCH, "the content has another size than the manifest says")


def _check_room(desk: MediaDesk, statement: MediumStatement) -> None:
    if desk.disk.volume(desk.folders.root).free < statement.size:
        raise Unavailable(Kind.STORAGE_FULL, "not enough room for the medium's files", 60)


def _reason(error: PeerError) -> str:
    return f"{error.code} {error.kind.name.lower()}"


class _Taking:
    """The files of one medium on their way into the half's folders."""

    def __init__(self, desk: MediaDesk, medium: SealedMedium, manifest: Manifest) -> None:
        export = manifest.statement.export
        self._disk = desk.disk
        self._entries = manifest.entries
        self._staging = desk.folders.staging / export.hex()
        self._arrived = desk.folders.arrived
        self._stream = ChunkedContent(medium, export, desk.seal_key)
        self.resumed = is_there(self._disk, self._staging)

    def stage(self, progress: Progress, *, delivering: bool) -> None:
        """Read every file that is not in staging yet, and check it.

        Args:
            progress: hears how far it is.
            delivering: leave out what lies before the half.
        """
        for lane in MEDIUM_LANES:
            prepare_drop(self._staging / lane, disk=self._disk)
        at = 0
        for number, entry in enumerate(self._entries, start=1):
            if not self._is_in(self._staging, entry) and not (delivering and self._is_in(self._arrived, entry)):
                data = self._stream.read(at, entry.size)
                if hashlib.sha256(data).digest() != entry.digest:
                    raise PeerError(Kind.DIGEST_MISMATCH, "a file on the medium is not what the operators signed")
                write_drop(self._staging / entry.lane, entry.name, data, disk=self._disk)
            at += entry.size
            progress(number, len(self._entries))

    def deliver(self) -> None:
        """Rename what is in staging into the half's folders; what is not there was delivered before."""
        for lane in MEDIUM_LANES:
            prepare_drop(self._arrived / lane, disk=self._disk)
        for entry in self._entries:
            staged = self._staging / entry.lane / str(entry.name)
            try:
                self._disk.rename(staged, self._arrived / entry.lane / str(entry.name))
            except FileNotFoundError:
                continue
            except OSError as error:
                raise Unavailable(Kind.STORAGE_FULL, f"cannot deliver: {error.strerror}", 60) from None

    def _is_in(self, folder: Path, entry: Entry) -> bool:
        """Tell whether a file lies in its lane's folder, as it was signed."""
        try:
            data = read_file(folder / entry.lane, entry.name, limit=MAX_BUNDLE_BYTES, disk=self._disk)
        except (FileNotFoundError, PeerError):
            return False
        return len(data) == entry.size and hashlib.sha256(data).digest() == entry.digest


class ChunkedContent:
    """Reads a medium's content forward, chunk by chunk; holds one chunk.

    Args:
        medium: the open medium.
        export: which filling it is.
        key: opens the chunks.
    """

    def __init__(self, medium: SealedMedium, export: bytes, key: SealPrivateKey) -> None:
        self._medium = medium
        self._export = export
        self._key = key
        self._index = -1
        self._chunk = b""

    def read(self, at: int, count: int) -> bytes:
        """Read bytes of the plain content.

        Raises:
            PeerError: BAD_SEAL, MALFORMED: damaged or cut short.
            Unavailable: the medium cannot be read now.
        """
        pieces = []
        while count > 0:
            index, inside = divmod(at, CHUNK_BYTES)
            piece = self._plain(index)[inside : inside + count]
            if not piece:
                raise PeerError(Kind.MALFORMED, "a chunk is shorter than it must be")
            pieces.append(piece)
            at += len(piece)
            count -= len(piece)
        return b"".join(pieces)

    def _plain(self, index: int) -> bytes:
        if index != self._index:
            self._chunk = open_chunk(self._medium.sealed_chunk(index), self._key, self._export, index)
            self._index = index
        return self._chunk
