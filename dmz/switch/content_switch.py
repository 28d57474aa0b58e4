"""Which pool a path belongs to: style sheets and pictures go to the static role, everything else to the workers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry
from twisted.internet.defer import Deferred, gatherResults

from dmz.answering import Answering, Cancel, Done
from dmz.messages import HallRequest
from dmz.switch.metrics import SwitchMetrics
from dmz.switch.reactor_port import SwitchReactor
from dmz.switch.relay import WorkerPool
from dmz.switch.settings import SwitchSettings
from dmz.switch.wait_queue import Priority, priority_of
from dmz.switch.worker_health import HealthState
from wire_formats.collaborators import Randomness

WORKERS: Final = "workers"
STATIC: Final = "static"
STATIC_PREFIX: Final = "/static/"


class ContentSwitch(Answering):
    """A handler that hands every request to the pool of its path.

    Args:
        pools: name -> pool; WORKERS must be there, STATIC may be.
    """

    def __init__(self, pools: Mapping[str, WorkerPool]) -> None:
        self._pools = dict(pools)
        self._workers = pools[WORKERS]
        self._static = pools.get(STATIC, self._workers)

    def start(self) -> None:
        """Connect to all workers of all pools."""
        for pool in self._pools.values():
            pool.start()

    def stop(self) -> Deferred[None]:
        """Hang up everywhere; fires when all connections are gone."""
        return gatherResults([pool.stop() for pool in self._pools.values()]).addCallback(lambda _: None)

    @property
    def ready(self) -> bool:
        """True when at least one worker that makes pages is up."""
        return HealthState.UP in self._workers.states().values()

    def begin(self, request: HallRequest, done: Done, /) -> Cancel:
        """Have a request answered by the pool of its path; errors as ``WorkerPool.begin``."""
        pool = self._static if request.path.startswith(STATIC_PREFIX) else self._workers
        return pool.begin(request, done)


def build_switch(
    sockets: Mapping[str, Mapping[str, Path]],
    *,
    reactor: SwitchReactor,
    settings: SwitchSettings,
    registry: CollectorRegistry,
    randomness: Randomness,
    rank: Callable[[HallRequest], Priority] = priority_of,
) -> ContentSwitch:
    """Put a switch together; call ``start`` on it.

    Args:
        sockets: pool name (WORKERS, STATIC) -> worker name -> Unix socket.
        reactor: for sockets and timers.
        settings: the same for all pools.
        registry: of this process.
        randomness: for the jitter of reconnections.
        rank: tells who goes first while all wait for a worker.
    """
    metrics = SwitchMetrics(registry, sockets)
    return ContentSwitch(
        {
            name: WorkerPool(
                workers,
                reactor=reactor,
                settings=settings,
                metrics=metrics.pool(name),
                randomness=randomness,
                rank=rank,
            )
            for name, workers in sockets.items()
        }
    )
