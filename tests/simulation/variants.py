"""Broken variants of the product: each leaves out or turns around one thing that matters, and must be caught.

A simulation that finds nothing proves nothing unless it is known to find what is there.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from core.db.engine import writing
from core.intake.dedupe import Record, find_applied, mark_sent, remember
from core.intake.processor import Processor
from core.intake.work import Results, Work
from dmz.workers.assembly import Worker
from ferry.high_half import HighHalf
from ferry.intake import Pause
from ferry.journal import Journal
from ferry.lane.checks import Checked, Items
from ferry.lane.crossing import State
from ferry.low_half import LowHalf
from ferry.media.register import MediaRegister
from ferry.media.register_rows import DONE, Passage
from tests.simulation.media_lane import REGISTERS
from tests.simulation.process_disk import ProcessDisk
from tests.simulation.processes import EXCHANGE, PRODUCTION, Kinds
from tests.simulation.sqlite import Connection, Cursor
from wire_formats.collaborators import FileFacts
from wire_formats.errors import Unavailable
from wire_formats.medium import Entry, MediumStatement


@dataclass(frozen=True)
class Variant:
    """A broken product.

    Attributes:
        name: what is broken.
        kinds: what it is built from.
        profile: the kind of schedule that finds it.
        first: seed to begin with.
        most: within so many seeds it must be caught.
    """

    name: str
    kinds: Kinds
    profile: str
    first: int = 0
    most: int = 12


_WAITS: Final = re.compile("synchronous ?= ?FULL")


class _Careless(Connection):
    """A database that does not wait for the disk."""

    def cursor(self, *_factory: object) -> Cursor:
        return _CarelessCursor(self)


class _CarelessCursor(Cursor):
    def execute(self, sql: str, parameters: Sequence[object] = ()) -> Cursor:
        return super().execute(_WAITS.sub("synchronous=OFF", sql), parameters)


def _careless_about(*paths: Path) -> Any:
    def connect(disk: ProcessDisk, opened: Path) -> Connection:
        return (_Careless if opened in paths else Connection)(disk, opened)

    return connect


class _RemembersAfterwards(Processor):
    """Carries out in one transaction, and remembers in the next."""

    def run_writes(self, works: Sequence[Work], results: Results) -> None:
        sent, records = list(self.sent), []
        with writing(self._parts.engine) as connection:
            known = find_applied(connection, [work.request.header.id for work in works])
            states = self._parts.checker.states(connection, [work.request for work in works])
            for work in works:
                before = known.get(work.request.header.id)
                if before is not None:
                    self._again(connection, work, before, results)
                    continue
                district, answer = self._answer(connection, work, states)
                assert answer is not None
                records.append(Record(district, work.request, answer))
                results.answers.append(answer)
                results.finished.append(work)
        with writing(self._parts.engine) as connection:
            remember(connection, records, now_ms=self._parts.clock.now_ms())
            mark_sent(connection, sent)
        del self.sent[: len(sent)]


class _SwallowsRefusals:
    """Counts as delivered what the disk refused."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.looks_more = inner.looks_more

    def room(self) -> int:
        return int(self._inner.room())

    def deliver(self, checked: Checked, items: Items, *, careful: bool) -> Generator[Pause, None, State]:
        try:
            state: State = yield from self._inner.deliver(checked, items, careful=careful)
        except Unavailable:
            return State.SENT
        return state


class _AcknowledgesTooMuch(HighHalf):
    def start(self) -> None:
        for station in self.half._receivers.values():
            station._deliver = _SwallowsRefusals(station._deliver)
        super().start()


class _BelievesTheDisk(ProcessDisk):
    """Takes every write for whole, and does not look at the size of a file afterwards."""

    def write(self, handle: int, data: bytes | memoryview, at: int) -> int:
        super().write(handle, data, at)
        self._claimed = len(data)
        return len(data)

    def facts_of(self, handle: int) -> FileFacts:
        facts = super().facts_of(handle)
        _, path = self._handles[handle]
        return facts._replace(size=self._claimed) if "/.tmp/" in path else facts


class _SendsOnce(LowHalf):
    """Sends nothing again."""

    def start(self) -> None:
        for station in self.half._senders.values():
            station.sender.tick = lambda: None  # type: ignore[method-assign]
        super().start()


