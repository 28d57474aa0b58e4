"""The sending end of a diode link: files in, datagrams out at a steady rate.

It learns nothing of the receiver: its socket is not connected and never read.  What holds it back is its own rate and
its own queue, which refuses files when it is full.
"""

from __future__ import annotations

from collections.abc import Container
from pathlib import Path
from typing import Any, Final

from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from ferry.transports.diode.batches import BATCH, Sending
from ferry.transports.diode.coding import raptorq_found
from ferry.transports.diode.datagram import IP_UDP_BYTES, KEY_BYTES, LANE_CODES, LANE_NAMES, Sealer
from ferry.transports.diode.framing import COPIED_FRAGMENTS, ObjectFraming, pack_object
from ferry.transports.diode.metrics import DiodeMetrics
from ferry.transports.diode.pacing import TokenBucket
from ferry.transports.diode.redundancy import OBJECT_FAILURE, copies_failure, copies_needed
from ferry.transports.diode.schedule import Schedule
from ferry.transports.diode.settings import DiodeSettings
from ferry.transports.diode.sockets import open_sender, sending
from ferry.transports.port import LinkReport
from wire_formats.collaborators import Randomness
from wire_formats.drop import DropName
from wire_formats.settings_reader import SettingsError

#: Every second a filler tells how much was sent, so that the receiver knows what it lost.
METER_S: Final = 1.0
#: While the socket takes nothing, it is tried again after this.
_RETRY_S: Final = 0.05
#: Longest work of one turn; what is left of the grant is for the next.
_LONGEST_TURN_S: Final = 0.005
#: Shortest wait between two turns: what the bucket grants meanwhile leaves in one batch.
_TURN_S: Final = 0.001


