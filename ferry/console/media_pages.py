"""The console's media pages: the register, the wizards of export and import, one medium, and what operators ask for.

Nothing is decided here: a form becomes an order that the console vouches for (``ferry.media.orders``), the media clerk
carries it out or refuses it, and the page shows what it tells.  Where the console only looks, the page shows the
command that does the same.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from twisted.logger import Logger

from ferry.acts.act import Shown
from ferry.console.media_view import (
    clerk_state,
    has_receipt,
    media_rows,
    medium_row,
    slip_page,
    statement_to_sign,
    written_receipt,
)
from ferry.console.settings import ConsoleSettings
from ferry.console.visit import Visit, redirect
from ferry.media import orders
from ferry.media.clerk_work import MOST_LABEL, WRITE_ONCE
from ferry.media.desk import MediaFolders
from ferry.media.orders import MAX_DATA_BYTES, MOST_WAITING, Order, order_name, sign_order
from ferry.media.register_rows import EXPORT_WAY, IMPORT_WAY
from ferry.media.states import MediumState
from wire_formats.drop import TEMPORARY, DropName, write_drop
from wire_formats.errors import Kind, PeerError, Refused, Unavailable
from wire_formats.inner_web.replies import Reply
from wire_formats.medium import MEDIUM_LANES, SERIAL
from wire_formats.suites import SigningKey

_ONE: Final = re.compile(rf"/media/(medium|slip|receipt)/({SERIAL.pattern})", re.ASCII)
_STATEMENT: Final = re.compile(rf"/media/statement/({SERIAL.pattern})/([0-9a-f]{{32}})", re.ASCII)
_EXPORT: Final = re.compile("[0-9a-f]{32}", re.ASCII)
_ORDER: Final = re.compile("[0-9a-f]{16}", re.ASCII)
_OF_ONE_MEDIUM: Final = frozenset({orders.RECEIPT, orders.SANITISED, orders.LOST})
_OF_IMPORT: Final = frozenset({orders.LOOK, orders.IMPORT})
#: What was wrong with a form; told on the page it came from.
TROUBLES: Final = ("no_file", "too_large", "no_serial", "no_label", "no_lanes", "no_place", "no_clerk", "busy")
#: How a page is written: visit, template, model.
Write = Callable[..., Reply]


class TroubleError(Exception):
    """A form lacks something; the word is one of ``TROUBLES``."""


class MediaPages:
    """The pages below /media.

    Args:
        settings: paths of the half.
        key: the console's own key; None where it only looks.
        write: writes a page.
    """

    _log = Logger()

    def __init__(self, settings: ConsoleSettings, key: SigningKey | None, write: Write) -> None:
        self._settings = settings
        self._key = key
        self._write = write

    def answer(self, visit: Visit) -> Reply | None:
        """Answer a visit to one of these pages; None for any other address.

        Raises:
            Refused, PeerError, Unavailable: it cannot be answered.
        """
        if visit.method == "POST":
            return self._ordered(visit) if visit.path == "/media/order" else None
        pages = {"/media": self._register, "/media/export": self._export, "/media/import": self._import}
        if visit.path in pages:
            return pages[visit.path](visit)
        if (match := _STATEMENT.fullmatch(visit.path)) is not None:
            return statement_to_sign(self._settings, match[2], match[1])
        if (match := _ONE.fullmatch(visit.path)) is None:
            return None
        if match[1] == "medium":
            return self._medium(visit, match[2])
        if match[1] == "slip":
            return slip_page(self._settings, self._settings.half, match[2])
        return written_receipt(self._settings, match[2])

    def _register(self, visit: Visit) -> Reply:
        return self._page(visit, "media.html", rows=media_rows(self._settings))

    def _export(self, visit: Visit) -> Reply:
        rows = media_rows(self._settings)
        usable = (MediumState.BLANK, MediumState.SANITISED)
        return self._page(
            visit, "media_export.html", lanes=MEDIUM_LANES,
            blank=[row for row in rows if row.medium.state in usable],
            away=[row for row in rows if row.medium.state is MediumState.EXPORTED],
        )  # fmt: skip

    def _import(self, visit: Visit) -> Reply:
        came = [row for row in media_rows(self._settings) if row.passage and row.passage.way == IMPORT_WAY]
        waiting = (MediumState.IMPORTED, MediumState.RECEIPTED)
        return self._page(
            visit, "media_import.html", came=[row for row in came if row.medium.state in waiting],
            receipts={row.medium.serial for row in came if has_receipt(self._settings, row.medium.serial)},
        )  # fmt: skip

    def _medium(self, visit: Visit, serial: str) -> Reply:
        row, acts = medium_row(self._settings, serial)
        state, passage = row.medium.state, row.passage
        return self._page(
            visit, "media_one.html", row=row, history=acts, receipt=has_receipt(self._settings, serial),
            slip=passage is not None and passage.way == EXPORT_WAY,
            may_receipt=passage is not None and passage.way == IMPORT_WAY
            and state in (MediumState.IMPORTED, MediumState.RECEIPTED),
            may_sanitise=state in (MediumState.IMPORTED, MediumState.RECEIPTED, MediumState.LOST),
            may_lose=state is not MediumState.LOST,
        )  # fmt: skip

    def _page(self, visit: Visit, template: str, **model: object) -> Reply:
        """Write a page with what the clerk tells, and what came of the order the address names."""
        state = clerk_state(self._settings, visit.now_ms)
        named = visit.query.get("order", "")
        outcome: Mapping[str, Any] | None = None
        if state is not None and _ORDER.fullmatch(named):
            outcome = next((one for one in state["outcomes"] if one["order"] == named), None)
        # Also while the clerk is silent: it may be busy for long, and a page that asks no more never shows the outcome.
        pending = bool(_ORDER.fullmatch(named)) and outcome is None
        trouble = visit.query.get("trouble", "")
        return self._write(
            visit, template, state=state, outcome=outcome, pending=pending,
            again=f"{visit.path}?order={named}" if pending else visit.path,
            busy=state["busy"] if state is not None else None,
            trouble=trouble if trouble in TROUBLES else "", **model,
        )  # fmt: skip

    def _ordered(self, visit: Visit) -> Reply:
        """Vouch for what an operator asks; the clerk decides.

        Raises:
            Refused: the console only looks.
            PeerError: the form is not one of these pages'.
        """
        operator, word = visit.operator, visit.form.get("word", "")
        if self._key is None or operator is None or self._settings.media is None:
            raise Refused(Kind.NO_RIGHT, "this console only looks")
        if word not in orders.WORDS:
            raise PeerError(Kind.BAD_HTTP, "no such order")
        page = "/media/export"
        if word in _OF_IMPORT:
            page = "/media/import"
        elif word == orders.REGISTER:
            page = "/media"
        try:
            order = self._order(visit, word)
            if word in _OF_ONE_MEDIUM:
                page = f"/media/medium/{order.serial}"
            signed = sign_order(order, Shown(operator.kid, visit.serial), self._key)
            self._put(signed, visit.now_ms)
        except TroubleError as trouble:
            return redirect(f"{page}?trouble={trouble}")
        self._log.info("media_ordered", stage=word, operator=operator.name, serial=f"{visit.serial:x}")
        return redirect(f"{page}?order={order_name(signed)}")

    def _order(self, visit: Visit, word: str) -> Order:
        made: dict[str, Any] = {}
        if word in (orders.REGISTER, orders.PREPARE) or word in _OF_ONE_MEDIUM:
            made["serial"] = _taken(visit.form.get("serial", "").strip().upper(), SERIAL, "no_serial")
        if word == orders.REGISTER:
            label = visit.form.get("label", "").strip() or "-"
            if len(label) > MOST_LABEL:
                raise TroubleError("no_label")
            made["text"] = f"{WRITE_ONCE}{label}" if visit.form.get("once") == "yes" else label
        if word == orders.PREPARE:
            lanes = [lane for lane in MEDIUM_LANES if visit.form.get(f"lane_{lane}") == "yes"]
            if not lanes:
                raise TroubleError("no_lanes")
            made["text"] = ",".join(lanes)
        if word in (orders.WRITE, orders.LOOK, orders.IMPORT):
            made["text"] = visit.form.get("place", "")
            if not made["text"]:
                raise TroubleError("no_place")
        if word in (orders.SIGN, orders.WRITE, orders.CANCEL, orders.IMPORT):
            export = visit.form.get("export", "")
            if not _EXPORT.fullmatch(export):
                raise PeerError(Kind.BAD_HTTP, "no export is named")
            made["export"] = bytes.fromhex(export)
        if word in (orders.SIGN, orders.TAKE_RECEIPT):
            made["data"] = _file(visit)
        return Order(word, self._settings.half, visit.now_ms, **made)

    def _put(self, signed: bytes, now_ms: int) -> None:
        assert self._settings.media is not None
        folder = MediaFolders(self._settings.media).orders
        if clerk_state(self._settings, now_ms) is None or not (folder / TEMPORARY).is_dir():
            raise TroubleError("no_clerk")
        if sum(path.name != TEMPORARY for path in folder.iterdir()) >= MOST_WAITING:
            raise TroubleError("busy")
        number = int.from_bytes(hashlib.sha256(signed).digest()[:6], "big")
        try:
            write_drop(folder, DropName(now_ms, number, "order", "notice"), signed)
        except Unavailable:
            raise TroubleError("busy") from None


def _taken(text: str, pattern: re.Pattern[str], trouble: str) -> str:
    if not pattern.fullmatch(text):
        raise TroubleError(trouble)
    return text


def _file(visit: Visit) -> bytes:
    if not visit.file:
        raise TroubleError("no_file")
    if len(visit.file) > MAX_DATA_BYTES:
        raise TroubleError("too_large")
    return visit.file
