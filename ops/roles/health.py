"""A zone's own way of telling its health to the health page's."""

from __future__ import annotations

from collections.abc import Mapping

from ops.runtime.metrics_page import Health


def told_health(told: tuple[bool, tuple[str, ...]], figures: Mapping[str, int] | None = None) -> Health:
    """Make a Health of what a zone tells.

    Args:
        told: whether it can work, and if not, why.
        figures: numbers worth a glance.
    """
    ready, reasons = told
    return Health(ready=ready, reasons=reasons, figures=figures or {})