class DiodeOutlet:
    """Sends files into a diode (implements ``port.Outlet``).

    Args:
        settings: of this half's links.
        direction: inbound or outbound.
        reactor: time.
        randomness: draws the run.
        metrics: of this half's links.
    """

    log = Logger()

    def __init__(
        self, settings: DiodeSettings, direction: str, *, reactor: Any, randomness: Randomness, metrics: DiodeMetrics
    ) -> None:  # fmt: skip
        self._settings = settings
        self._direction = direction
        self._reactor = reactor
        run = int.from_bytes(randomness.bytes(8), "big")
        self._sealer = Sealer(read_key(settings.key), direction, run, size=settings.datagram_bytes)
        framing = ObjectFraming(
            self._sealer, loss=settings.loss, gap_s=settings.copy_gap_ms / 1000, coded=raptorq_found()
        )
        self._schedule = Schedule(framing, settings.queue_bytes)
        self._wire_bytes = settings.datagram_bytes + IP_UDP_BYTES
        self._bucket = TokenBucket(settings.bytes_per_s, least=2 * self._wire_bytes)
        self._lanes = [metrics.lane(code, direction) for code in range(len(LANE_NAMES))]
        self._failures = metrics.unsent.labels(direction)
        copies = copies_needed(COPIED_FRAGMENTS, settings.loss)
        self._small_failure = copies_failure(COPIED_FRAGMENTS, copies, settings.loss)
        self._unsent: list[bytes] = []
        self._sent = 0
        self._idle = True
        self._failing = ""
        self._buffer_trouble = ""
        self._socket: Any = None
        self._out: Sending | None = None
        self._call: Any = None
        self._meter = LoopingCall(self._tell)
        self._meter.clock = reactor

    def prepare(self) -> None:
        """Open the socket.

        Raises:
            SettingsError: the address cannot be used.
        """
        settings = self._settings
        at, target = settings.address("send_from"), settings.address("send_to")
        try:
            self._socket, self._buffer_trouble = open_sender(at, buffer_bytes=settings.socket_bytes)
        except OSError as error:
            raise SettingsError(f"send_from: {settings.send_from} cannot be used: {error.strerror}") from None
        self._out = sending(self._socket, target, size=settings.datagram_bytes)
        if self._buffer_trouble:
            self.log.warn("diode_buffer_small", way=self._direction, reason=self._buffer_trouble)
        self._meter.start(METER_S, now=True)

    def put(self, lane: str, name: DropName, data: bytes) -> None:
        """Let a file wait for its turn.

        Raises:
            Unavailable: STORAGE_FULL: the lane's queue is full.
        """
        code = LANE_CODES[lane]
        self._schedule.require(code, str(name), len(data))  # before anything is copied
        self._schedule.put(code, str(name), pack_object(name, data))
        self._lanes[code].add("files")
        self._wake(0.0)

    def carrying(self, lane: str) -> Container[DropName]:
        """What waits in the queue: put again, it would only take a second place's bytes."""
        return _Waiting(self._schedule, LANE_CODES[lane])

    def report(self) -> LinkReport:
        """Tell rate, loss, queues and what is wrong."""
        settings, troubles = self._settings, []
        if self._failing:
            troubles.append(f"datagrams cannot be sent: {self._failing}")
        if self._buffer_trouble:
            troubles.append(self._buffer_trouble)
        if not raptorq_found():
            troubles.append("package raptorq is missing: large files go in copies; `make run` installs it")
        lanes = {}
        for code, name in enumerate(LANE_NAMES):
            waiting, size = self._schedule.queued(code)
            self._lanes[code].queue.set(size)
            counts = self._lanes[code].counts
            lanes[name] = {"packets": counts["packets"], "files": counts["files"], "queued": waiting, "bytes": size}
        return LinkReport(
            "diode",
            {
                "rate_mbit": settings.rate_mbit,
                "loss_planned": settings.loss,
                "failure": OBJECT_FAILURE if settings.loss else 0.0,
                "failure_small": self._small_failure,
                "sent": self._sent,
            },
            lanes,
            tuple(troubles),
        )

    @property
    def empty(self) -> bool:
        """Whether everything has left."""
        return self._schedule.empty and not self._unsent

    def close(self) -> None:
        """Close the socket; what still waits is lost, and sent again by the ferry."""
        if self._meter.running:
            self._meter.stop()
        if self._call is not None:
            self._call.cancel()
            self._call = None
        if self._socket is not None:
            self._socket.close()
            self._socket = self._out = None

    def _tell(self) -> None:
        if len(self._unsent) < BATCH:
            self._unsent.append(self._sealer.filler(self._sent))
            self._wake(0.0)

    def _wake(self, wait_s: float) -> None:
        if self._out is None:
            return
        if self._call is None:
            self._call = self._reactor.callLater(wait_s, self._turn)
        elif self._call.getTime() > self._reactor.seconds() + wait_s:
            self._call.reset(wait_s)

    def _turn(self) -> None:
        self._call = None
        now = self._reactor.seconds()
        left = int(self._bucket.granted(now) // self._wire_bytes)
        while left > 0:
            batch = self._batch(now, min(left, BATCH))
            if batch and not self._leave(batch):
                self._wake(_RETRY_S)
                return
            left -= len(batch)
            if not batch or self._reactor.seconds() - now >= _LONGEST_TURN_S:
                break
        if self._unsent or self._schedule.wants(now):
            self._wake(max(_TURN_S, self._bucket.wait_s(self._wire_bytes)))
        elif (due := self._schedule.next_due()) is not None:
            self._wake(max(_TURN_S, due - now))

    def _batch(self, now: float, most: int) -> list[bytes]:
        """Give what leaves now: what did not leave before, warm-up, datagrams, and fillers at the end."""
        if self._idle and self._schedule.wants(now):
            self._idle = False
            self._unsent += [self._sealer.filler(self._sent) for _ in range(self._settings.filler)]
        batch, self._unsent = self._unsent[:most], self._unsent[most:]
        batch += self._schedule.take(now, most - len(batch))
        if not self._idle and self._schedule.empty:
            self._idle = True
            sent = self._sent + len(batch)
            batch += [self._sealer.filler(sent) for _ in range(self._settings.filler)]
            batch, self._unsent = batch[:most], batch[most:] + self._unsent
        return batch

    def _leave(self, batch: list[bytes]) -> bool:
        """Send a batch; gives False when some of it has to wait."""
        assert self._out is not None
        try:
            count = self._out.send(batch)
        except OSError as error:
            self._failures.inc()
            if not self._failing:
                self.log.warn("diode_cannot_send", way=self._direction, reason=error.strerror or "")
            self._failing = error.strerror or "unknown"
            count = 0
        else:
            if self._failing and count:
                self.log.info("diode_sends_again", way=self._direction)
                self._failing = ""
        self._count(batch[:count])
        self._unsent = batch[count:] + self._unsent
        return count == len(batch)

    def _count(self, gone: list[bytes]) -> None:
        self._sent += len(gone)
        self._bucket.spend(len(gone) * self._wire_bytes)
        lanes = [datagram[_LANE_AT] for datagram in gone]
        for code, lane in enumerate(self._lanes):
            if count := lanes.count(code):
                lane.add("packets", count)


class _Waiting:
    """The names that wait on one lane (a ``Container``)."""

    def __init__(self, schedule: Schedule, lane: int) -> None:
        self._schedule = schedule
        self._lane = lane

    def __contains__(self, name: object) -> bool:
        return self._schedule.waits(self._lane, str(name))


#: Where a datagram has its lane.
_LANE_AT: Final = 4


def read_key(path: Path) -> bytes:
    """Read the link's key.

    Raises:
        SettingsError: not a file of 32 bytes.
    """
    try:
        key = path.read_bytes()
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}; both halves need the same 32 random bytes") from None
    if len(key) != KEY_BYTES:
        raise SettingsError(f"{path}: {len(key)} bytes instead of {KEY_BYTES}; both halves need the same file")
    return key
