"""Crowds at the door: requests at fixed rates, whatever the answers do.  ``python -m perf.crowd < plan.json``.

A process of its own, so that what the load costs is apart from what asks for it. Every group sends over connections
that are opened before and kept; the time of an answer counts from when its request was due, so what the generator
itself is late is in it. When all connections of a group wait for an answer, a request that is due is not sent, and
counted as ``short``: the load is bounded, and a figure with many of those says so.

Plan::

    {"authority": root.pem, "seconds": 20, "groups": [
        {"name": "…", "port": 7002, "rate": 20.0, "connections": 64,
         "visitors": [{"certificate": "a.pem" | null, "request": "GET / HTTP/1.1\\r\\n…"}, …]}]}

Answer::

    {"…": {"taken": {"200": [[due, seconds], …], "503": […]}, "failed": 0, "short": 0, "late": [seconds, …]}}

``due`` counts from the beginning.
"""

from __future__ import annotations

import json
import sys
import time
from collections import deque
from pathlib import Path
from typing import Any, Final

from perf.edge_bench.wire import Connection, Loop, client_context

_OPEN_S: Final = 60.0
_PAUSE_S: Final = 1.0
_TICK_S: Final = 0.002
#: How long answers are waited for after the last request.
_END_S: Final = 10.0


class Group:
    """One kind of visitor.

    Args:
        loop: runs it.
        authority: PEM of the root.
        plan: the group's part of the plan.
    """

    def __init__(self, loop: Loop, authority: Path, plan: dict[str, Any]) -> None:
        self._loop = loop
        self._port, self._rate, self._most = int(plan["port"]), float(plan["rate"]), int(plan["connections"])
        self._visitors = [
            (
                client_context(authority, Path(one["certificate"]) if one["certificate"] else None),
                one["request"].encode(),
            )
            for one in plan["visitors"]
        ]
        self._requests: dict[Connection, bytes] = {}
        self._idle: deque[Connection] = deque()
        self._opened = 0
        self._due = self._end = self._began = 0.0
        self.taken: dict[int, list[tuple[float, float]]] = {}
        self.late: list[float] = []
        self.failed = self.short = 0

    @property
    def ready(self) -> bool:
        """Whether the next connection may be opened, or all are."""
        return len(self._idle) >= self._opened

    def open_all(self) -> None:
        """Open every connection, one after the other."""
        while self._opened < self._most:
            self._open()
            self._loop.run(_OPEN_S, until=lambda: self.ready)
            if not self.ready:
                raise SystemExit(f"connection {self._opened} of port {self._port} did not come")

    def begin(self, now: float, seconds: float) -> None:
        """Send from now on."""
        self._began, self._due, self._end = now, now, now + seconds
        self._loop.ticks.append(self._tick)

    @property
    def done(self) -> bool:
        """Whether all is sent and answered."""
        return self._due >= self._end and len(self._idle) >= len(self._requests)

    def secured(self, connection: Connection) -> None:
        """One more to send on."""
        self._idle.append(connection)

    def answered(self, connection: Connection, status: int, *, closing: bool) -> None:
        """Note how long it took."""
        took = (connection.sent_at - self._began, time.perf_counter() - connection.sent_at)
        self.taken.setdefault(status, []).append(took)
        if closing:
            connection.close()
            self._requests.pop(connection, None)
            self._open()
        else:
            self._idle.append(connection)

    def lost(self, connection: Connection) -> None:
        """A request that got no answer has failed."""
        self.failed += connection.waiting
        self._requests.pop(connection, None)
        if connection in self._idle:
            self._idle.remove(connection)
        self._open()

    def told(self) -> dict[str, Any]:
        """What was seen."""
        return {"taken": self.taken, "failed": self.failed, "short": self.short, "late": self.late}

    def _open(self) -> None:
        context, request = self._visitors[self._opened % len(self._visitors)]
        self._opened += 1
        try:
            connection = Connection(self._loop, self, self._port, context)
        except OSError:
            self.failed += 1
        else:
            self._requests[connection] = request

    def _tick(self, now: float) -> float:
        while self._due <= now and self._due < self._end:
            if self._idle:
                connection = self._idle.popleft()
                connection.sent_at = self._due
                self.late.append(now - self._due)
                connection.send(self._requests[connection])
            else:
                self.short += 1
            self._due += 1 / self._rate
        # A little late rather than looking at the clock without a pause, on the processors that are measured.
        return max(self._due, now + _TICK_S) if self._due < self._end else self._end + _END_S


def run(plan: dict[str, Any]) -> dict[str, Any]:
    """Send what the plan says; gives what was seen."""
    loop = Loop()
    groups = {str(one["name"]): Group(loop, Path(plan["authority"]), one) for one in plan["groups"]}
    for group in groups.values():
        group.open_all()
    loop.run(_PAUSE_S)
    now, seconds = time.perf_counter(), float(plan["seconds"])
    for number, group in enumerate(groups.values()):
        group.begin(now + number / 1e4, seconds)  # so that groups of one rate do not send in one instant
    loop.run(seconds + _END_S, until=lambda: all(group.done for group in groups.values()))
    loop.close()
    return {name: group.told() for name, group in groups.items()}


def main() -> None:
    """Read a plan, answer with what was seen."""
    json.dump(run(json.load(sys.stdin)), sys.stdout)


if __name__ == "__main__":
    main()
