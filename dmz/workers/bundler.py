"""Requests become bundles: whatever waits, at most 256 items, 1 MiB, 2 ms; one alone when nothing else is there.

While bundles of a lane are on the road without an answer, what comes waits longer (``paced_wait_s`` for each of them),
or until the road is free, or until a bundle is full: the slower the road, the larger the bundles, and everybody's share
of it shrinks. A wait that did not grow with the road's delay would make more small bundles the later the answers came.
Units share what goes (``wire_formats.fair_queue``): one with thousands of requests waiting fills no other's bundle.
What has left waits in the order it left, in folders and lanes: so no more than a few bundles are on the road at a time
(``window``), and whatever waits waits here, where units take turns.

One file and one signature for many requests: that is the throughput of the whole road. A bundle is not durable
here: transactions lie in the exchange database and are sent again until they are answered (DESIGN invariant 4).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from dmz.workers.flights import Flights
from dmz.workers.request_store import Outgoing
from dmz.workers.tools import WorkerTools
from wire_formats.bundle import MAX_ITEMS, TARGET_BYTES, Item, SealStream, encode_bundle, new_bundle
from wire_formats.drop import DropName, count_drop, prepare_drop, write_drop
from wire_formats.errors import Kind, Unavailable
from wire_formats.fair_queue import FairQueue, cost_of
from wire_formats.request import LANES
from wire_formats.suites import SigningKey

ROOTS_KEPT = 4_096
"""Tracked bundles whose contents are remembered, to understand the ferry's progress notices."""
COUNT_EVERY_S = 0.1
RETRY_AFTER_S = 5


@dataclass(frozen=True)
class BundlerBounds:
    """Its figures.

    Attributes:
        wait_s: Longest wait for company on a free road.
        on_road: Bundles of a lane without an answer from which the road is busy.
        paced_wait_s: Longest wait for company on a busy road, for each bundle that is on it.
        window: Bundles of a lane without an answer from which nothing more leaves, full bundles neither.
        forget_s: A bundle without an answer counts for so long.
        outbox_files: Files in one lane of the outbox; beyond, the ferry is behind and users are refused.
        waiting: Requests waiting to be bundled, per lane; one unit may have as many as there are places free.
    """

    wait_s: float = 0.002
    on_road: int = 1
    paced_wait_s: float = 0.04
    window: int = 8
    forget_s: float = 1.0
    outbox_files: int = 200
    waiting: int = 8 * MAX_ITEMS


_Queued = tuple[Outgoing, "Deferred[int]"]


class _Lane:
    """One lane's queue and numbering."""

    def __init__(self, name: str, folder: Path, epoch: int, flights: Flights, most: int) -> None:
        self.name = name
        self.folder = folder
        self.stream = SealStream("inbound", name, epoch)
        self.waiting: FairQueue[_Queued] = FairQueue(most)
        self.flights = flights
        self.waiting_bytes = 0
        self.timer: IDelayedCall | None = None
        self.last_flush = float("-inf")
        self.since = 0.0
        self.files = 0
        self.counted_at = float("-inf")

    @property
    def full(self) -> bool:
        """Whether what waits fills a bundle, so that waiting for more is of no use."""
        return len(self.waiting) >= MAX_ITEMS or self.waiting_bytes >= TARGET_BYTES

    def take(self) -> list[_Queued]:
        """The next bundle's requests: at most 256, at most 1 MiB unless the first alone is larger."""
        taken: list[_Queued] = []
        size = 0
        while self.waiting and len(taken) < MAX_ITEMS:
            extra = _size(self.waiting.first()[0])
            if taken and size + extra > TARGET_BYTES:
                break
            taken.append(self.waiting.take())
            size += extra
        self.waiting_bytes -= size
        return taken


