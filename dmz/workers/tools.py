"""What every part of a worker is handed: time, chance, the reactor, background work, counters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dmz.workers.metrics import WorkerMetrics
from wire_formats.collaborators import Background, Clock, Disk, Randomness
from wire_formats.disk import DISK


@dataclass(frozen=True)
class WorkerTools:
    """Collaborators of a worker.

    Attributes:
        clock: Wall clock.
        randomness: Unpredictable bytes.
        background: Runs named work.
        reactor: IReactorTime, IReactorProcess and IReactorFromThreads.
        metrics: Counters.
        disk: Where outbox and inbox lie.
    """

    clock: Clock
    randomness: Randomness
    background: Background
    reactor: Any
    metrics: WorkerMetrics
    disk: Disk = DISK
