"""Measurements of the processes themselves."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, Gauge

_STATM: Final = Path("/proc/self/statm")
_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")


class OpsMetrics:
    """What every role tells about itself.

    Args:
        registry: the process's registry.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.ready = Gauge("ops_role_ready_total", "1 when the role is ready", registry=registry)
        self.log_lost = Gauge("ops_log_lost_total", "log lines that could not be written", registry=registry)
        self.background = Gauge("ops_background_total", "background work running", registry=registry)
        memory = Gauge("ops_memory_bytes", "resident memory", registry=registry)
        memory.set_function(resident_bytes)


def resident_bytes() -> int:
    """Give this process's resident memory; 0 where the system does not tell."""
    try:
        return int(_STATM.read_text().split()[1]) * _PAGE_BYTES
    except (OSError, ValueError, IndexError):
        return 0
