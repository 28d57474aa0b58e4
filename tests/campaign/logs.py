"""Both halves' logs of crossings at the end of a campaign: one history, whatever was killed."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import suppress
from pathlib import Path

from ferry.witness.audit import audit_half, compare
from wire_formats.trust import TrustStore

_HALVES = ("ferry_low", "ferry_high")


def cosigned(root: Path) -> bool:
    """Whether each half has cosigned the other's log to its end, as both say."""
    states = []
    for half in _HALVES:
        with suppress(FileNotFoundError, ValueError):  # just being written
            states.append(json.loads((root / half / "status.json").read_text())["log"]["state"])
    return states == ["cosigned", "cosigned"]


def audit(root: Path, trust: TrustStore) -> tuple[Counter[str], list[str]]:
    """Audit both logs, every signature and every seal, and hold them against each other.

    Returns:
        Figures, and what was found: nothing may be, since nothing but processes was killed.
    """
    folders = [root / half / "crossings" for half in _HALVES]
    low, high = (audit_half(folder, trust, every=True) for folder in folders)
    between = compare(low, folders[0], high, folders[1])
    figures = Counter({f"crossings {half.role}": half.crossings for half in (low, high)})
    figures.update({f"witnessed {half.role}": half.witnessed for half in (low, high)})
    figures.update({"in both": between.crossings, "sent only": between.under_way})
    figures["twice in a log"] = low.repeated + high.repeated
    found = [
        f"{name}: {finding.what} {finding.where}"
        for name, half in (("low log", low), ("high log", high), ("between the logs", between))
        for finding in half.findings
    ]
    figures["findings"] = sum(sum(half.counts.values()) for half in (low, high, between))
    return figures, found
