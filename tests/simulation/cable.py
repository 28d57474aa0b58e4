"""The gap as two diode links: the product's own ends, and between them cables that lose, turn bits, double and go dark.

A cable knows no acknowledgement: what it takes is gone, whether it arrives or not.  Losses come alone or in bursts.
"""

from __future__ import annotations

import functools
import os
import random
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry

from ferry.transports.diode.batches import BATCH
from ferry.transports.diode.inlet import TICK_S, DiodeInlet
from ferry.transports.diode.metrics import DiodeMetrics
from ferry.transports.diode.outlet import METER_S, DiodeOutlet
from ferry.transports.diode.settings import DiodeSettings
from ferry.transports.ends import Ends
from tests.simulation.kit import Seeded

if TYPE_CHECKING:
    from tests.simulation.scheduler import Process, Scheduler

_KEY: Final = bytes(range(32))


@dataclass
class CableRates:
    """What becomes of datagrams, 0..1 each.

    Attributes:
        lose: how many are lost.
        burst: datagrams that are lost together, on average.
        flip: how many arrive with a bit turned.
        double: how many arrive twice.
        planned: loss of 10,000 that the sender reckons with.
    """

    lose: float = 0.0
    burst: float = 1.0
    flip: float = 0.0
    double: float = 0.0
    planned: int = 100


class Cable:
    """Both links.

    Args:
        scheduler: time.
        rates: what becomes of datagrams.
        chance: decides.
    """

    def __init__(self, scheduler: Scheduler, rates: CableRates, chance: random.Random) -> None:
        self._scheduler = scheduler
        self._chance = chance
        self._plugged: dict[str, tuple[Process, SimInlet]] = {}
        self._losing = False
        self.rates = rates
        self.settings = DiodeSettings(key=_key_file(), loss_per_10000=rates.planned, filler=2)
        self.dark = False
        self.sent = self.lost = 0

    def ends(self, process: Process, sends: str, receives: str, seed: str) -> Ends:
        """Give the two ends of a half."""
        return Ends(SimInlet(self, receives, process), SimOutlet(self, sends, process, seed))

    def plug(self, direction: str, process: Process, inlet: SimInlet) -> None:
        """Let an end receive from now on."""
        self._plugged[direction] = (process, inlet)

    def send(self, direction: str, datagrams: list[bytes]) -> None:
        """Carry what is left of some datagrams to whoever is plugged in."""
        kept: list[bytes] = []
        for datagram in datagrams:
            self.sent += 1
            if self._is_lost():
                self.lost += 1
                continue
            if self._chance.random() < self.rates.flip:
                turned = bytearray(datagram)
                turned[self._chance.randrange(len(turned))] ^= 1 << self._chance.randrange(8)
                datagram = bytes(turned)
            kept += [datagram] * (2 if self._chance.random() < self.rates.double else 1)
        if kept and direction in self._plugged:
            process, inlet = self._plugged[direction]
            later = self._scheduler.now + self._chance.uniform(0.0002, 0.004)
            self._scheduler.at(later, lambda: inlet.came(kept), process)

    def _is_lost(self) -> bool:
        if self.dark:
            return True
        rates = self.rates
        if self._losing:
            self._losing = self._chance.random() < 1 - 1 / rates.burst
        else:
            self._losing = self._chance.random() < rates.lose / rates.burst
        return self._losing


class SimOutlet(DiodeOutlet):
    """The sending end, with a cable in the place of its socket."""

    def __init__(self, cable: Cable, direction: str, process: Process, seed: str) -> None:
        metrics = DiodeMetrics(CollectorRegistry())
        randomness = Seeded(f"{seed} run {process.scheduler.now}")
        super().__init__(
            cable.settings, direction, reactor=process.reactor, randomness=randomness, metrics=metrics
        )  # fmt: skip
        self._cable = cable

    def prepare(self) -> None:
        self._out = _Plug(self._cable, self._direction)
        self._meter.start(METER_S, now=True)


class SimInlet(DiodeInlet):
    """The receiving end, with a cable in the place of its socket."""

    def __init__(self, cable: Cable, direction: str, process: Process) -> None:
        metrics = DiodeMetrics(CollectorRegistry())
        super().__init__(cable.settings, direction, reactor=process.reactor, metrics=metrics)
        self._cable, self._process = cable, process
        self._waiting: deque[bytes] = deque()

    def prepare(self) -> None:
        self._in = self
        self._heard_s = self._reactor.seconds()
        self._ticker.start(TICK_S, now=False)
        self._cable.plug(self._direction, self._process, self)

    def came(self, datagrams: list[bytes]) -> None:
        """Datagrams have come."""
        self._waiting += datagrams
        self.doRead()
        while self._waiting:  # a turn takes a few batches only
            self.doRead()

    def receive(self) -> list[memoryview]:
        """Give what has come, at most one batch (implements ``batches.Receiving``)."""
        return [memoryview(self._waiting.popleft()) for _ in range(min(BATCH, len(self._waiting)))]

    def _tick(self) -> None:
        self._reassembly.expire(self._reactor.seconds())
        for listeners in self._listeners:
            for listener in list(listeners):
                listener()


class _Plug:
    """Where datagrams leave (implements ``batches.Sending``)."""

    def __init__(self, cable: Cable, direction: str) -> None:
        self._cable, self._direction = cable, direction

    def send(self, datagrams: list[bytes]) -> int:
        self._cable.send(self._direction, datagrams)
        return len(datagrams)


@functools.cache
def _key_file() -> Path:
    """A file with the link's key that lies on no disk."""
    handle = os.memfd_create("ferrygate-simulation")
    os.write(handle, _KEY)
    return Path(f"/proc/{os.getpid()}/fd/{handle}")