class _HasNoBounds(LowHalf):
    """Takes more than its credits allow."""

    def start(self) -> None:
        for station in self.half._senders.values():
            station.sender.room = lambda: 16  # type: ignore[method-assign]
        super().start()


class _FindsNoCulprit(Journal):
    """Never finds out which item it is."""

    def breaks(self, leaf: bytes) -> int:
        del leaf
        return 0


class _NeverHolds(HighHalf):
    """Looks again, however often it broke."""

    def start(self) -> None:
        for station in self.half._receivers.values():
            station._intake._crashes = 1 << 30
        super().start()


def _logs_nothing_unlogged(half: type[LowHalf] | type[HighHalf]) -> type[Any]:
    """A half that does not log, at its start, what an earlier life had sent and not committed."""

    class Forgets(half):  # type: ignore[valid-type,misc]
        def start(self) -> None:
            for station in self.half._senders.values():
                station.sender.spooled.log_unlogged = lambda _names: None
            super().start()

    return Forgets


class _HastyWithMedia(ProcessDisk):
    """Does not wait for a medium: what was written onto it, and its name, may be in memory only."""

    def sync(self, handle: int) -> None:
        _, path = self._handles[handle]
        if not _on_a_medium(path):
            super().sync(handle)

    def sync_folder(self, folder: Path) -> None:
        if not _on_a_medium(str(folder)):
            super().sync_folder(folder)


def _on_a_medium(path: str) -> bool:
    return path.endswith("/mnt") or "/mnt/" in path


class _TakesMediaTwice(MediaRegister):
    """Forgets a finished import when the same filling comes again."""

    def begin_import(
        self, statement: MediumStatement, entries: Iterable[Entry], operators: tuple[str, str], *, by: str, now_ms: int
    ) -> Passage:
        known = self.passage(statement.export)
        if known is not None and known.state == DONE:
            with self._transaction():
                self._database.execute("DELETE FROM carried WHERE export = ?", (statement.export,))
                self._database.execute("DELETE FROM passages WHERE export = ?", (statement.export,))
        return super().begin_import(statement, entries, operators, by=by, now_ms=now_ms)


class _KeepsWhatIsLost(MediaRegister):
    """Does not set the files of a lost medium free."""

    def _end_exports(self, serial: str, state: str, now_ms: int) -> None:
        del serial, state, now_ms


def _asks_once(worker: Worker) -> None:
    async def resend() -> int:
        return 0

    worker.housekeeping.resend = resend  # type: ignore[method-assign]


VARIANTS: Final = (
    Variant(
        "the exchange database does not wait for the disk", Kinds(connect=_careless_about(EXCHANGE)), "power", first=2
    ),
    Variant(
        "the production database does not wait for the disk",
        Kinds(connect=_careless_about(PRODUCTION)),
        "power",
        first=1,
    ),
    Variant(
        "what was done is remembered in a second transaction", Kinds(processor=_RemembersAfterwards), "kills", first=5
    ),
    Variant("what the disk refused is acknowledged", Kinds(high=_AcknowledgesTooMuch), "disk", first=3),
    Variant("a short write is taken for a whole one", Kinds(disk=_BelievesTheDisk), "disk", first=1),
    Variant("nothing is sent again", Kinds(low=_SendsOnce), "loss", first=1),
    Variant("credits are not counted", Kinds(low=_HasNoBounds), "tight", first=2),
    Variant("timers follow the wall clock", Kinds(timers_follow_the_wall=True), "clocks", first=3),
    Variant("poison is never held", Kinds(high=_NeverHolds, journal=_FindsNoCulprit), "poison", first=2),
    Variant("a worker asks once", Kinds(worker=_asks_once), "power", first=3),
    Variant(
        "what was sent and not committed is not logged at the next start",
        Kinds(low=_logs_nothing_unlogged(LowHalf), high=_logs_nothing_unlogged(HighHalf)),
        "kills",
        first=0,
    ),
    Variant(
        "the registers of media do not wait for the disk",
        Kinds(connect=_careless_about(*REGISTERS.values())),
        "media",
        first=0,
    ),
    Variant("nobody waits until a medium is written", Kinds(disk=_HastyWithMedia), "media", first=0),
    Variant("the same filling of a medium is taken twice", Kinds(register=_TakesMediaTwice), "media", first=0),
)
