"""One ferry half as a process of its own: ``python -m tests.support.ferry_process low|high ROOT``."""

from __future__ import annotations

import sys
from pathlib import Path

from prometheus_client import CollectorRegistry
from twisted.internet.defer import Deferred

from ferry.high_half import HighHalf
from ferry.low_half import LowHalf
from ferry.service import build_high, build_low
from ops.runtime.clock import SystemClock, SystemRandomness
from ops.runtime.directory_watch import ReactorDirectoryWatch
from ops.runtime.pools import OwnPool
from tests.support.ferry_kit import high_settings, low_settings


def main() -> None:
    from tests.support.real_reactor import reactor

    which, root = sys.argv[1], Path(sys.argv[2])
    clock, randomness, registry = SystemClock(), SystemRandomness(), CollectorRegistry()
    watch = ReactorDirectoryWatch(reactor)
    half: LowHalf | HighHalf
    aside = OwnPool(reactor, "log", threads=1, queue=8)
    if which == "low":
        half = build_low(
            low_settings(root), reactor=reactor, clock=clock, randomness=randomness, watch=watch, registry=registry
        )
    else:
        half = build_high(
            high_settings(root), reactor=reactor, clock=clock, randomness=randomness, watch=watch, registry=registry
        )
    half.half.witness.wait_beside(aside)
    reactor.callWhenRunning(half.start)
    reactor.addSystemEventTrigger("before", "shutdown", lambda: Deferred.fromCoroutine(half.stop()))
    reactor.addSystemEventTrigger("after", "shutdown", aside.stop)
    reactor.run()


if __name__ == "__main__":
    main()
