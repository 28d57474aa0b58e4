"""The log's place among a half's stations: leaves moved between other work, a checkpoint each second, answers.

    every crossing ──▶ queue                      with the crossing's own commit
    each second, when something crossed: move ──▶ sign ──▶ control lane
    control lane ──▶ checkpoint of the other half ──▶ cosignature or refusal on the opposite control lane
    control lane ──▶ cosignature of our own ──▶ kept

A log that cannot be written blocks nothing until its queue is full; then the lanes wait with a clear reason.

Source: DESIGN invariants 4 and 10.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from ferry.journal import Journal
from ferry.lane.crossing import Author
from ferry.metrics import FerryMetrics
from ferry.witness.material import headers_of, material_of
from ferry.witness.own_log import OwnLog
from ferry.witness.peer import PeerLog
from ferry.witness.queue import Leaf, LeafQueue
from wire_formats.bundle import CLOCK_SLACK_MS, Bundle, SealStatement
from wire_formats.collaborators import Clock, Pool
from wire_formats.errors import Unavailable
from wire_formats.lane_control import Cosignature, LogControl, TreeHead
from wire_formats.tlog.crossing import AuthorNumber, crossing_entry, encode_entry, entry_leaf

#: The other half shows its log each second; one that shows it much oftener would have us sign and keep without end.
HEARD_EVERY_S: Final = 0.5
#: Sends a control message to the other half.
Send = Callable[[LogControl], None]


@dataclass(frozen=True, slots=True)
class LogStatus:
    """The log as one half sees it.

    Attributes:
        number: of the log that is written.
        leaves: in its files.
        waiting: crossings not in its files yet.
        uncosigned: leaves the other half has not cosigned.
        state: "cosigned", "waiting", or why the other half refuses.
        peer_number: of the other half's log.
        peer_leaves: as far as this half has cosigned it.
        peer_state: "unknown", "consistent", "split_view" or "other_log".
    """

    number: int
    leaves: int
    waiting: int
    uncosigned: int
    state: str
    peer_number: int
    peer_leaves: int
    peer_state: str

    @property
    def troubles(self) -> Sequence[str]:
        """What an operator must look at."""
        found = []
        if self.state not in ("cosigned", "waiting"):
            found.append(f"log {self.state}")
        if self.peer_state not in ("unknown", "consistent"):
            found.append(f"log of the other half {self.peer_state}")
        return found


class CrossingLog:
    """Writes every crossing into the journal's open group.

    Args:
        journal: the half's journal.
        folder: where the log's files lie.
        headers: whether headers are kept; on the high half only.
    """

    def __init__(self, journal: Journal, folder: Path, *, headers: bool) -> None:
        self.queue = LeafQueue(journal)
        self.folder = folder
        self._headers = headers

    def crossed(
        self, statement: SealStatement, sealer: bytes, author: Author, bundle: Bundle, *, items_hold: bool = True
    ) -> bytes:
        """Log a crossing whose seals were checked; gives its leaf hash.

        Args:
            statement: of the crossing's seal.
            sealer: key id of the half that sent it over the gap.
            author: who made the bundle.
            bundle: with both seals.
            items_hold: whether the headers were checked; nothing is kept of headers that were refused.

        Raises:
            Unavailable: STORAGE_FULL; it is not logged, so it may not cross.
        """
        seals = bundle.seals[:2]
        entry = encode_entry(crossing_entry(statement, sealer, AuthorNumber(*author), seals=seals))
        headers = headers_of(bundle.items) if self._headers and items_hold else b""
        self.queue.add(Leaf(entry, material_of(seals, bundle.items, items_hold=items_hold), headers))
        return entry_leaf(entry)


@dataclass(frozen=True, slots=True)
class Around:
    """What a station is surrounded by.

    Attributes:
        clock: stamps messages.
        seconds: the reactor's seconds.
        metrics: tell how far the log is.
        aside: runs what waits for the disk.
    """

    clock: Clock
    seconds: Callable[[], float]
    metrics: FerryMetrics
    aside: Pool


class WitnessStation:
    """Moves, signs, sends, answers (implements ``pump.Station``).

    Whatever waits for the disk waits on another thread: the road does not.

    Args:
        own: the log of this half.
        peer: what is known of the other half's.
        around: clock, measurements, the thread that waits.
        send: sends a control message.
    """

    log = Logger()

    def __init__(self, own: OwnLog, peer: PeerLog, around: Around, send: Send) -> None:
        self._own = own
        self._peer = peer
        self._around = around
        self._send = send
        self._due = False
        self._sealing: Deferred[None] | None = None
        self._keeping: Deferred[None] | None = None
        self._newest: dict[type[LogControl], int] = {}
        self._heard_s = -HEARD_EVERY_S
        self.blocked = ""

    def start(self) -> None:
        """Take up both logs.

        Raises:
            Unavailable: the log is damaged, or the disk refuses.
        """
        self._own.start()
        self._peer.start()
        self._due = True

    async def stop(self) -> None:
        """Write and sign what waits, and close the files."""
        for waiting in (self._sealing, self._keeping):
            if waiting is not None:
                await waiting
        self._own.close()
        self._peer.close()

    def second(self) -> None:
        """A second has passed: a checkpoint is due if there is something new."""
        self._due = True

    def step(self, over: Callable[[], bool]) -> bool:
        """Do a little work; gives whether there was any."""
        if not self._due or self._sealing is not None:
            return False
        try:
            if self._own.move():
                return True
            self._due = False
            if self._own.unsealed:
                self._sealing = self._wait(self._own.barrier(), self._seal)
                self._sealing.addBoth(self._sealed)
            else:
                self._show()
        except Unavailable as error:
            self._due = False
            self._block(error.private)
        return False

    def _seal(self) -> None:
        self._own.seal()
        self._show()

    def _sealed(self, _nothing: object) -> None:
        self._sealing = None

    def _show(self) -> None:
        head = self._own.head_to_send(self._around.seconds(), self._around.clock.now_ms())
        self._block("")
        if head is not None:
            self._send(head)
        self._measure()

    def _wait(self, barrier: Callable[[], None], then: Callable[[], None]) -> Deferred[None]:
        """Wait on another thread; what comes then is done here, unless the disk refused."""

        async def wait() -> None:
            try:
                await self._around.aside.run(barrier)
                then()
            except Unavailable as error:
                self._block(error.private)

        return Deferred.fromCoroutine(wait())

    def abandon(self) -> None:
        """Begin again at the next second."""
        self._due = False

    def take(self, message: LogControl) -> None:
        """Take in a message of the other half whose signature held; an older one than the last of its kind is not.

        Raises:
            PeerError: it cannot be believed.
            Unavailable: it cannot be taken in now.
        """
        kind = type(message)
        newest = self._newest.get(kind, 0)
        # Beyond what a clock may differ the newest one was made while a clock was ahead: it silences nobody.
        if message.made_ms < newest <= self._around.clock.now_ms() + CLOCK_SLACK_MS:
            return
        if isinstance(message, TreeHead):
            now = self._around.seconds()
            if 0 <= now - self._heard_s < HEARD_EVERY_S:
                return
            self._heard_s = now
            self._answer(message)
        elif isinstance(message, Cosignature):
            self._own.cosigned(message)
        else:
            self._own.told(message)
        self._newest[kind] = message.made_ms
        self._measure()

    def _answer(self, message: TreeHead) -> None:
        reply = self._peer.offered(message, now_ms=self._around.clock.now_ms())
        barrier, known = self._peer.barrier(), self._peer.known
        if barrier is None or not isinstance(reply, Cosignature):
            self._send(reply)
            return

        def kept() -> None:
            self._peer.synced(known)
            self._send(reply)

        self._keeping = self._wait(barrier, kept)

    def status(self) -> LogStatus:
        """Give the present status of both logs."""
        own, known, alarm = self._own, self._peer.known, self._peer.alarm
        waits = own.waiting or own.uncosigned or own.shows_older
        state = self.blocked or own.refused or ("waiting" if waits else "cosigned")
        peer_state = alarm or ("consistent" if known is not None else "unknown")
        number, size = (known.origin.number, known.size) if known is not None else (0, 0)
        return LogStatus(own.number, own.size, own.waiting, own.uncosigned, state, number, size, peer_state)

    def _block(self, reason: str) -> None:
        if reason == self.blocked:
            return
        if reason:
            self.log.error("log_blocked", reason=reason)
        else:
            self.log.info("log_goes_on")
        self.blocked = reason

    def _measure(self) -> None:
        status = self.status()
        metrics = self._around.metrics
        metrics.log_leaves.set(status.leaves)
        metrics.log_uncosigned.set(status.uncosigned + status.waiting)
        metrics.log_alarm.set(len(status.troubles))
