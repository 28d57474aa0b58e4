"""A workbook's rows as a batch: which rows go, in which chunks, under which id; what came of each. Pure.

    batch id   HMAC under the account's batch key over service and the file's digest, 16 bytes: the same file
               twice is the same batch and takes effect once; nobody else can tell from the id what is in it.
               It is also the batch's reference number, here and in the core.
    chunk      up to the table's row limit; one request each, all on the bulk lane
    file       what is kept of the upload, sealed under the account's batch key: rows as typed and findings

Source: DESIGN invariant 8; catalogue B13, B15, B16.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence

import msgspec

from dmz.workers.request_building import Opened, is_refusal
from dmz.workers.sealing import mark, open_box, seal_box
from dmz.workers.workbook.interpret import CheckedRow, Finding
from wire_formats import error_texts
from wire_formats.answer import AnswerStatus
from wire_formats.bilingual import Label
from wire_formats.canonical import Json
from wire_formats.catalogue import Service
from wire_formats.collaborators import Randomness
from wire_formats.errors import Kind, PeerError, code_of
from wire_formats.field_faults import Fault, words
from wire_formats.field_kinds import Rows
from wire_formats.ids import ID_BYTES

WHOLE_ROW = Label("整行", "The row")
MAX_FILE_BYTES = 128 * 1024 * 1024


class FileRow(msgspec.Struct, frozen=True, array_like=True):
    """A row as typed: its number in the user's sheet and its texts by field name."""

    number: int
    texts: dict[str, str]


class FileFinding(msgspec.Struct, frozen=True, array_like=True):
    """One thing wrong: row, field (empty for the whole row), code of a fault, numbers its words need."""

    row: int
    field: str
    code: str
    values: dict[str, int]


class BatchFile(msgspec.Struct, frozen=True):
    """What is kept of an upload."""

    file_name: str
    form_texts: dict[str, str] = {}
    form_findings: list[FileFinding] = []
    rows: list[FileRow] = []
    findings: list[FileFinding] = []
    notices: int = 0

    def good_numbers(self) -> list[int]:
        """Row numbers without findings, in order: those that were sent. None under a wrong form field."""
        if self.form_findings:
            return []
        bad = {finding.row for finding in self.findings}
        return [row.number for row in self.rows if row.number not in bad]


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(BatchFile)


def seal_file(file: BatchFile, key: bytes, identity: bytes, randomness: Randomness) -> bytes:
    """Compress and seal; slow for large files, so it belongs on a thread."""
    return seal_box(key, zlib.compress(_ENCODER.encode(file), 1), aad=b"batch " + identity, randomness=randomness)


def open_file(sealed: bytes, key: bytes, identity: bytes) -> BatchFile:
    """Open what ``seal_file`` made.

    Raises:
        PeerError: BAD_SEAL.
    """
    packed = open_box(key, sealed, aad=b"batch " + identity)
    unpacker = zlib.decompressobj()
    try:
        return _DECODER.decode(unpacker.decompress(packed, MAX_FILE_BYTES))
    except (zlib.error, msgspec.DecodeError):
        raise PeerError(Kind.MALFORMED, "stored batch of another form") from None


def file_of(
    name: str, form_texts: Mapping[str, str], form_findings: Sequence[Finding], rows: Sequence[CheckedRow]
) -> BatchFile:
    """Collect what is kept of an interpreted sheet."""
    return BatchFile(
        file_name=name,
        form_texts=dict(form_texts),
        form_findings=[FileFinding(one.row, one.field, one.code, dict(one.values)) for one in form_findings],
        rows=[FileRow(row.number, dict(row.texts)) for row in rows],
        findings=[FileFinding(one.row, one.field, one.code, dict(one.values)) for row in rows for one in row.findings],
        notices=sum(len(row.warnings) for row in rows),
    )


def batch_id(key: bytes, entry: Service, file_digest: bytes, attempt: int) -> bytes:
    """The id of this file for this account.

    Args:
        key: The account's batch key.
        entry: The service.
        file_digest: SHA-256 of the file; the period stands in it.
        attempt: 0, or more when an earlier batch of the same file came to nothing.
    """
    return mark(key, b"batch", entry.code.encode(), file_digest, b"%d" % attempt)[:ID_BYTES]


def chunk_body(table: Rows, form: Mapping[str, Json], rows: Sequence[CheckedRow]) -> dict[str, Json]:
    """The body of one chunk: the form's fields, and the rows with their numbers if the table carries them."""
    items: list[Json] = []
    for row in rows:
        item: dict[str, Json] = dict(row.body)
        if table.numbered:
            item["row"] = row.number
        items.append(item)
    return {**form, table.name: items}


