"""The firewall on: what honest requests cost, and what a hostile field costs at most.

Ratios are made with the same rules on both sides; our own rules are shown beside them.
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from typing import Final

from perf.edge_bench import requests
from perf.edge_bench.candidates import APACHE_WAF, NGINX_WAF, OURS, OURS_CRS, OURS_OWN, Server
from perf.edge_bench.plan import Plan, closed_loop, in_turn
from perf.edge_bench.targets import row, show_part, verdict
from perf.edge_bench.wire import ClosedLoop, Loop

_CONNECTIONS: Final = 4
_CAP_S: Final = 6.0
_SIZES: Final = (2_048, 8_192, 32_768)
_REPEATS: Final = 5
_SETTLE_S: Final = 0.2
#: No request may use more, research section 7, target 7.
_WORST_MS: Final = 150
#: Four times the field, at most this many times the processor time.
_LINEAR: Final = 6.0
#: part -> our own bound, ms.
_OWN_BOUNDS: Final = {"browser GET": 0.6, "form of 20 fields": 1.3, "upload inspected": 1.6}
_KINDS: Final[dict[str, Callable[[int], list[bytes]]]] = {
    "minimal GET": requests.minimal,
    "browser GET": requests.browsing,
    "form of 20 fields": requests.forms,
    "upload inspected": requests.uploads,
}


def honest(plan: Plan) -> None:
    """What inspecting honest requests costs, every one different from the last."""
    with plan.bench.serving(NGINX_WAF, APACHE_WAF, OURS_CRS, OURS_OWN) as servers:
        for part, make in _KINDS.items():
            _honest_part(plan, servers, part, make)


def _honest_part(plan: Plan, servers: list[Server], part: str, make: Callable[[int], list[bytes]]) -> None:
    sent = {server.name: make(server.port) for server in servers}
    samples = in_turn(plan, servers, lambda server: closed_loop(plan, server, sent[server.name], _CONNECTIONS))
    show_part(part, OURS_CRS, samples)
    if part in _OWN_BOUNDS and OURS_CRS in samples:
        cost = median(sample.cpu_s for sample in samples[OURS_CRS]) * 1e3
        row("  ours, ms", f"{cost:.2f}  {verdict(cost, at_most=_OWN_BOUNDS[part])}")


def worst(plan: Plan) -> None:
    """What one form costs whose field is ``$(`` again and again."""
    for name in (NGINX_WAF, APACHE_WAF, OURS_CRS, OURS_OWN):
        with plan.bench.serving(name) as servers:
            for server in servers:
                _worst_of(plan, server)


def _worst_of(plan: Plan, server: Server) -> None:
    before: float | None = None
    for size in _SIZES:
        cost, status = _hostile_s(plan, server, size)
        if status == 0:
            row(f"hostile field of {size // 1024} KB, {server.name}", f"> {cost * 1e3:.0f} ms of processor, cut off")
            return
        told = verdict(cost * 1e3, at_most=_WORST_MS) if server.name.startswith(OURS) else ""
        row(
            f"hostile field of {size // 1024} KB, {server.name}", f"{cost * 1e3:9.1f} ms of processor, {status}  {told}"
        )
        if before is not None and server.name.startswith(OURS):
            times = cost / before
            row("  four times the field, processor time", f"x{times:.1f}  {verdict(times, at_most=_LINEAR)}")
        before = cost


def _hostile_s(plan: Plan, server: Server, size: int) -> tuple[float, int]:
    """Give the processor seconds of one request and its status; 0: no answer in time."""
    loop = Loop()
    honest = ClosedLoop(loop, server.port, plan.contexts, requests.forms(server.port, 20), 1)
    loop.run(_CAP_S, until=lambda: honest.count >= _REPEATS)
    honest.going = False
    loop.run(_SETTLE_S)
    before = server.processor_s()
    load = ClosedLoop(loop, server.port, plan.contexts, requests.hostile(server.port, size), 1)
    loop.run(_CAP_S, until=lambda: load.count >= _REPEATS)
    load.going = False
    spent, count = server.processor_s() - before, load.count
    loop.close()
    return spent / max(1, count), next(iter(load.statuses), 0)
