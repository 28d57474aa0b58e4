"""Percentiles, and one printed line for each figure."""

from __future__ import annotations

import math
from collections.abc import Sequence


def percentile(values: Sequence[float], share: float) -> float:
    """Give the value below which ``share`` (0..1) of the values lie; nearest rank.

    Raises:
        ValueError: no values.
    """
    if not values:
        raise ValueError("no values")
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def milliseconds(values: Sequence[float]) -> str:
    """Write seconds as ``p50 12.3 ms  p99 45.6 ms  max 50.1 ms  (n = 400)``."""
    p50, p99, most = percentile(values, 0.5), percentile(values, 0.99), max(values)
    return f"p50 {p50 * 1e3:7.1f} ms  p99 {p99 * 1e3:7.1f} ms  max {most * 1e3:7.1f} ms  (n = {len(values)})"


def show(name: str, figure: str) -> None:
    """Print one figure."""
    print(f"{name:<44} {figure}", flush=True)


def measure(name: str, value: float, unit: str, *, at_most: float = math.inf, at_least: float = 0.0) -> None:
    """Print a figure beside its target, with the ratio of the two.

    Args:
        name: of the figure.
        value: what was seen.
        unit: of value and target.
        at_most: the target, when small is good.
        at_least: the target, when large is good.
    """
    bound, sign = (at_most, "<=") if at_most < math.inf else (at_least, ">=")
    holds = at_least <= value <= at_most
    word = "holds" if holds else "MISSES"
    show(name, f"{value:8.1f} {unit:<4} target {sign} {bound:g} {unit}, ratio {value / bound:.2f}, {word}")
