"""The media register for the console: rows, what comes next for each, and the slips."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any, Final

from ferry.console.settings import ConsoleSettings
from ferry.console.visit import Reply
from ferry.lane.checks import INBOUND, OUTBOUND
from ferry.looking import open_to_look
from ferry.media.register_rows import MOST_LISTED, PASSAGE_COLUMNS, Passage, medium_of, passage_of
from ferry.media.slip import Slip, slip_html
from ferry.media.states import MediumState
from wire_formats.bilingual import Label
from wire_formats.errors import Kind, Refused, Unavailable

_SLIP_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"
#: What a medium waits for, by its state.
NEXT: Final = {
    MediumState.BLANK: Label("可导出，或等待到达", "may be exported onto, or is expected"),
    MediumState.EXPORTED: Label("途中：等待回执", "on its way: waits for the receipt"),
    MediumState.IMPORTED: Label("写回执并带回", "write the receipt and carry it back"),
    MediumState.RECEIPTED: Label("清除或销毁", "sanitise or destroy it"),
    MediumState.SANITISED: Label("可再次使用", "may be used again"),
    MediumState.LOST: Label("登记为丢失", "noted as lost"),
}


def media_view(settings: ConsoleSettings) -> dict[str, Any]:
    """Give what the page of media shows.

    Raises:
        Refused: this console has no media.
        Unavailable: the register cannot be read now.
    """
    if settings.media is None:
        raise Refused(Kind.NOT_FOUND, "no media here")
    path = settings.media / "register.sqlite"
    if not path.exists():
        return {"rows": [], "acts": []}
    try:
        with closing(open_to_look(path)) as register:
            media = register.execute(
                "SELECT * FROM media ORDER BY changed_ms DESC, serial LIMIT ?", (MOST_LISTED,)
            ).fetchall()
            rows = [(medium_of(row), _last(register, row[0])) for row in media]
            acts = register.execute(
                "SELECT at_ms, act, serial, operator FROM acts ORDER BY position DESC LIMIT 20"
            ).fetchall()
    except sqlite3.OperationalError as error:
        raise Unavailable(Kind.BUSY, f"the media register cannot be read now: {error}", 2) from None
    return {"rows": [(medium, passage, NEXT[medium.state]) for medium, passage in rows], "acts": acts}


def slip_page(settings: ConsoleSettings, half: str, serial: str) -> Reply:
    """Give the slip of a medium's last export, as a page to print.

    Raises:
        Refused: NOT_FOUND.
        Unavailable: the register cannot be read now.
    """
    if settings.media is None or not (settings.media / "register.sqlite").exists():
        raise Refused(Kind.NOT_FOUND, "no media here")
    try:
        with closing(open_to_look(settings.media / "register.sqlite")) as register:
            row = register.execute("SELECT * FROM media WHERE serial = ?", (serial,)).fetchone()
            passage = _last(register, serial, "export")
    except sqlite3.OperationalError as error:
        raise Unavailable(Kind.BUSY, f"the media register cannot be read now: {error}", 2) from None
    if row is None or passage is None:
        raise Refused(Kind.NOT_FOUND, "that medium was not exported here")
    outward = half == "ferry_low"
    other = "ferry_high" if outward else "ferry_low"
    page = slip_html(Slip(medium_of(row), passage, INBOUND if outward else OUTBOUND, half, other))
    headers = (("Content-Type", "text/html; charset=utf-8"), ("Content-Security-Policy", _SLIP_POLICY))
    return Reply(200, page.encode(), headers)


def _last(register: sqlite3.Connection, serial: str, way: str = "") -> Passage | None:
    row = register.execute(
        f"SELECT {PASSAGE_COLUMNS} FROM passages WHERE serial = ? AND (? = '' OR way = ?)"  # noqa: S608 - a constant
        " ORDER BY at_ms DESC, sequence DESC LIMIT 1",
        (serial, way, way),
    ).fetchone()
    return passage_of(row) if row else None
