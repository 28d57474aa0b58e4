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


def show(name: str, figure: str, target: str = "") -> None:
    """Print one figure."""
    print(f"{name:<44} {figure}" + (f"   target {target}" if target else ""), flush=True)
