"""What the console reads of a half's media: the register, what the clerk tells, slips, statements to sign, receipts."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

from ferry.console.settings import ConsoleSettings
from ferry.lane.checks import INBOUND, OUTBOUND
from ferry.looking import open_to_look
from ferry.media.clerk_state import STATE_NAME
from ferry.media.collecting import STATEMENT
from ferry.media.desk import MediaFolders
from ferry.media.register_rows import MOST_LISTED, PASSAGE_COLUMNS, Act, Medium, Passage, medium_of, passage_of
from ferry.media.slip import Slip, slip_html
from ferry.media.states import MediumState
from wire_formats.bilingual import Label
from wire_formats.errors import Kind, Refused, Unavailable
from wire_formats.inner_web.replies import Reply
from wire_formats.medium import MAX_STATEMENT_BYTES
from wire_formats.medium_receipt import MAX_RECEIPT_BYTES

_SLIP_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"
_MOST_STATE_BYTES: Final = 1 << 20
_MOST_ACTS: Final = 50
#: The clerk writes twice a second.
STALE_MS: Final = 10_000
T = TypeVar("T")
#: What a medium waits for, by its state.
NEXT: Final = {
    MediumState.BLANK: Label("可导出，或等待到达", "may be exported onto, or is expected"),
    MediumState.EXPORTED: Label("途中：等待回执", "on its way: waits for the receipt"),
    MediumState.IMPORTED: Label("写回执并带回", "write the receipt and carry it back"),
    MediumState.RECEIPTED: Label("清除或销毁", "sanitise or destroy it"),
    MediumState.SANITISED: Label("可再次使用", "may be used again"),
    MediumState.LOST: Label("登记为丢失", "noted as lost"),
}


class Row(NamedTuple):
    """A medium, its last passage, and what it waits for."""

    medium: Medium
    passage: Passage | None
    next: Label


def media_rows(settings: ConsoleSettings) -> list[Row]:
    """Give the register's media, those changed last first.

    Raises:
        Refused: this console has no media.
        Unavailable: the register cannot be read now.
    """

    def read(register: sqlite3.Connection) -> list[Row]:
        rows = register.execute("SELECT * FROM media ORDER BY changed_ms DESC, serial LIMIT ?", (MOST_LISTED,))
        media = [medium_of(row) for row in rows.fetchall()]
        return [Row(one, _last(register, one.serial), NEXT[one.state]) for one in media]

    return _from_register(settings, read) or []


def medium_row(settings: ConsoleSettings, serial: str) -> tuple[Row, list[Act]]:
    """Give one medium and its latest acts, newest first.

    Raises:
        Refused: NOT_FOUND.
        Unavailable: the register cannot be read now.
    """

    def read(register: sqlite3.Connection) -> tuple[Row, list[Act]] | None:
        row = register.execute("SELECT * FROM media WHERE serial = ?", (serial,)).fetchone()
        if row is None:
            return None
        acts = register.execute(
            "SELECT position, at_ms, act, serial, detail, operator FROM acts WHERE serial = ?"
            " ORDER BY position DESC LIMIT ?",
            (serial, _MOST_ACTS),
        ).fetchall()
        medium = medium_of(row)
        return Row(medium, _last(register, serial), NEXT[medium.state]), [Act(*act) for act in acts]

    found = _from_register(settings, read)
    if found is None:
        raise Refused(Kind.NOT_FOUND, "no such medium in the register")
    return found


def clerk_state(settings: ConsoleSettings, now_ms: int) -> dict[str, Any] | None:
    """Give what the clerk tells; None where it does not run."""
    if settings.media is None:
        return None
    try:
        with (settings.media / STATE_NAME).open("rb") as file:
            told: dict[str, Any] = json.loads(file.read(_MOST_STATE_BYTES))
            return told if now_ms - int(told["at_ms"]) <= STALE_MS else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def statement_to_sign(settings: ConsoleSettings, export: str, serial: str) -> Reply:
    """Give the statement of a prepared export as a file.

    Raises:
        Refused: NOT_FOUND.
    """
    folders = _folders(settings)
    data = _small(folders.claimed / export / STATEMENT, MAX_STATEMENT_BYTES)
    return _download(data, f"{serial}-{export[:8]}.statement")


def written_receipt(settings: ConsoleSettings, serial: str) -> Reply:
    """Give a receipt that the clerk wrote, as a file to carry back.

    Raises:
        Refused: NOT_FOUND.
    """
    name = f"{serial}.receipt"
    return _download(_small(_folders(settings).receipts / name, MAX_RECEIPT_BYTES), name)


def has_receipt(settings: ConsoleSettings, serial: str) -> bool:
    """Tell whether the clerk wrote a receipt of this medium that can still be downloaded."""
    return (_folders(settings).receipts / f"{serial}.receipt").is_file()


def slip_page(settings: ConsoleSettings, half: str, serial: str) -> Reply:
    """Give the slip of a medium's last export, as a page to print.

    Raises:
        Refused: NOT_FOUND.
        Unavailable: the register cannot be read now.
    """

    def read(register: sqlite3.Connection) -> tuple[Medium, Passage] | None:
        row = register.execute("SELECT * FROM media WHERE serial = ?", (serial,)).fetchone()
        passage = _last(register, serial, "export")
        return (medium_of(row), passage) if row is not None and passage is not None else None

    found = _from_register(settings, read)
    if found is None:
        raise Refused(Kind.NOT_FOUND, "that medium was not exported here")
    outward = half == "ferry_low"
    other = "ferry_high" if outward else "ferry_low"
    page = slip_html(Slip(*found, INBOUND if outward else OUTBOUND, half, other))
    headers = (("Content-Type", "text/html; charset=utf-8"), ("Content-Security-Policy", _SLIP_POLICY))
    return Reply(200, page.encode(), headers)


def _from_register(settings: ConsoleSettings, read: Callable[[sqlite3.Connection], T]) -> T | None:
    """Read the register; None where there is none yet.

    Raises:
        Refused: this console has no media.
        Unavailable: the register cannot be read now.
    """
    path = _folders(settings).register
    if not path.exists():
        return None
    try:
        with closing(open_to_look(path)) as register:
            return read(register)
    except sqlite3.OperationalError as error:
        raise Unavailable(Kind.BUSY, f"the media register cannot be read now: {error}", 2) from None


def _folders(settings: ConsoleSettings) -> MediaFolders:
    if settings.media is None:
        raise Refused(Kind.NOT_FOUND, "no media here")
    return MediaFolders(settings.media)


def _small(path: Path, most: int) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(most)
    except OSError:
        raise Refused(Kind.NOT_FOUND, "no such file") from None


def _download(data: bytes, name: str) -> Reply:
    disposition = ("Content-Disposition", f'attachment; filename="{name}"')
    return Reply(200, data, (("Content-Type", "application/octet-stream"), disposition))


def _last(register: sqlite3.Connection, serial: str, way: str = "") -> Passage | None:
    row = register.execute(
        f"SELECT {PASSAGE_COLUMNS} FROM passages WHERE serial = ? AND (? = '' OR way = ?)"  # noqa: S608 - a constant
        " ORDER BY at_ms DESC, sequence DESC LIMIT 1",
        (serial, way, way),
    ).fetchone()
    return passage_of(row) if row else None
