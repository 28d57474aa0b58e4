"""Where the processor time went: seconds of every process of an installation, between two instants."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Final

from perf.figures import show
from perf.inside import processes

_TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")


class CpuMeter:
    """Counts processor time from its making on.

    Args:
        root: the installation.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._before = _seconds(root)
        self._own = time.process_time()

    def show(self, what: str, count: int) -> None:
        """Print the milliseconds each role spent for one of ``count`` operations, largest first.

        Args:
            what: the operation, in the singular.
            count: how many were done since this meter was made.
        """
        after = _seconds(self._root)
        spent = {name: seconds - self._before.get(name, 0.0) for name, seconds in after.items()}
        own = time.process_time() - self._own
        for name, seconds in sorted(spent.items(), key=lambda item: -item[1]):
            if seconds / count >= 0.0001:
                show(f"  processor per {what}, {name}", f"{seconds / count * 1e3:6.2f} ms")
        total = sum(spent.values())
        show(f"  processor per {what}, all roles", f"{total / count * 1e3:6.2f} ms")
        show(f"  processor per {what}, load generator", f"{own / count * 1e3:6.2f} ms")


def _seconds(root: Path) -> dict[str, float]:
    """Give user and system time by role; processes of one role (edges) are added up."""
    found: dict[str, float] = {}
    for pid, role in processes(root):
        try:
            fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        except OSError:
            continue
        name = role.partition("-")[0]
        found[name] = found.get(name, 0.0) + (int(fields[11]) + int(fields[12])) / _TICKS_PER_S
    return found
