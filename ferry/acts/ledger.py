"""The ledger of acts (操作记录): who did what, when; hash-chained, so that an altered or missing line is found.

    taken     one operator has said it; for what needs two, another one must
    agreed    the second one has said it, too: the half will do it, whatever comes between
    done      the half has done it
    refused   an operator the half knows said what cannot be done; the detail says why

The ledger is also the half's memory: what is agreed and not done is done after a restart, and the last pause or
resume of a lane holds.  Every change waits for the disk; nothing is ever removed.

Source: DESIGN invariant 10; research, section 7, point 9.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from ferry.acts.act import PAUSE, RESUME, VerifiedAct, check_age
from ferry.chained_ledger import RETRY_S, ChainedLedger
from wire_formats.errors import Kind, PeerError, Unavailable

TAKEN: Final = "taken"
AGREED: Final = "agreed"
DONE: Final = "done"
REFUSED: Final = "refused"
SIGNATURE: Final = "signature"
CONSOLE: Final = "console"
OWN: Final = "half"
MOST_LISTED: Final = 500
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS acts (
    position INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, act TEXT NOT NULL, subject TEXT NOT NULL,
    reason TEXT NOT NULL, operator TEXT NOT NULL, certificate TEXT NOT NULL, way TEXT NOT NULL,
    outcome TEXT NOT NULL, detail TEXT NOT NULL, made_ms INTEGER NOT NULL, digest TEXT NOT NULL, chain BLOB NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS acts_subject ON acts (subject, act);
CREATE INDEX IF NOT EXISTS acts_digest ON acts (digest);
"""
_COLUMNS: Final = "position, at_ms, act, subject, reason, operator, certificate, way, outcome, detail, made_ms, digest"


class Line(NamedTuple):
    """One line of the ledger.

    Attributes:
        position: from 1, without gaps.
        at_ms: when the half wrote it.
        act: release, reject, pause or resume.
        subject: what it is about, see ``act``.
        reason: why, a fixed word.
        operator: name of who said it; both names, with a plus, where two agreed.
        certificate: key id of his certificate, hex; empty on lines of the half itself.
        way: signature, console or half.
        outcome: taken, agreed, done or refused.
        detail: why it was refused, or what became of it.
        made_ms: when the act was made.
        digest: of the signed act, hex; empty on lines of the half itself.
    """

    position: int
    at_ms: int
    act: str
    subject: str
    reason: str
    operator: str
    certificate: str
    way: str
    outcome: str
    detail: str
    made_ms: int
    digest: str


