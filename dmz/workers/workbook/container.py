"""The zip container of a workbook, judged by its directory before any part is opened.

Refused: anything that is not a plain .xlsx (old .xls and encrypted files are CFB containers), macros, external
links, embedded objects, data connections, odd names, lying or overlapping sizes.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from typing import IO, Protocol

from dmz.workers.workbook.limits import WorkbookLimits
from wire_formats.errors import Kind, PeerError

_CFB_MAGIC = bytes.fromhex("d0cf11e0a1b11ae1")
_ZIP_MAGIC = b"PK\x03\x04"
_ENCRYPTED = 0x1
_ACTIVE = (
    "vbaproject", "externallinks/", "embeddings/", "activex/", "ctrlprops/",
    "connections.xml", "querytables/", "macrosheets/", "dialogsheets/", "webextensions/",
)  # fmt: skip
_ZIP_FAULTS = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, ValueError, OverflowError,
    NotImplementedError, RuntimeError, OSError, IndexError,
)  # fmt: skip


class PartStream(Protocol):
    """What can be read of a part."""

    def read(self, size: int = -1, /) -> bytes:
        """Up to ``size`` bytes; empty at the end. Raises PeerError for damage."""
        ...


class Container:
    """A checked container; parts open by name, each counted against the limits while it is read."""

    def __init__(self, archive: zipfile.ZipFile, parts: dict[str, zipfile.ZipInfo]) -> None:
        self._archive = archive
        self._parts = parts

    def open(self, name: str) -> PartStream:
        """The expanded bytes of a part.

        Raises:
            PeerError: no such part, or its data cannot be expanded.
        """
        info = self._parts.get(name.lower())
        if info is None:
            raise PeerError(Kind.MALFORMED, "workbook: a part is missing")
        try:
            return _Guarded(self._archive.open(info), info.file_size)
        except _ZIP_FAULTS as error:
            raise PeerError(Kind.MALFORMED, "workbook: a part cannot be opened") from error


class _Guarded:
    """A part's stream that stops at the declared size and speaks only PeerError."""

    def __init__(self, stream: IO[bytes], declared: int) -> None:
        self._stream = stream
        self._left = declared

    def read(self, size: int = -1, /) -> bytes:
        try:
            data = self._stream.read(size)
        except _ZIP_FAULTS as error:
            raise PeerError(Kind.MALFORMED, "workbook: a part is damaged") from error
        self._left -= len(data)
        if self._left < 0:
            raise PeerError(Kind.TOO_LARGE, "workbook: a part is larger than it says")
        return data


def open_container(data: bytes, limits: WorkbookLimits) -> Container:
    """Judge the container and return it.

    Raises:
        PeerError: see the module text; ``Kind.TOO_LARGE`` for sizes, ``Kind.BAD_WORKBOOK`` for a kind of
            file or content that is not accepted, ``Kind.MALFORMED`` for damage.
    """
    if len(data) > limits.file_bytes:
        raise PeerError(Kind.TOO_LARGE, "workbook: file too large")
    if data.startswith(_CFB_MAGIC):
        raise PeerError(Kind.BAD_WORKBOOK, "workbook: old .xls or encrypted file")
    if not data.startswith(_ZIP_MAGIC):
        raise PeerError(Kind.BAD_WORKBOOK, "workbook: not an .xlsx file")
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except _ZIP_FAULTS as error:
        raise PeerError(Kind.MALFORMED, "workbook: the zip directory is damaged") from error
    return Container(archive, _judge(archive.infolist(), len(data), limits))


def _judge(infos: list[zipfile.ZipInfo], size: int, limits: WorkbookLimits) -> dict[str, zipfile.ZipInfo]:
    if len(infos) > limits.parts:
        raise PeerError(Kind.TOO_LARGE, "workbook: too many parts")
    if sum(info.file_size for info in infos) > limits.expanded_bytes:
        raise PeerError(Kind.TOO_LARGE, "workbook: expands too far")
    if sum(info.compress_size for info in infos) > size:
        raise PeerError(Kind.MALFORMED, "workbook: parts overlap")
    parts: dict[str, zipfile.ZipInfo] = {}
    for info in infos:
        name = _judge_name(info.filename)
        if name in parts:
            raise PeerError(Kind.MALFORMED, "workbook: two parts of one name")
        _judge_part(info, limits)
        parts[name] = info
    return parts


def _judge_name(raw: str) -> str:
    name = raw.lower()
    if not name.isascii() or len(name) > 200 or "\\" in name or name.startswith("/") or ".." in name.split("/"):
        raise PeerError(Kind.MALFORMED, "workbook: odd part name")
    if any(mark in name for mark in _ACTIVE):
        raise PeerError(Kind.BAD_WORKBOOK, "workbook: macros, external links or embedded objects")
    return name


def _judge_part(info: zipfile.ZipInfo, limits: WorkbookLimits) -> None:
    if info.flag_bits & _ENCRYPTED:
        raise PeerError(Kind.BAD_WORKBOOK, "workbook: encrypted part")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise PeerError(Kind.MALFORMED, "workbook: unusual compression")
    if info.file_size > limits.part_bytes:
        raise PeerError(Kind.TOO_LARGE, "workbook: a part is too large")
    if info.file_size > limits.ratio_from_bytes and info.file_size > limits.ratio * max(info.compress_size, 1):
        raise PeerError(Kind.TOO_LARGE, "workbook: a part is compressed suspiciously well")
