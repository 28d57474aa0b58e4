"""What every part gets, and how candidates take turns."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from perf.edge_bench.candidates import Bench, Server
from perf.edge_bench.targets import Sample, Samples
from perf.edge_bench.wire import Client, ClosedLoop, Handshakes, Loop

#: Not counted: caches fill, connections are made.
WARM_S = 0.4


@dataclass(frozen=True, slots=True)
class Plan:
    """The bench and how long it looks.

    Attributes:
        bench: starts candidates.
        contexts: TLS settings of the clients.
        rounds: how often each candidate has its turn.
        seconds: of one turn.
    """

    bench: Bench
    contexts: list[ssl.SSLContext]
    rounds: int
    seconds: float

    def fresh_clients(self) -> list[Client]:
        """Give every client without a session to resume."""
        return [(context, None) for context in self.contexts]


class Load(Protocol):
    """What sends and counts."""

    failed: int
    going: bool

    @property
    def count(self) -> int:
        """Operations so far."""


def in_turn(plan: Plan, servers: list[Server], once: Callable[[Server], Sample]) -> Samples:
    """Let the candidates take turns: first round all, second round all."""
    samples: Samples = {server.name: [] for server in servers}
    for _ in range(plan.rounds):
        for server in servers:
            samples[server.name].append(once(server))
    return samples


def measured(plan: Plan, server: Server, begin: Callable[[Loop], Load]) -> Sample:
    """Put load on a server and read what it costs.

    Args:
        plan: how long.
        server: to be measured.
        begin: starts the load on a loop.
    """
    loop = Loop()
    try:
        load = begin(loop)
        loop.run(WARM_S)
        before, behind, count = server.processor_s(), server.behind_s(), load.count
        took = loop.run(plan.seconds)
        spent, spent_behind, done = server.processor_s() - before, server.behind_s() - behind, load.count - count
        load.going = False
    finally:
        loop.close()
    each = max(1, done)
    return Sample(spent / each, done / took, spent_behind / each, load.failed + _not_well(load))


def _not_well(load: Load) -> int:
    return sum(n for status, n in load.statuses.items() if status != 200) if isinstance(load, ClosedLoop) else 0


def closed_loop(plan: Plan, server: Server, requests: list[bytes], connections: int) -> Sample:
    """Measure requests over so many kept connections."""
    return measured(plan, server, lambda loop: ClosedLoop(loop, server.port, plan.contexts, requests, connections))


def full_handshakes(plan: Plan, server: Server, width: int = 8) -> Sample:
    """Measure full handshakes with a client certificate."""
    return measured(plan, server, lambda loop: Handshakes(loop, server.port, plan.fresh_clients(), width=width))
