"""The media register (介质登记) of one half: which medium carried what, when, by whom, and what became of it.

    media      one row per medium: serial, label, kind, state
    passages   one row per export or import: which filling, number in the row, counts, digest, both operators
    carried    the files of exports that are under way, and of the last import of each medium
    acts       every act and every refusal, hash-chained: an altered or missing row is found

Every change waits for the disk.  Readers (the running half) are never held up: SQLite in WAL mode.

Source: research, section 5 (ISM 1713); DESIGN invariant 10.
"""

from __future__ import annotations

from collections.abc import Iterable

from ferry.media.register_rows import (
    DELIVERING,
    DONE,
    EXPORT_WAY,
    GIVEN_UP,
    IMPORT_WAY,
    MOST_LISTED,
    OPEN,
    PASSAGE_COLUMNS,
    RECEIPTED,
    Medium,
    Passage,
    medium_of,
    passage_of,
)
from ferry.media.register_store import RegisterStore
from ferry.media.states import MediumKind, MediumState, check_move
from wire_formats.drop import DropName, parse_name
from wire_formats.errors import Kind, Refused
from wire_formats.medium import FIRST, Entry, MediumStatement


class MediaRegister(RegisterStore):
    """One half's register; see ``RegisterStore`` for what it is made with."""

    # --- media ---

    def add(self, serial: str, label: str, kind: MediumKind, *, operator: str, now_ms: int) -> None:
        """Enter a new medium as blank.

        Raises:
            Refused: CONFLICT: it is registered.
        """
        with self._transaction():
            if self.medium(serial) is not None:
                raise Refused(Kind.CONFLICT, f"medium {serial} is registered already")
            self._add(serial, label, kind, now_ms)
            self._act("registered", serial, kind.value, operator, now_ms)

    def medium(self, serial: str) -> Medium | None:
        """Give a medium, or None when it is not registered."""
        with self._guarded():
            row = self._database.execute("SELECT * FROM media WHERE serial = ?", (serial,)).fetchone()
        return medium_of(row) if row else None

    def media(self, *, most: int = MOST_LISTED) -> list[Medium]:
        """Give media, those changed last first."""
        with self._guarded():
            rows = self._database.execute(
                "SELECT * FROM media ORDER BY changed_ms DESC, serial LIMIT ?", (most,)
            ).fetchall()
        return [medium_of(row) for row in rows]

    def move(self, serial: str, after: MediumState, *, operator: str, now_ms: int) -> None:
        """Note that a medium was sanitised or lost; the files of a lost export are free for the next one.

        Raises:
            Refused: NOT_FOUND or CONFLICT.
        """
        with self._transaction():
            self._move(serial, after, now_ms)
            if after is MediumState.LOST:
                self._end_exports(serial, GIVEN_UP, now_ms)
            if after is MediumState.SANITISED:
                self._database.execute(
                    "DELETE FROM carried WHERE export IN (SELECT export FROM passages WHERE serial = ?)", (serial,)
                )
            self._act(after.value, serial, "", operator, now_ms)

    # --- exports ---

    def next_number(self) -> tuple[int, int, bytes]:
        """Give epoch, sequence and the digest of the statement before, for the next export."""
        with self._guarded():
            epoch = self._database.execute("SELECT epoch FROM origin").fetchone()[0]
            row = self._database.execute(
                "SELECT sequence, statement FROM passages WHERE way = 'export' AND epoch = ?"
                " ORDER BY sequence DESC LIMIT 1",
                (epoch,),
            ).fetchone()
        sequence, previous = row or (0, FIRST)
        return epoch, sequence + 1, previous

    def check_exportable(self, serial: str) -> Medium:
        """Give a medium that may be written.

        Raises:
            Refused: NOT_FOUND or CONFLICT.
        """
        medium = self._known(serial)
        check_move(serial, medium.kind, medium.state, MediumState.EXPORTED)
        return medium

    def exported(
        self, statement: MediumStatement, entries: Iterable[Entry], operators: tuple[str, str], *, now_ms: int
    ) -> None:
        """Note a finished export.

        Raises:
            Refused: CONFLICT: somebody else has used the medium meanwhile.
        """
        with self._transaction():
            self._move(statement.serial, MediumState.EXPORTED, now_ms)
            self._enter(EXPORT_WAY, DONE, statement, operators, now_ms)
            self._carry(statement.export, entries)
            self._act("exported", statement.serial, statement.export.hex(), "+".join(operators), now_ms)

    def under_way(self) -> list[tuple[str, DropName]] | None:
        """Give lane and name of files on media under way, or receipted as arrived; None when nothing changed since."""
        with self._guarded():
            version = self._database.execute("PRAGMA data_version").fetchone()[0]
            if version == self._version:
                return None
            self._version = version
            rows = self._database.execute(
                "SELECT lane, name FROM carried JOIN passages USING (export)"
                " WHERE way = 'export' AND passages.state IN (?, ?)",
                (DONE, RECEIPTED),
            ).fetchall()
        return [(lane, parse_name(name)) for lane, name in rows]

    def receipt_taken(self, export: bytes, missing: Iterable[tuple[str, str]], *, operator: str, now_ms: int) -> None:
        """Note that the receipt of an export has come; one that comes late says nothing of what is on the medium now.

        Args:
            export: which one.
            missing: lane and name of files it does not name as arrived: they are free for the next medium.
            operator: who took it in.
            now_ms: the instant now.
        """
        with self._transaction():
            passage = self._passage(export)
            last = self.last_passage(passage.serial, EXPORT_WAY)
            if last is None or last.export == export:
                self._move(passage.serial, MediumState.RECEIPTED, now_ms)
            self._end_passage(export, RECEIPTED, now_ms)
            self._database.executemany(
                "DELETE FROM carried WHERE export = ? AND lane = ? AND name = ?",
                [(export, lane, name) for lane, name in missing],
            )
            self._act("receipt_taken", passage.serial, export.hex(), operator, now_ms)

    # --- imports ---

    def begin_import(
        self, statement: MediumStatement, entries: Iterable[Entry], operators: tuple[str, str], *, by: str, now_ms: int
    ) -> Passage:
        """Note that an import begins, or give the one that was interrupted.

        Raises:
            Refused: CONFLICT: this filling was imported, or the medium was not sanitised since its last one.
        """
        with self._transaction():
            known = self.passage(statement.export)
            if known is not None:
                if known.state in (OPEN, DELIVERING) and known.statement == statement.digest():
                    return known
                raise Refused(Kind.CONFLICT, f"this filling of medium {statement.serial} was imported already")
            medium = self.medium(statement.serial)
            if medium is None:
                self._add(statement.serial, "", MediumKind.REWRITABLE, now_ms)
            else:
                check_move(statement.serial, medium.kind, medium.state, MediumState.IMPORTED)
            self._enter(IMPORT_WAY, OPEN, statement, operators, now_ms)
            self._carry(statement.export, entries)
            self._act("import_begun", statement.serial, statement.export.hex(), by, now_ms)
        return self._passage(statement.export)

    def delivering(self, export: bytes, *, now_ms: int) -> None:
        """Note that every file of an import was checked, and that they now go to the half."""
        with self._transaction():
            self._end_passage(export, DELIVERING, now_ms)

    def imported(self, export: bytes, *, by: str, now_ms: int) -> None:
        """Note a finished import."""
        with self._transaction():
            passage = self._passage(export)
            self._move(passage.serial, MediumState.IMPORTED, now_ms)
            self._end_passage(export, DONE, now_ms)
            self._act("imported", passage.serial, export.hex(), by, now_ms)

    def drop_import(self, export: bytes, *, reason: str, by: str, now_ms: int) -> None:
        """Forget an import whose content turned out bad; the refusal stays in the list of acts."""
        with self._transaction():
            passage = self._passage(export)
            self._database.execute("DELETE FROM carried WHERE export = ?", (export,))
            self._database.execute("DELETE FROM passages WHERE export = ?", (export,))
            self._act("import_refused", passage.serial, reason, by, now_ms)

    def refused(self, reason: str, *, serial: str = "", by: str, now_ms: int) -> None:
        """Note a medium or receipt that was refused."""
        with self._transaction():
            self._act("refused", serial, reason, by, now_ms)

    def receipt_written(self, export: bytes, *, by: str, now_ms: int) -> None:
        """Note that the receipt of an import was written."""
        with self._transaction():
            passage = self._passage(export)
            self._move(passage.serial, MediumState.RECEIPTED, now_ms)
            self._database.execute("UPDATE passages SET receipt_ms = ? WHERE export = ?", (now_ms, export))
            self._act("receipt_written", passage.serial, export.hex(), by, now_ms)

    def open_imports(self) -> list[str]:
        """Give serials of media whose import was interrupted."""
        with self._guarded():
            rows = self._database.execute(
                "SELECT serial FROM passages WHERE way = 'import' AND state IN (?, ?)", (OPEN, DELIVERING)
            ).fetchall()
        return [row[0] for row in rows]

    def missing_numbers(self, epoch: int, *, most: int = 20) -> list[int]:
        """Give numbers of media that never came although a later one of the same row did."""
        with self._guarded():
            rows = self._database.execute(
                "SELECT DISTINCT sequence FROM passages WHERE way = 'import' AND epoch = ? ORDER BY sequence", (epoch,)
            ).fetchall()
        missing: list[int] = []
        expected = 1
        for (sequence,) in rows:
            missing += range(expected, min(sequence, expected + most))
            expected = sequence + 1
        return missing[:most]

    def last_number(self, epoch: int) -> int:
        """Give the number of the last medium of a row that came here, 0 for none."""
        with self._guarded():
            row = self._database.execute(
                "SELECT max(sequence) FROM passages WHERE way = 'import' AND epoch = ?", (epoch,)
            ).fetchone()
        return int(row[0] or 0)

    # --- passages ---

    def passage(self, export: bytes) -> Passage | None:
        """Give one passage."""
        with self._guarded():
            row = self._database.execute(
                f"SELECT {PASSAGE_COLUMNS} FROM passages WHERE export = ?",  # noqa: S608 - a constant
                (export,),
            ).fetchone()
        return passage_of(row) if row else None

    def last_passage(self, serial: str, way: str = "") -> Passage | None:
        """Give the latest passage of a medium."""
        with self._guarded():
            row = self._database.execute(
                f"SELECT {PASSAGE_COLUMNS} FROM passages WHERE serial = ? AND (? = '' OR way = ?)"  # noqa: S608
                " ORDER BY at_ms DESC, sequence DESC LIMIT 1",
                (serial, way, way),
            ).fetchone()
        return passage_of(row) if row else None

    def files_of(self, export: bytes) -> list[tuple[str, str]]:
        """Give lane and name of a passage's files."""
        with self._guarded():
            return self._database.execute("SELECT lane, name FROM carried WHERE export = ?", (export,)).fetchall()

    # --- inside a transaction ---

    def _known(self, serial: str) -> Medium:
        medium = self.medium(serial)
        if medium is None:
            raise Refused(Kind.NOT_FOUND, f"medium {serial} is not in the register")
        return medium

    def _passage(self, export: bytes) -> Passage:
        passage = self.passage(export)
        if passage is None:
            raise Refused(Kind.NOT_FOUND, "the register knows no such passage")
        return passage

    def _add(self, serial: str, label: str, kind: MediumKind, now_ms: int) -> None:
        row = (serial, label, kind.value, MediumState.BLANK.value, now_ms)
        self._database.execute("INSERT INTO media VALUES (?, ?, ?, ?, ?)", row)

    def _move(self, serial: str, after: MediumState, now_ms: int) -> None:
        medium = self._known(serial)
        check_move(serial, medium.kind, medium.state, after)
        self._database.execute(
            "UPDATE media SET state = ?, changed_ms = ? WHERE serial = ?", (after.value, now_ms, serial)
        )

    def _enter(self, way: str, state: str, statement: MediumStatement, operators: tuple[str, str], now_ms: int) -> None:
        self._database.execute(
            "INSERT INTO passages VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)",
            (
                statement.export, way, statement.serial, state, statement.epoch, statement.sequence,
                statement.digest(), statement.files, statement.size, *operators,
                statement.made_ms, statement.expires_ms, now_ms,
            ),
        )  # fmt: skip

    def _carry(self, export: bytes, entries: Iterable[Entry]) -> None:
        self._database.executemany(
            "INSERT INTO carried VALUES (?, ?, ?)", [(export, entry.lane, str(entry.name)) for entry in entries]
        )

    def _end_passage(self, export: bytes, state: str, now_ms: int) -> None:
        receipt = now_ms if state == RECEIPTED else None
        self._database.execute(
            "UPDATE passages SET state = ?, receipt_ms = coalesce(?, receipt_ms) WHERE export = ?",
            (state, receipt, export),
        )
        if state == GIVEN_UP:
            self._database.execute("DELETE FROM carried WHERE export = ?", (export,))

    def _end_exports(self, serial: str, state: str, now_ms: int) -> None:
        rows = self._database.execute(
            "SELECT export FROM passages WHERE serial = ? AND way = 'export' AND state = ?", (serial, DONE)
        ).fetchall()
        for (export,) in rows:
            self._end_passage(export, state, now_ms)
