"""Shares one process's loop between its lanes: short steps, by weight, and the reactor in between.

A step handles one bundle, or as many requests of a large bundle as fit into 5 ms.  After four steps, or
after 2 ms, the reactor runs, so that no turn of the loop is long.  Who goes next is decided by fair shares
of time: interactive lanes weigh more than bulk lanes, and bulk is never starved.

A station sleeps when it has nothing to do; a watch or the half's tick wakes it.  The pump is the top
of its role: whatever breaks in a step is logged and counted, its station's batch is abandoned, and
the other lanes go on.

Source: DESIGN "Priorities"; research, section 7, point 6.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from ferry.intake import Over
from ferry.lane.shares import Shares
from ferry.metrics import FerryMetrics

#: Longest work on one bundle before the reactor runs again, in seconds.
SLICE_S: Final = 0.005
#: After so many steps or so much time the reactor runs: a turn of it costs as much as a tenth of a bundle.
STEPS: Final = 4
TURN_S: Final = 0.002
#: A station that broke rests this long.
REST_S: Final = 0.2


class Station(Protocol):
    """One party that shares the loop."""

    def step(self, over: Over) -> bool:
        """Do a little work; gives whether there was any."""

    def abandon(self) -> None:
        """Put everything into a state that can go on, after something broke."""


class Pump:
    """Runs stations.

    Args:
        reactor: time.
        stations: name -> station.
        weights: name -> share of the loop.
        metrics: measures steps.
    """

    log = Logger()

    def __init__(
        self, reactor: IReactorTime, stations: Mapping[str, Station], weights: Mapping[str, int], metrics: FerryMetrics
    ) -> None:
        self._reactor = reactor
        self._stations = dict(stations)
        self._shares = Shares(weights)
        self._metrics = metrics
        self._ready: set[str] = set()
        self._resting: dict[str, float] = {}
        self._next: IDelayedCall | None = None
        self._running = False

    def start(self) -> None:
        """Begin; every station is asked for work at once."""
        self._ready = set(self._stations)
        self._running = True
        self._rouse()

    def stop(self) -> None:
        """Begin no further step."""
        self._running = False
        if self._next is not None:
            self._next.cancel()
            self._next = None

    def wake(self, name: str) -> None:
        """Let a station look for work."""
        if name not in self._ready and self._may_run(name):
            self._shares.woken(name)
            self._ready.add(name)
            self._rouse()

    def wake_all(self) -> None:
        """Let every station look for work."""
        for name in self._stations:
            self.wake(name)

    def _may_run(self, name: str) -> bool:
        until = self._resting.get(name)
        if until is None:
            return True
        now = self._reactor.seconds()
        if now < until <= now + 2 * REST_S:
            return False
        del self._resting[name]
        return True

    def _rouse(self) -> None:
        if self._next is None and self._running:
            self._next = self._reactor.callLater(0, self._go)

    def _go(self) -> None:
        """Do some steps, then let the reactor run."""
        self._next = None
        end = self._reactor.seconds() + TURN_S
        for _ in range(STEPS):
            name = self._shares.choose(self._ready)
            if name is None:
                return
            self._turn(name)
            if self._reactor.seconds() >= end:
                break
        if self._ready:
            self._rouse()

    def _turn(self, name: str) -> None:
        started = self._reactor.seconds()
        end = started + SLICE_S
        station = self._stations[name]
        try:
            worked = station.step(lambda: self._reactor.seconds() >= end)
        except Exception:  # noqa: BLE001 - the top of a role
            self.log.failure("lane_step_failed", holder=name)
            self._metrics.failures.inc()
            self._ready.discard(name)
            self._resting[name] = self._reactor.seconds() + REST_S
            station.abandon()
            return
        took = max(0.0, self._reactor.seconds() - started)
        self._shares.charge(name, took)
        if worked:
            self._metrics.turn.observe(took)
        else:
            self._ready.discard(name)
