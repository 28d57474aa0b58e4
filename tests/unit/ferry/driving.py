"""Runs both halves on one fake clock: no sleeping, every step seen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from ferry.inspector.port import InspectionPort
from ferry.settings import FerryLimits
from tests.support.ferry_kit import EchoCore, FerryKit, NoWatch, SetClock
from tests.support.machines import NOW_MS


class Driven:
    """Both halves over real folders, on a fake reactor clock."""

    def __init__(
        self, root: Path, *, limits: FerryLimits = FerryLimits(), inspector: InspectionPort | None = None,
        operators: tuple[str, ...] = (),
    ) -> None:  # fmt: skip
        self.kit = FerryKit(root)
        self.kit.write_keys()
        if operators:
            self.kit.know(*operators)
        self.reactor = Clock()
        self.reactor.advance(1000)
        self.clock = SetClock(NOW_MS)
        self.limits = limits
        self.low: Any = None
        self.high: Any = None
        self.core = EchoCore(self.kit, self.clock)
        self.start_low()
        self.start_high(inspector=inspector)

    def start_low(self) -> None:
        self.low = self.kit.build_low(self.reactor, NoWatch(), clock=self.clock, limits=self.limits)
        self.low.start()

    def start_high(self, **changes: Any) -> None:
        self.high = self.kit.build_high(self.reactor, NoWatch(), clock=self.clock, limits=self.limits, **changes)
        self.high.start()

    def run(self, seconds: float = 1.0, *, step: float = 0.01) -> None:
        for _ in range(round(seconds / step)):
            self.clock.ms += round(step * 1000)
            self.reactor.advance(step)

    def stop_half(self, half: Any) -> None:
        stopped = Deferred.fromCoroutine(half.stop())
        done: list[object] = []
        stopped.addBoth(done.append)
        for _ in range(10):
            self.reactor.advance(0.001)
        assert done == [None], done

    def stop(self) -> None:
        self.stop_half(self.low)
        self.stop_half(self.high)
