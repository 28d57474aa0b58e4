"""One ferry half as a process of its own: ``python -m tests.support.ferry_process low|high ROOT``.

The high half's inspector is a child of it, and ends with it.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry
from twisted.internet.defer import Deferred

from ferry.high_half import HighHalf
from ferry.inspection import Inspector
from ferry.inspector.server import InspectorServer
from ferry.low_half import LowHalf
from ferry.service import build_high, build_low
from ops.runtime.clock import SystemClock, SystemRandomness
from ops.runtime.directory_watch import ReactorDirectoryWatch
from ops.runtime.limits import die_with_parent
from ops.runtime.pools import OwnPool
from tests.support.ferry_kit import high_settings, low_settings
from tests.support.wire_samples import HIGH_HALF
from wire_formats.catalogue import SERVICES


def start_inspector(root: Path) -> None:
    """Fork the inspector of a high half."""
    parent = os.getpid()
    if os.fork():
        return
    die_with_parent(parent)
    settings = high_settings(root)
    settings.inspector.parent.mkdir(parents=True, exist_ok=True)
    server = InspectorServer(Inspector(SERVICES, HIGH_HALF), settings.inspector)
    server.listen()
    server.serve()


def main() -> None:
    from tests.support.real_reactor import reactor

    which, root = sys.argv[1], Path(sys.argv[2])
    clock, randomness, registry = SystemClock(), SystemRandomness(), CollectorRegistry()
    watch = ReactorDirectoryWatch(reactor)
    half: LowHalf | HighHalf
    aside = OwnPool(reactor, "log", threads=1, queue=8)
    around: dict[str, Any] = {
        "reactor": reactor, "clock": clock, "randomness": randomness, "watch": watch, "registry": registry,
        "aside": aside,
    }  # fmt: skip
    if which == "low":
        half = build_low(low_settings(root), **around)
    else:
        start_inspector(root)
        half = build_high(high_settings(root), **around)
    reactor.callWhenRunning(half.start)
    reactor.addSystemEventTrigger("before", "shutdown", lambda: Deferred.fromCoroutine(half.stop()))
    reactor.addSystemEventTrigger("after", "shutdown", aside.stop)
    reactor.run()


if __name__ == "__main__":
    main()
