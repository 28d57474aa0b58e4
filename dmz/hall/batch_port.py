"""What the back end tells the pages of an uploaded workbook: a part of the port, see `dmz.hall.backend_port`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True)
class RowError:
    """One error of one row of a workbook.

    Attributes:
        row: row number as the spreadsheet shows it (1-based, the heading counts).
        field: name of the declared field, or "" for the whole row.
        code: code of `wire_formats.field_faults` (FAULTS).
        message_zh, message_en: its words (`field_faults.words`): what to mend, without the value.
        from_core: True if the core refused the row, False if the page check did.
    """

    row: int
    field: str
    code: str
    message_zh: str
    message_en: str
    from_core: bool = False


@dataclass(frozen=True)
class RowNotice:
    """What the core has to say about one accepted row: its base was set to a limit, nothing changed.

    Attributes:
        row: row number as in RowError.
        code: code of `wire_formats.field_faults` (WARNINGS), or one this hall does not know yet.
        message_zh, message_en: its words.
    """

    row: int
    code: str
    message_zh: str
    message_en: str


@dataclass(frozen=True)
class NoticeCount:
    """How many accepted rows have one notice; code and words as in RowNotice."""

    code: str
    rows: int
    message_zh: str
    message_en: str


class BatchState(StrEnum):
    """How far an uploaded workbook has come."""

    READING = "reading"  # the reader child is at work
    UNDER_WAY = "under_way"  # good rows are crossing
    DONE = "done"  # every row has its result
    REFUSED = "refused"  # the file as a whole was refused; nothing was sent


@dataclass(frozen=True)
class BatchView:
    """The result of a workbook, as far as it is known, with one page of its row errors.

    Attributes:
        reference: the batch's reference number.
        service: service code.
        file_name: as uploaded.
        uploaded_at_ms: when.
        state: see BatchState.
        rows: rows with content in the file. accepted + failed + waiting == rows once it has been read.
        accepted, failed, waiting: rows by result; rows that had already taken effect count as accepted.
        repeated: of the accepted rows, how many had already been accepted before (same content, no second effect).
        errors: the errors of this page, by row.
        error_total: errors in all. page counts from 1.
        file_error: number of errors.Kind when REFUSED.
        notices: the first notices on accepted rows, by row; a workbook has them all.
        notice_total: notices in all.
        noted: the same counted by notice.
    """

    reference: str
    service: str
    file_name: str
    uploaded_at_ms: int
    state: BatchState
    rows: int
    accepted: int
    failed: int
    waiting: int
    repeated: int
    errors: tuple[RowError, ...]
    error_total: int
    page: int
    page_size: int
    file_error: int | None = None
    notices: tuple[RowNotice, ...] = ()
    notice_total: int = 0
    noted: tuple[NoticeCount, ...] = ()