class ChunkResult(msgspec.Struct, frozen=True):
    """What is known of one chunk: its rows' numbers, and its answer if there is one.

    ``notices`` are pairs of row number and code of ``field_faults.WARNINGS``.
    """

    numbers: list[int]
    status: AnswerStatus | None
    error: int | None = None
    failures: list[FileFinding] = []
    unchanged: int = 0
    notices: list[tuple[int, str]] = []


def chunk_result(numbers: Sequence[int], opened: Opened | None, error: int | None, *, expired: bool) -> ChunkResult:
    """Read a chunk's answer; a refused, rejected or expired chunk fails in all its rows.

    Args:
        numbers: Row numbers in the chunk.
        opened: Its opened answer, if it came.
        error: The kind in the answer's header.
        expired: Whether it was given up.
    """
    rows = list(numbers)
    if expired:
        return ChunkResult(rows, AnswerStatus.REFUSED, Kind.EXPIRED.value)
    if opened is None:
        return ChunkResult(rows, None)
    if is_refusal(opened.status):
        return ChunkResult(rows, opened.status, error or Kind.RULE.value)
    listed = opened.answer.get("failures")
    known = set(rows)
    failures = [_failure(item) for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []
    unchanged = opened.answer.get("rows_unchanged")
    noted = opened.answer.get("warnings")
    notices = [_notice(item) for item in noted if isinstance(item, dict)] if isinstance(noted, list) else []
    return ChunkResult(
        numbers=rows,
        status=opened.status,
        failures=[failure for failure in failures if failure.row in known],
        unchanged=unchanged if isinstance(unchanged, int) else 0,
        notices=[notice for notice in notices if notice[0] in known],
    )


def _failure(item: Mapping[str, Json]) -> FileFinding:
    row, value = item.get("row"), item.get("value")
    values = {"least": value, "most": value, "first": value} if isinstance(value, int) else {}
    return FileFinding(row if isinstance(row, int) else 0, "", str(item.get("code", "")), values)


def _notice(item: Mapping[str, Json]) -> tuple[int, str]:
    row = item.get("row")
    return row if isinstance(row, int) else 0, str(item.get("code", ""))


def notice_words(code: str) -> Label:
    """The words of a notice on a row; a code of a newer core stands for itself."""
    return words(Fault(code), WHOLE_ROW)


class Wrong(msgspec.Struct, frozen=True):
    """One thing wrong, in words."""

    row: int
    field: str
    code: str
    words: Label
    from_core: bool


class Tally(msgspec.Struct, frozen=True):
    """The batch so far: rows by result, everything wrong by row, and notices on accepted rows by row.

    Notices are pairs of row and code: a workbook may have one on every row, so their words are made for those shown.
    """

    rows: int
    accepted: int
    failed: int
    waiting: int
    repeated: int
    wrong: list[Wrong]
    notices: list[tuple[int, str]]


def tally(entry: Service, file: BatchFile, chunks: Sequence[ChunkResult]) -> Tally:
    """Count a batch and say what is wrong."""
    table = entry.table
    labels = {one.name: one.label for one in (*entry.form_fields, *(table.columns if table else ()))}
    found = [*file.form_findings, *file.findings]
    wrong = [Wrong(one.row, one.field, one.code, _words(one, labels), from_core=False) for one in found]
    notices: list[tuple[int, str]] = []
    waiting = repeated = 0
    for chunk in chunks:
        if chunk.status is None:
            waiting += len(chunk.numbers)
        elif chunk.error is not None:
            kind = Kind(chunk.error)
            text = error_texts.text(kind)
            wrong += [Wrong(number, "", code_of(kind), text, from_core=True) for number in chunk.numbers]
        else:
            wrong += [
                Wrong(one.row, one.field, one.code, _words(one, labels), from_core=True) for one in chunk.failures
            ]
            repeated += chunk.unchanged
            notices += chunk.notices
    wrong.sort(key=lambda one: one.row)
    bad = {row.number for row in file.rows} & {one.row for one in wrong}
    failed = len(file.rows) if file.form_findings else len(bad)
    accepted = len(file.rows) - failed - waiting
    # A row that failed is told with its reasons; a notice beside them would say that it counts.
    notices = sorted(notice for notice in notices if notice[0] not in bad)
    return Tally(len(file.rows), accepted, failed, waiting, min(repeated, accepted), wrong, notices)


def _words(finding: FileFinding, labels: Mapping[str, Label]) -> Label:
    return words(Fault(finding.code, finding.values), labels.get(finding.field, WHOLE_ROW))
