"""Small pictures of a lane's last minutes, as SVG inside the page; no script, no style of their own.  Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from markupsafe import Markup

WIDTH: Final = 180
HEIGHT: Final = 36
_PAD: Final = 2


def sparkline(values: Sequence[float], told: str) -> Markup:
    """Draw values as a line above zero.

    Args:
        values: oldest first.
        told: what a reader of the page hears instead.
    """
    if len(values) < 2:
        return Markup('<span class="soft">–</span>')
    top = max(*values, 1.0)
    step = WIDTH / (len(values) - 1)
    points = " ".join(
        f"{number * step:.1f},{HEIGHT - _PAD - value / top * (HEIGHT - 2 * _PAD):.1f}"
        for number, value in enumerate(values)
    )
    return Markup(
        '<svg class="plot" viewBox="0 0 {w} {h}" width="{w}" height="{h}" role="img" aria-label="{told}">'
        '<path class="base" d="M0 {base}H{w}"/><polygon class="area" points="0,{base} {points} {w},{base}"/>'
        '<polyline class="line" points="{points}"/></svg>'
    ).format(w=WIDTH, h=HEIGHT, base=HEIGHT - _PAD, points=points, told=told)
