"""Medians, ratios of one round, and what is asked of us; printed one line a figure (pure but for printing).

Every target is a ratio to a peer of the same run, or a plain figure where no peer has one.

Source: edge research, section 3 (targets); firewall research, section 7.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from perf.edge_bench.candidates import (
    APACHE_WAF,
    HAPROXY,
    HAPROXY_NEW,
    NGINX,
    NGINX_NEW,
    NGINX_REVOKED,
    NGINX_WAF,
    OURS,
)
from perf.figures import percentile


@dataclass(frozen=True, slots=True)
class Sample:
    """One round of one candidate.

    Attributes:
        cpu_s: processor seconds of the candidate for one operation.
        rate: operations a second.
        behind_s: the same of what stands behind it: the peers' backend, our worker that echoes.
        odd: answers other than 200, and failures.
    """

    cpu_s: float
    rate: float
    behind_s: float = 0.0
    odd: int = 0


Samples = dict[str, list[Sample]]

#: (part, peer) -> how many times the processor time of ours the peer's is at least to be.
CPU_TARGETS: Final[dict[tuple[str, str], float]] = {
    ("full handshake", NGINX): 1.3,
    ("full handshake", HAPROXY): 1.3,
    ("full handshake", NGINX_NEW): 0.8,
    ("full handshake", HAPROXY_NEW): 0.8,
    ("resumed handshake", NGINX): 1.8,
    ("resumed handshake", HAPROXY): 1.8,
    ("resumed handshake", NGINX_NEW): 0.9,
    ("resumed handshake", HAPROXY_NEW): 0.9,
    ("small request", NGINX): 1.1,
    ("small request", HAPROXY): 1.0,
    ("small request", NGINX_NEW): 1.0,
    ("small request", HAPROXY_NEW): 0.95,
    ("100 KiB upload", NGINX): 1.1,
    ("100 KiB upload", HAPROXY): 1.1,
    ("100 KiB upload", NGINX_NEW): 1.0,
    ("100 KiB upload", HAPROXY_NEW): 1.0,
    ("handshake, revoked", NGINX_REVOKED): 5.0,
    ("minimal GET", NGINX_WAF): 10.0,
    ("browser GET", NGINX_WAF): 10.0,
    ("form of 20 fields", NGINX_WAF): 10.0,
    ("upload inspected", NGINX_WAF): 10.0,
    ("upload inspected", APACHE_WAF): 5.0,
}


def ratios(peer: Sequence[Sample], ours: Sequence[Sample]) -> list[float]:
    """Give, round by round, how many times our processor time the peer's is."""
    return [theirs.cpu_s / mine.cpu_s for theirs, mine in zip(peer, ours, strict=False)]


def verdict(value: float, *, at_least: float | None = None, at_most: float | None = None) -> str:
    """Say what was asked and whether it holds."""
    if at_least is not None:
        return f"target >= {at_least:g}, {'holds' if value >= at_least else 'MISSES'}"
    if at_most is not None:
        return f"target <= {at_most:g}, {'holds' if value <= at_most else 'MISSES'}"
    return "no target"


def p50_p99(taken: Sequence[float]) -> tuple[float, float]:
    """Give median and 99th percentile; infinite when nothing was answered, so that the bench goes on and says so."""
    return (percentile(taken, 0.5), percentile(taken, 0.99)) if taken else (math.inf, math.inf)


def row(name: str, figure: str) -> None:
    """Print one figure; the names here are longer than those of `make bench`."""
    print(f"{name:<60} {figure}", flush=True)


def show_part(part: str, ours: str, samples: Samples) -> None:
    """Print one line for each candidate, then one for each ratio.

    Args:
        part: its name in CPU_TARGETS.
        ours: our candidate's name.
        samples: of all candidates that ran, a round each.
    """
    for name, taken in samples.items():
        costs = sorted(sample.cpu_s * 1e6 for sample in taken)
        odd = sum(sample.odd for sample in taken)
        told = f"; {odd} answers not 200" if odd else ""
        rate = median(sample.rate for sample in taken)
        behind = median(sample.behind_s for sample in taken) * 1e6
        told += f"; behind it {behind:.1f} us" if behind > 1 else ""
        row(
            f"{part}, {name}",
            f"{median(costs):9.1f} us of processor ({costs[0]:.1f}-{costs[-1]:.1f}), {rate:8.0f}/s{told}",
        )
    if ours not in samples:
        return
    for name, taken in samples.items():
        if not name.startswith(OURS):
            times = median(ratios(taken, samples[ours]))
            row(f"  {name} / ours", f"x{times:.2f}  {verdict(times, at_least=CPU_TARGETS.get((part, name)))}")