class Bundler:
    """Owns the outbox of one worker. Lives on the reactor's thread."""

    log = Logger()

    def __init__(
        self,
        *,
        name: str,
        outbox: Path,
        key: SigningKey,
        tools: WorkerTools,
        bounds: BundlerBounds = BundlerBounds(),
    ) -> None:
        """Take its collaborators.

        Args:
            name: The worker's name, in file names.
            outbox: Folder with one drop per lane; made if missing.
            key: The worker's signing key.
            tools: Clock (its first instant is the epoch), reactor, counters.
            bounds: See BundlerBounds.
        """
        self._name = name
        self._key = key
        self._clock = tools.clock
        self._time: IReactorTime = tools.reactor
        self._metrics = tools.metrics
        self._disk = tools.disk
        self._bounds = bounds
        epoch = tools.clock.now_ms()
        self._lanes = {
            lane: _Lane(
                lane, outbox / lane, epoch, Flights(most=bounds.on_road, forget_s=bounds.forget_s), bounds.waiting
            )
            for lane in LANES
        }
        self._roots: OrderedDict[bytes, tuple[bytes, ...]] = OrderedDict()
        for lane in self._lanes.values():
            prepare_drop(lane.folder, disk=self._disk)

    def check_room(self, lane_name: str, unit: bytes | None = None) -> None:
        """Refuse new work while the ferry is behind, or while its unit has its share of the queue.

        Args:
            lane_name: The lane.
            unit: For whom; None where the work was accepted before.

        Raises:
            Unavailable: BUSY or UNIT_BUSY, with a time to try again.
        """
        lane = self._lanes[lane_name]
        now = self._time.seconds()
        if now - lane.counted_at >= COUNT_EVERY_S:
            lane.files, lane.counted_at = count_drop(lane.folder, disk=self._disk), now
            self._metrics.outbox_files.labels(lane_name).set(lane.files)
        if lane.files >= self._bounds.outbox_files or len(lane.waiting) >= self._bounds.waiting:
            raise Unavailable(Kind.BUSY, "outbox full: the ferry is behind", RETRY_AFTER_S)
        if unit is not None:
            lane.waiting.check_room(unit)

    def send(self, outgoing: Outgoing) -> Deferred[int]:
        """Put a request into the next bundle; fires with the instant it was dropped.

        Raises:
            Unavailable: BUSY or UNIT_BUSY at once when there is no place; the Deferred fails when the drop cannot be
                written.
        """
        lane = self._lanes[outgoing.lane]
        lane.waiting.check_room(outgoing.unit)
        done: Deferred[int] = Deferred()
        lane.waiting.add(outgoing.unit, cost_of(_size(outgoing)), (outgoing, done))
        lane.waiting_bytes += _size(outgoing)
        if lane.timer is None:
            lane.since = self._time.seconds()
        if lane.full and not self._shut(lane):
            self._schedule(lane, 0.0)
        elif lane.timer is None:
            self._schedule(lane, self._wait_s(lane))
        return done

    def answered(self, lane_name: str, request_id: bytes) -> None:
        """Note that an answer is back; what waited for a free road goes now, and on a freer one it waits less."""
        lane = self._lanes[lane_name]
        if not lane.flights.answered(request_id) or not lane.waiting:
            return
        free = not lane.flights.busy(self._time.seconds()) or (lane.full and not self._shut(lane))
        self._schedule(lane, 0.0 if free else self._wait_s(lane))

    async def send_all(self, group: Sequence[Outgoing]) -> int:
        """Send several, all queued before the first is awaited so that they share bundles; when the last was dropped.

        Raises:
            Unavailable: at least one was not dropped.
        """
        waiting: list[Deferred[int]] = []
        refused: Unavailable | None = None
        for outgoing in group:
            try:
                waiting.append(self.send(outgoing))
            except Unavailable as error:
                refused = error
                break
        results = await DeferredList(waiting, consumeErrors=True)
        for _, value in results:
            if isinstance(value, Failure):
                value.raiseException()
        if refused is not None:
            raise refused
        return max((int(value) for _, value in results), default=self._clock.now_ms())

    def requests_of(self, root: bytes) -> tuple[bytes, ...]:
        """The transactions in a tracked bundle of this run; empty if it is not remembered."""
        return self._roots.get(root, ())

    def stop(self) -> None:
        """Send what waits, now."""
        for lane in self._lanes.values():
            if lane.timer is not None:
                lane.timer.cancel()
                lane.timer = None
            while lane.waiting:
                self._flush_one(lane)

    def _wait_s(self, lane: _Lane) -> float:
        now = self._time.seconds()
        if lane.flights.busy(now):
            return max(0.0, lane.since + self._bounds.paced_wait_s * lane.flights.count(now) - now)
        return max(0.0, lane.last_flush + self._bounds.wait_s - now)

    def _shut(self, lane: _Lane) -> bool:
        """Whether so many bundles are on the road that nothing more may leave."""
        return lane.flights.count(self._time.seconds()) >= self._bounds.window

    def _schedule(self, lane: _Lane, delay_s: float) -> None:
        """Flush after so long; 0 is the reactor's next turn, so that what arrives in this one still goes along."""
        if lane.timer is not None:
            lane.timer.cancel()
        lane.timer = self._time.callLater(delay_s, self._flush, lane)

    def _flush(self, lane: _Lane) -> None:
        lane.timer = None
        if self._shut(lane):
            self._schedule(lane, self._bounds.paced_wait_s)
            return
        self._flush_one(lane)
        lane.last_flush = lane.since = self._time.seconds()
        if lane.waiting:
            self._schedule(lane, 0.0 if lane.full else self._wait_s(lane))

    def _flush_one(self, lane: _Lane) -> None:
        """One bundle of what goes next."""
        taken = lane.take()
        try:
            now_ms = self._drop(lane, [outgoing for outgoing, _ in taken])
        except Unavailable as error:
            self.log.warn("bundle_not_dropped", lane=lane.name, count=len(taken), reason=error.private)
            for _, done in taken:
                done.errback(error)
            return
        for _, done in taken:
            done.callback(now_ms)

    def _drop(self, lane: _Lane, group: Sequence[Outgoing]) -> int:
        now_ms = self._clock.now_ms()
        tracked = tuple(one.id for one in group if one.tracked)
        bundle = new_bundle("inbound", [Item(one.header, one.content) for one in group])
        numbering = (lane.stream.sequence, lane.stream.previous)
        sealed = lane.stream.seal(bundle, self._key, now_ms=now_ms, tracked=bool(tracked))
        name = DropName(lane.stream.epoch, lane.stream.sequence, self._name)
        try:
            write_drop(lane.folder, name, encode_bundle(sealed), disk=self._disk)
        except Unavailable:
            # Nothing was published under this number; the next bundle takes it, so that there is no gap.
            lane.stream.sequence, lane.stream.previous = numbering
            raise
        lane.files += 1
        lane.flights.left((one.id for one in group), self._time.seconds())
        self._metrics.bundle_items.labels(lane.name).observe(len(group))
        if tracked:
            self._remember(bundle.root(), tracked)
        return now_ms

    def _remember(self, root: bytes, ids: tuple[bytes, ...]) -> None:
        self._roots[root] = ids
        while len(self._roots) > ROOTS_KEPT:
            self._roots.popitem(last=False)


def _size(outgoing: Outgoing) -> int:
    return len(outgoing.header) + len(outgoing.content)
