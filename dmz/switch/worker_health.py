"""The life of one worker as an edge sees it.

::

    down ──connected──▶ probing ──enough pongs──▶ up ──eject──▶ ejected
     ▲                     ▲                     │ │              │
     │                     └──too many silences──┘ └─leaving─▶ draining
     └───────── lost, from every state ────────────────────────────┘     ejected ──forgiven──▶ up
                                               draining ──connected (its successor)──▶ probing

A worker counts from its first pong at an edge's start and after it has taken its leave; after a failure it must answer
RISE pings in a row, and FALL unanswered pings in a row take it out. Time is not known here: whoever drives the machine
pings and tells.

Source: research "edge", section 4 (rise 2 / fall 3; start "down" until the first success).
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from automat import TypeMachineBuilder

RISE: Final = 2
FALL: Final = 3


class HealthState(enum.Enum):
    """The named states."""

    DOWN = "down"
    PROBING = "probing"
    UP = "up"
    DRAINING = "draining"
    EJECTED = "ejected"


class WorkerHealth(Protocol):
    """What can happen to a worker."""

    def connected(self) -> None:
        """Its socket accepted a connection."""

    def pong(self) -> None:
        """It answered a ping."""

    def silent(self) -> None:
        """It left a ping unanswered."""

    def leaving(self) -> None:
        """It said that it takes no new work."""

    def lost(self) -> None:
        """The connection is gone."""

    def eject(self) -> None:
        """It failed too often."""

    def forgiven(self) -> None:
        """The time of its ejection is over."""

    def risen(self) -> None:
        """Enough pongs in a row (told by the machine itself)."""

    def fallen(self) -> None:
        """Too many silences in a row (told by the machine itself)."""


@dataclass(slots=True)
class HealthCore:
    """What the machine counts, and whom it tells.

    Attributes:
        on_state: called after each change of state.
        needed: pongs in a row until the worker is up: 1 before its first failure and after a leave, otherwise RISE.
    """

    on_state: Callable[[HealthState], None]
    needed: int = 1
    pongs: int = 0
    silences: int = 0

    def enter(self, state: HealthState) -> None:
        """Begin counting anew, and tell."""
        self.pongs = self.silences = 0
        self.on_state(state)


_builder = TypeMachineBuilder(WorkerHealth, HealthCore)
_down = _builder.state("down")
_probing = _builder.state("probing")
_up = _builder.state("up")
_draining = _builder.state("draining")
_ejected = _builder.state("ejected")


def _begin_probing(_health: WorkerHealth, core: HealthCore) -> None:
    core.enter(HealthState.PROBING)


for _state in (_down, _draining):
    _state.upon(WorkerHealth.connected).to(_probing)(_begin_probing)


@_probing.upon(WorkerHealth.pong).loop()
def _count_pong(health: WorkerHealth, core: HealthCore) -> None:
    core.pongs += 1
    if core.pongs >= core.needed:
        health.risen()


@_probing.upon(WorkerHealth.silent).loop()
def _start_over(_health: WorkerHealth, core: HealthCore) -> None:
    core.pongs = 0


@_probing.upon(WorkerHealth.risen).to(_up)
def _rise(_health: WorkerHealth, core: HealthCore) -> None:
    core.needed = RISE
    core.enter(HealthState.UP)


def _count_silence(health: WorkerHealth, core: HealthCore) -> None:
    core.silences += 1
    if core.silences >= FALL:
        health.fallen()


def _hear(_health: WorkerHealth, core: HealthCore) -> None:
    core.silences = 0


def _fall(_health: WorkerHealth, core: HealthCore) -> None:
    core.enter(HealthState.PROBING)


def _drain(_health: WorkerHealth, core: HealthCore) -> None:
    core.needed = 1
    core.enter(HealthState.DRAINING)


def _lose(_health: WorkerHealth, core: HealthCore) -> None:
    core.enter(HealthState.DOWN)


for _state in (_up, _ejected):
    _state.upon(WorkerHealth.silent).loop()(_count_silence)
    _state.upon(WorkerHealth.pong).loop()(_hear)
    _state.upon(WorkerHealth.fallen).to(_probing)(_fall)
for _state in (_probing, _up, _ejected):
    _state.upon(WorkerHealth.leaving).to(_draining)(_drain)
for _state in (_probing, _up, _ejected, _draining):
    _state.upon(WorkerHealth.lost).to(_down)(_lose)


@_up.upon(WorkerHealth.eject).to(_ejected)
def _eject(_health: WorkerHealth, core: HealthCore) -> None:
    core.enter(HealthState.EJECTED)


@_ejected.upon(WorkerHealth.forgiven).to(_up)
def _forgive(_health: WorkerHealth, core: HealthCore) -> None:
    core.enter(HealthState.UP)


# What comes late and means nothing: answers that crossed a change of state, a second goodbye, an old timer.
for _state in (_down, _probing, _up, _draining):
    _state.upon(WorkerHealth.forgiven).loop().returns(None)
for _state in (_down, _probing, _draining, _ejected):
    _state.upon(WorkerHealth.eject).loop().returns(None)
for _late in (WorkerHealth.pong, WorkerHealth.silent, WorkerHealth.leaving):
    for _state in (_down, _draining):
        _state.upon(_late).loop().returns(None)
_down.upon(WorkerHealth.lost).loop().returns(None)

_build = _builder.build()


def worker_health(on_state: Callable[[HealthState], None]) -> WorkerHealth:
    """Make the machine of one worker; it begins in DOWN, without a call of ``on_state``."""
    return _build(HealthCore(on_state))