class ActLedger(ChainedLedger):
    """One half's ledger.

    Args:
        path: the database file; its folder must exist.
        readonly: for those who only look.

    Raises:
        Unavailable: it cannot be opened.
    """

    NAME = "ledger of acts"

    def __init__(self, path: Path, *, readonly: bool = False) -> None:
        try:
            self._database = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode={'ro' if readonly else 'rwc'}", uri=True, isolation_level=None
            )
        except sqlite3.OperationalError as error:
            raise Unavailable(Kind.STORAGE_FULL, f"{self.NAME}: {error}", RETRY_S) from None
        if not readonly:
            with self._guarded():
                # No write-ahead log: whoever only looks needs no right to write beside the file.
                self._database.execute("PRAGMA journal_mode = DELETE")
                self._database.execute("PRAGMA synchronous = FULL")
                self._database.executescript(_SCHEMA)

    def seen(self, digest: bytes) -> bool:
        """Tell whether this very act came before."""
        with self._guarded():
            row = self._database.execute("SELECT 1 FROM acts WHERE digest = ? LIMIT 1", (digest.hex(),)).fetchone()
        return row is not None

    def take(self, verified: VerifiedAct, *, counts: Callable[[bytes], bool], now_ms: int) -> str:
        """Enter an act that two operators must agree on; gives what it came to.

        Args:
            verified: the act.
            counts: whether the holder of a certificate, by its key id, may still act: what somebody said who was taken
                off the list since is no half of an agreement.
            now_ms: the instant now.

        Returns:
            TAKEN, AGREED, or REFUSED: one operator said it twice.
        """
        with self._transaction():
            said = self._said(verified, now_ms)
            names = {line.operator for line in said}
            keys = {line.certificate for line in said}
            others = [line for line in said if counts(bytes.fromhex(line.certificate))]
            operator, certificate = verified.operator.name, verified.operator.kid.hex()
            if operator in names or certificate in keys:
                self._enter(verified, REFUSED, "one operator twice", now_ms)
                return REFUSED
            self._enter(verified, AGREED if others else TAKEN, "", now_ms)
            return AGREED if others else TAKEN

    def single(self, verified: VerifiedAct, outcome: str, detail: str = "", *, now_ms: int) -> None:
        """Enter an act that one operator is enough for, or one that is refused."""
        with self._transaction():
            self._enter(verified, outcome, detail, now_ms)

    def finish(self, act: str, subject: str, detail: str, *, now_ms: int) -> None:
        """Note that the half has done what was agreed on."""
        with self._transaction():
            names = "+".join(sorted({line.operator for line in self._lines(act, subject) if line.outcome != REFUSED}))
            self._append(now_ms, act, subject, "", names, "", OWN, DONE, detail, now_ms, "")

    def unfinished(self) -> list[tuple[str, str]]:
        """Give act and subject of what was agreed on and is not done."""
        with self._guarded():
            rows = self._database.execute(
                "SELECT DISTINCT act, subject FROM acts AS one WHERE outcome = 'agreed' AND NOT EXISTS"
                " (SELECT 1 FROM acts WHERE subject = one.subject AND outcome = 'done' AND way = 'half')"
                " ORDER BY position"
            ).fetchall()
        return [(act, subject) for act, subject in rows]

    def paused(self) -> list[str]:
        """Give the lanes whose last act is a pause, as ``<direction>-<lane>``."""
        with self._guarded():
            rows = self._database.execute(
                "SELECT subject, act FROM acts WHERE outcome = 'done' AND act IN (?, ?) ORDER BY position",
                (PAUSE, RESUME),
            ).fetchall()
        return [subject for subject, act in dict(rows).items() if act == PAUSE]

    def waiting(self, subject: str, *, now_ms: int) -> list[Line]:
        """Give what single operators have said of a subject and another one may still agree to."""
        with self._guarded():
            lines = [line for act in ("release", "reject") for line in self._lines(act, subject)]
        return [line for line in lines if line.outcome == TAKEN and _fresh(line, now_ms)]

    def lines(self, *, subject: str = "", most: int = MOST_LISTED) -> list[Line]:
        """Give the latest lines, oldest first; those of one subject (or of subjects that begin so)."""
        with self._guarded():
            rows = self._database.execute(
                f"SELECT {_COLUMNS} FROM acts WHERE substr(subject, 1, ?) = ? ORDER BY position DESC LIMIT ?",  # noqa: S608
                (len(subject), subject, most),
            ).fetchall()
        return [Line(*row) for row in reversed(rows)]

    def _said(self, verified: VerifiedAct, now_ms: int) -> list[Line]:
        lines = self._lines(verified.act.act, verified.act.subject)
        return [line for line in lines if line.outcome in (TAKEN, AGREED) and _fresh(line, now_ms)]

    def _lines(self, act: str, subject: str) -> list[Line]:
        rows = self._database.execute(
            f"SELECT {_COLUMNS} FROM acts WHERE subject = ? AND act = ? ORDER BY position",  # noqa: S608 - a constant
            (subject, act),
        ).fetchall()
        return [Line(*row) for row in rows]

    def _enter(self, verified: VerifiedAct, outcome: str, detail: str, now_ms: int) -> None:
        act, operator = verified.act, verified.operator
        way = CONSOLE if verified.by_console else SIGNATURE
        self._append(
            now_ms, act.act, act.subject, act.reason, operator.name, operator.kid.hex(), way, outcome, detail,
            act.made_ms, verified.digest.hex(),
        )  # fmt: skip


def _fresh(line: Line, now_ms: int) -> bool:
    try:
        check_age(line.made_ms, now_ms=now_ms)
    except PeerError:
        return False
    return True
