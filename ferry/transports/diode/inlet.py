"""The receiving end of a diode link: datagrams in, whole files out.

Everything it holds is bounded: what is incomplete (``reassembly``), what is whole and waits (``ready``), the runs it
has keys for.  One turn of the reactor takes a few batches, so that the half's own work goes on under a flood.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final

from twisted.internet.interfaces import IReadDescriptor
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from zope.interface import implementer

from ferry.transports.diode import datagram as wire
from ferry.transports.diode.batches import BATCH, Receiving
from ferry.transports.diode.coding import raptorq_found
from ferry.transports.diode.datagram import FILLER, LANE_CODES, LANE_NAMES, OVERHEAD_BYTES, RAPTORQ, Header, Opener
from ferry.transports.diode.framing import unpack_object
from ferry.transports.diode.metrics import DiodeMetrics
from ferry.transports.diode.outlet import read_key
from ferry.transports.diode.ready import LossMeter, ReadyFiles
from ferry.transports.diode.reassembly import MOST_RUNS, Reassembly, Whole
from ferry.transports.diode.settings import DiodeSettings
from ferry.transports.diode.sockets import kernel_drops, open_receiver, receiving
from ferry.transports.port import LinkReport, Waiting
from wire_formats.drop import DropName
from wire_formats.errors import Kind, PeerError
from wire_formats.settings_reader import SettingsError

#: Longest work in one turn of the reactor, in seconds and in batches.
TURN_S: Final = 0.005
TURN_BATCHES: Final = 8
#: Readers are woken at least this often.
TICK_S: Final = 0.5
#: A link that was silent this long is in trouble: its sender speaks every second.
SILENT_S: Final = 5.0


@implementer(IReadDescriptor)
class DiodeInlet:
    """Receives files from a diode (implements ``port.Inlet``).

    Args:
        settings: of this half's links.
        direction: inbound or outbound.
        reactor: time and descriptors.
        metrics: of this half's links.
    """

    log = Logger()

    def __init__(self, settings: DiodeSettings, direction: str, *, reactor: Any, metrics: DiodeMetrics) -> None:
        self._settings = settings
        self._direction = direction
        self._reactor = reactor
        self._key = read_key(settings.key)
        self._size = settings.datagram_bytes
        lanes = range(len(LANE_NAMES))
        self._lanes = [metrics.lane(code, direction) for code in lanes]
        self._passed_over = {
            reason: metrics.passed_over.labels(reason, direction) for reason in ("malformed", "bad_tag", "surplus")
        }
        self._kernel_dropped = metrics.kernel_dropped.labels(direction)
        self._loss = metrics.loss.labels(direction)
        self._reassembly = Reassembly(self._size - OVERHEAD_BYTES, settings.reassembly_bytes, self._lost)
        self._ready = [ReadyFiles(settings.ready_bytes) for _ in lanes]
        self._listeners: list[list[Callable[[], None]]] = [[] for _ in lanes]
        self._meter = LossMeter()
        self._openers: OrderedDict[int, Opener] = OrderedDict()
        self._coded = raptorq_found()
        self._heard_s = 0.0
        self._buffer_trouble = ""
        self._socket: Any = None
        self._in: Receiving | None = None
        self._ticker = LoopingCall(self._tick)
        self._ticker.clock = reactor

    def prepare(self) -> None:
        """Open the socket and begin to receive.

        Raises:
            SettingsError: the address cannot be used.
        """
        settings = self._settings
        at, source = settings.address("receive_at"), settings.address("receive_from")
        try:
            self._socket, self._buffer_trouble = open_receiver(at, source, buffer_bytes=settings.socket_bytes)
        except OSError as error:
            raise SettingsError(f"receive_at: {settings.receive_at} cannot be used: {error.strerror}") from None
        if self._buffer_trouble:
            self.log.warn("diode_buffer_small", way=self._direction, reason=self._buffer_trouble)
        self._in = receiving(self._socket, size=self._size)
        self._heard_s = self._reactor.seconds()
        self._reactor.addReader(self)
        self._ticker.start(TICK_S, now=False)

    def waiting(self, lane: str, *, most: int) -> Waiting:
        """List the next files of a round."""
        return self._ready[LANE_CODES[lane]].waiting(most=most)

    def read(self, lane: str, name: DropName | str, *, limit: int) -> bytes:
        """Give a file.

        Raises:
            PeerError: TOO_LARGE.
            FileNotFoundError: it is gone.
        """
        return self._ready[LANE_CODES[lane]].read(name, limit=limit)

    def remove(self, lane: str, name: DropName | str) -> bool:
        """Drop a file; it may be gone already."""
        self._ready[LANE_CODES[lane]].remove(name)
        return True

    def depth(self, lane: str) -> int:
        """Count the waiting files."""
        return len(self._ready[LANE_CODES[lane]])

    def watch(self, lane: str, on_arrival: Callable[[], None]) -> Callable[[], None]:
        """Call ``on_arrival`` when files have become whole, and every 500 ms."""
        listeners = self._listeners[LANE_CODES[lane]]
        listeners.append(on_arrival)

        def stop() -> None:
            if on_arrival in listeners:
                listeners.remove(on_arrival)

        return stop

    def report(self) -> LinkReport:
        """Tell loss, what is incomplete, and what is wrong."""
        troubles = [self._buffer_trouble] if self._buffer_trouble else []
        silent = self._reactor.seconds() - self._heard_s
        if silent > SILENT_S:
            troubles.append(f"nothing came for {silent:.0f} s: look at cable, addresses, key and the sender")
        if self._meter.loss > self._settings.loss:
            troubles.append(f"{self._meter.loss:.2%} lost, {self._settings.loss:.2%} planned: raise loss_per_10000")
        if not self._coded:
            troubles.append("package raptorq is missing: large files are dropped; `make run` installs it")
        lanes = {}
        for code, name in enumerate(LANE_NAMES):
            held, size = self._reassembly.held(code)
            lanes[name] = {**self._lanes[code].counts, "open": held, "open_bytes": size}
        figures: dict[str, int | float | str] = {"loss": round(self._meter.loss, 5), "heard_s": round(silent, 1)}
        if self._socket is not None:
            figures["kernel_dropped"] = kernel_drops(self._socket)
        return LinkReport("diode", figures, lanes, tuple(troubles))

    def close(self) -> None:
        """Close the socket; what is incomplete or waits is lost, and sent again by the other half."""
        if self._ticker.running:
            self._ticker.stop()
        if self._socket is not None:
            self._reactor.removeReader(self)
            self._socket.close()
            self._socket = self._in = None

    # What the reactor asks

    def fileno(self) -> int:
        """Give the socket's descriptor."""
        return self._socket.fileno() if self._socket is not None else -1

    def logPrefix(self) -> str:
        """Name this reader."""
        return "diode"

    def connectionLost(self, reason: Any) -> None:
        """A broken socket is opened again by a new process."""

    def doRead(self) -> None:
        """Take what has come, for a bounded time."""
        if self._in is None:
            return
        now = self._reactor.seconds()
        woken: set[int] = set()
        for _ in range(TURN_BATCHES):
            try:
                batch = self._in.receive()
            except OSError as error:
                self.log.warn("diode_cannot_receive", way=self._direction, reason=error.strerror or "")
                break
            self._take(batch, now, woken)
            if len(batch) < BATCH or not 0 <= self._reactor.seconds() - now < TURN_S:
                break
        for lane in woken:
            self._wake(lane)

    def _take(self, batch: list[memoryview], now: float, woken: set[int]) -> None:
        taken = [0] * len(LANE_NAMES)
        passed = {"malformed": 0, "bad_tag": 0, "surplus": 0}
        finished = self._reassembly.finished
        for came in batch:
            try:
                header = wire.parse(came, size=self._size)
                if (header.run, header.object) in finished:
                    passed["surplus"] += 1
                    continue
                payload = self._opened(header, came)
            except PeerError as error:
                passed["bad_tag" if error.kind is Kind.BAD_SIGNATURE else "malformed"] += 1
                continue
            taken[header.lane] += 1
            if header.scheme == FILLER:
                self._meter.told(header.run, wire.meter(payload))
            elif header.scheme != RAPTORQ or self._coded:
                whole = self._reassembly.add(header, payload, now)
                if whole is not None and self._keep(whole):
                    woken.add(header.lane)
        total = sum(taken)
        self._meter.came(total + passed["surplus"])
        if total:
            self._heard_s = now
        self._count(taken, passed)

    def _opened(self, header: Header, datagram: memoryview) -> memoryview:
        opener = self._openers.get(header.run)
        if opener is not None:
            return opener.payload(header, datagram)
        opener = Opener(self._key, self._direction, header.run)
        payload = opener.payload(header, datagram)
        # Only a run whose tag held gets a place.
        self._openers[header.run] = opener
        if len(self._openers) > MOST_RUNS:
            self._openers.popitem(last=False)
        self.log.info("diode_run_begins", way=self._direction)
        return payload

    def _keep(self, whole: Whole) -> bool:
        lane = self._lanes[whole.lane]
        try:
            name, data = unpack_object(whole.data)
        except PeerError:
            lane.add("dropped")
            return False
        if not self._ready[whole.lane].add(name, data):
            lane.add("dropped")
            return False
        lane.add("files")
        if whole.repaired:
            lane.add("repaired")
        return True

    def _count(self, taken: list[int], passed: dict[str, int]) -> None:
        for code, count in enumerate(taken):
            if count:
                self._lanes[code].add("packets", count)
        for reason, count in passed.items():
            if count:
                self._passed_over[reason].inc(count)

    def _lost(self, lane: int) -> None:
        self._lanes[lane].add("incomplete")

    def _tick(self) -> None:
        self._reassembly.expire(self._reactor.seconds())
        self._kernel_dropped.set(kernel_drops(self._socket))
        self._loss.set(self._meter.loss)
        for lane in range(len(LANE_NAMES)):
            self._wake(lane)

    def _wake(self, lane: int) -> None:
        for listener in list(self._listeners[lane]):
            listener()
