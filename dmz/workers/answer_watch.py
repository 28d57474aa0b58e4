"""Answers and notices from the ferry: verified, handed to the page that waits, or stored sealed.

    inbox/<worker>/<epoch>-<sequence>-<sender>.bundle   answers, sealed by their author and by the low half
    inbox/<worker>/<epoch>-<sequence>-<sender>.notice   where a tracked bundle is (taken, crossed)

A file leaves the inbox after what it says has been stored or handed over, never before; so a crash or a full
disk costs a second reading, not an answer. What fails a check is moved aside and logged.

While a worker is replaced two processes of its name read the same inbox. Each takes what it waits for; a file in which
anything is left that this process knows nothing of stays until the other has ended.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from dmz.workers import request_store
from dmz.workers.companions import Presence
from dmz.workers.exchange_db import ExchangeStore
from dmz.workers.tools import WorkerTools
from wire_formats.answer import Answer, AnswerStatus, check_answer_content, parse_answer_header
from wire_formats.bundle import MAX_BUNDLE_BYTES, Bundle, parse_bundle, verify_seal
from wire_formats.collaborators import DirectoryWatch
from wire_formats.drop import DropName, list_drop, prepare_drop, read_drop, remove_drop
from wire_formats.errors import Kind, PeerError, Unavailable
from wire_formats.lane_control import MAX_CONTROL_BYTES, Progress, verify_control
from wire_formats.trust import TrustStore

FILES_PER_TURN = 256
QUARANTINE_FILES = 1_000
AUTHORS = ("core", "ferry_high")


class NotRead(Unavailable):
    """A file of the inbox that cannot be read now."""


@dataclass(frozen=True)
class WatchPlaces:
    """Where a watch reads, and how long what it stores is kept.

    Attributes:
        worker: This worker's name.
        inbox: Its own folder, made if missing.
        quarantine: Where hostile files go.
        keep_ms: How long stored answers are kept.
        companions: The other processes of this name.
    """

    worker: str
    inbox: Path
    quarantine: Path
    keep_ms: int
    companions: Presence


def read_answers(bundle: Bundle, trust: TrustStore, *, worker: str, now_ms: int) -> list[Answer]:
    """Verify a bundle of answers and give them. Pure.

    The author (core, or the high half for what it rejected) and the low half must have sealed it.

    Raises:
        PeerError: any seal, header or content that is not right, or an answer for another worker.
    """
    if bundle.direction != "outbound":
        raise PeerError(Kind.WRONG_LANE, "not a bundle of answers")
    author = verify_seal(bundle, 0, trust, role=AUTHORS, now_ms=now_ms)
    carrier = verify_seal(bundle, -1, trust, role="ferry_low", now_ms=now_ms)
    if carrier.statement.lane != author.statement.lane:
        raise PeerError(Kind.WRONG_LANE, "sealed for two lanes")
    answers = []
    for item in bundle.items:
        header = parse_answer_header(item.header)
        check_answer_content(header, item.content)
        if header.reply_to != worker or header.lane != author.statement.lane:
            raise PeerError(Kind.WRONG_LANE, "answer for another worker or lane")
        if (header.status is AnswerStatus.REJECTED) != (author.signer.role == "ferry_high"):
            raise PeerError(Kind.WRONG_ROLE, "answer by the wrong author")
        answers.append(Answer(header, item.header, item.content))
    return answers


class AnswerWatch:
    """Owns the inbox of one worker."""

    log = Logger()

    def __init__(
        self,
        *,
        places: WatchPlaces,
        trust: TrustStore,
        store: ExchangeStore,
        tools: WorkerTools,
        requests_of: Callable[[bytes], tuple[bytes, ...]],
        answered: Callable[[str, bytes], None],
    ) -> None:
        """Take its collaborators.

        Args:
            places: Folders and name.
            trust: Certificates of core and ferry halves.
            store: The exchange store.
            tools: Clock, background work, counters.
            requests_of: Which transactions a tracked bundle's root stands for (``Bundler.requests_of``).
            answered: Told of every answer, with lane and request (``Bundler.answered``).
        """
        self._places = places
        self._trust = trust
        self._store = store
        self._clock = tools.clock
        self._background = tools.background
        self._metrics = tools.metrics
        self._requests_of = requests_of
        self._answered = answered
        self._waiting: dict[bytes, Deferred[Answer]] = {}
        self._reading = False
        self._again = False
        #: Files read here that the other process may need; bounded by what the ferry lets lie in an inbox.
        self._left: set[DropName] = set()
        self._companions = places.companions
        self._disk = tools.disk
        prepare_drop(places.inbox, disk=self._disk)
        self._disk.make_folder(places.quarantine)

    def start(self, watch: DirectoryWatch) -> Callable[[], None]:
        """Begin; reads what is there already. Returns what stops the watch."""
        stop = watch.watch(self._places.inbox, self.look)
        self.look()
        return stop

    def expect(self, request_id: bytes) -> Deferred[Answer]:
        """Wait for the answer to a request that is not stored; the caller bounds how many and how long."""
        waiter: Deferred[Answer] = Deferred()
        self._waiting[request_id] = waiter
        return waiter

    def forget(self, request_id: bytes) -> None:
        """No longer wait."""
        self._waiting.pop(request_id, None)

    def look(self) -> None:
        """The inbox may hold something new. Calls during a reading lead to one more reading."""
        if self._reading:
            self._again = True
            return
        self._reading = True
        try:
            self._background.start("answer_watch", self._read_all())
        except Unavailable as error:
            # The next rescan looks again.
            self._reading = False
            self.log.warn("answer_watch_postponed", reason=error.private)

    async def _read_all(self) -> None:
        try:
            more = True
            while more:
                self._again = False
                more = await self._read_some() or self._again
        except Unavailable as error:
            self.log.warn("answers_not_read", reason=error.private)  # the next rescan looks again
        finally:
            self._reading = False

    async def _read_some(self) -> bool:
        """One pass; True when another is worth while at once."""
        if self._left and self._companions.alone():
            for name in self._left:
                remove_drop(self._places.inbox, name, disk=self._disk)
            self._left.clear()
        most = FILES_PER_TURN + len(self._left)
        listed, strange = list_drop(self._places.inbox, most=most, disk=self._disk)
        names = [name for name in listed if name not in self._left]
        for text in strange:
            self._quarantine(text, "name outside the grammar")
        for name in names:
            try:
                await self._read_file(name)
            except PeerError as error:
                self._quarantine(str(name), error.private)
            except FileNotFoundError:
                continue
            except NotRead as error:
                # It stays and is tried again; one file that cannot be read does not stop the others.
                self.log.warn("answers_not_read", reason=error.private)
            except Unavailable as error:
                self.log.warn("answers_not_stored", reason=error.private)
                return False
        return len(names) >= FILES_PER_TURN

    async def _read_file(self, name: DropName) -> None:
        limit, take = MAX_BUNDLE_BYTES, self._read_bundle
        if name.kind == "notice":
            limit, take = MAX_CONTROL_BYTES, self._read_notice
        try:
            data = read_drop(self._places.inbox, name, limit=limit, disk=self._disk)
        except Unavailable as error:
            raise NotRead(error.kind, error.private) from None
        finished = await take(data)
        if finished or self._companions.alone():
            remove_drop(self._places.inbox, name, disk=self._disk)
        else:
            self._left.add(name)

    async def _read_notice(self, data: bytes) -> bool:
        """Take a notice; False if it is about nothing that this process knows."""
        control = verify_control(data, self._trust, role="ferry_low", now_ms=self._clock.now_ms())
        if not isinstance(control, Progress):
            raise PeerError(Kind.MALFORMED, "a worker is told of progress only")
        ids = self._requests_of(control.root)
        if ids:
            await self._store.write(lambda db: request_store.mark_hop(db, ids, control.state, control.made_ms))
        return bool(ids)

    async def _read_bundle(self, data: bytes) -> bool:
        """Take answers; False if one of them is for nothing that this process knows."""
        now_ms = self._clock.now_ms()
        answers = read_answers(parse_bundle(data), self._trust, worker=self._places.worker, now_ms=now_ms)
        for answer in answers:
            self._answered(answer.header.lane, answer.header.request_id)
        to_store = [answer for answer in answers if not self._hand_over(answer)]
        if not to_store:
            return True
        keep_ms = self._places.keep_ms
        new = await self._store.write(lambda db: request_store.store_answers(db, to_store, now_ms, keep_ms))
        self._metrics.answers.labels("stored").inc(new)
        self._metrics.answers.labels("unknown_or_double").inc(len(to_store) - new)
        return new == len(to_store)

    def _hand_over(self, answer: Answer) -> bool:
        """Wake the page that waits for this answer, if there is one."""
        waiter = self._waiting.pop(answer.header.request_id, None)
        if waiter is None:
            return False
        self._metrics.answers.labels("handed_over").inc()
        waiter.callback(answer)
        return True

    def _quarantine(self, name: str, reason: str) -> None:
        """Move a hostile file aside; when the place is full, only the log remembers it."""
        self._metrics.quarantined.inc()
        self.log.error("inbox_file_quarantined", holder=self._places.worker, reason=reason)
        source = self._places.inbox / name
        try:
            if sum(1 for _ in self._disk.names(self._places.quarantine)) >= QUARANTINE_FILES:
                self._disk.unlink(source)
                return
            number = self._clock.now_ms()
            aside = self._places.quarantine / f"{number:016x}-{self._places.worker}-{_plain(name)}"
            self._disk.rename(source, aside)
        except OSError as error:
            self.log.warn("inbox_file_not_moved", reason=error.strerror or "unknown")


def _plain(name: str) -> str:
    """A foreign file name as one of ours: letters, digits, dot and hyphen, at most 64."""
    return "".join(c if c.isascii() and (c.isalnum() or c in ".-") else "_" for c in name)[:64]
