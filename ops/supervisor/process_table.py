"""The processes of one host and the states of their lives.  Pure.

WAITING -> STARTING -> HEALTHY <-> UNHEALTHY
              |            |            |
              +------------+------------+--> BACKOFF  -> STARTING     it died
              |            |            |--> PAUSED   -> STARTING     it died too often
              |            |            |--> GIVEN_UP                 it cannot start as configured
              +------------+------------+--> STOPPING -> STOPPED      it was asked to end
                                             STOPPING -> STARTING     ... to be replaced
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final


class ProcessState(enum.Enum):
    """Where a process is in its life."""

    WAITING = "waiting"
    STARTING = "starting"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    BACKOFF = "backoff"
    PAUSED = "paused"
    GIVEN_UP = "given up"
    STOPPING = "stopping"
    STOPPED = "stopped"


_S = ProcessState
_ENDED: Final = frozenset({_S.BACKOFF, _S.PAUSED, _S.GIVEN_UP})
TRANSITIONS: Final[Mapping[ProcessState, frozenset[ProcessState]]] = {
    _S.WAITING: frozenset({_S.STARTING, _S.STOPPED}),
    _S.STARTING: frozenset({_S.HEALTHY, _S.UNHEALTHY, _S.STOPPING}) | _ENDED,
    _S.HEALTHY: frozenset({_S.UNHEALTHY, _S.STOPPING}) | _ENDED,
    _S.UNHEALTHY: frozenset({_S.HEALTHY, _S.STOPPING}) | _ENDED,
    _S.BACKOFF: frozenset({_S.STARTING, _S.STOPPED}),
    _S.PAUSED: frozenset({_S.STARTING, _S.STOPPED}),
    _S.GIVEN_UP: frozenset({_S.STARTING, _S.STOPPED}),
    _S.STOPPING: frozenset({_S.STOPPED, _S.STARTING}),
    _S.STOPPED: frozenset({_S.STARTING}),
}
RUNNING: Final = frozenset({_S.STARTING, _S.HEALTHY, _S.UNHEALTHY, _S.STOPPING})


class WrongTransitionError(ValueError):
    """A state change that the table does not know: our own fault."""


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """One process to keep alive.

    Attributes:
        name: unique on this host, for example ``worker-1``.
        command: program and arguments.
        metrics_port: where /healthz is asked; 0 = healthy as soon as it runs.
        stage: processes of a lower stage are started first and stopped last.
        stop_deadline_s: after this the process group is killed.
        hands_over: its successor takes over its listening sockets and starts beside it (``ops.runtime.hand_over``);
            otherwise it ends before the new one starts.
        environment: added to the supervisor's own.
    """

    name: str
    command: tuple[str, ...]
    metrics_port: int = 0
    stage: int = 0
    stop_deadline_s: int = 15
    hands_over: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class ProcessEntry:
    """What is known about one process now."""

    spec: ProcessSpec
    state: ProcessState = ProcessState.WAITING
    pid: int = 0
    started_ms: int = 0
    was_healthy: bool = False
    restarts: int = 0
    last_exit: int | None = None
    last_words: str = ""
    reasons: tuple[str, ...] = ()
    figures: Mapping[str, int] = field(default_factory=dict)
    recent_deaths_ms: tuple[int, ...] = ()

    def become(self, state: ProcessState) -> None:
        """Change the state.

        Raises:
            WrongTransitionError: the table does not allow it.
        """
        if state is self.state:
            return
        if state not in TRANSITIONS[self.state]:
            raise WrongTransitionError(f"{self.spec.name}: {self.state.value} -> {state.value}")
        self.state = state
        self.was_healthy = self.was_healthy or state is ProcessState.HEALTHY

    def told(self, now_ms: int) -> dict[str, object]:
        """Describe this process for `ferrygate status`."""
        return {
            "name": self.spec.name,
            "state": self.state.value,
            "pid": self.pid if self.state in RUNNING else 0,
            "up_ms": now_ms - self.started_ms if self.state in RUNNING else 0,
            "restarts": self.restarts,
            "last_exit": self.last_exit,
            "last_words": self.last_words,
            "reasons": list(self.reasons),
            "figures": dict(self.figures),
            "metrics_port": self.spec.metrics_port,
        }


class ProcessTable:
    """All processes of one host, in order of their stages.

    Args:
        specs: names must be unique.

    Raises:
        ValueError: two processes have one name.
    """

    def __init__(self, specs: Iterable[ProcessSpec]) -> None:
        ordered = sorted(specs, key=lambda spec: spec.stage)
        self._entries = {spec.name: ProcessEntry(spec) for spec in ordered}
        if len(self._entries) != len(ordered):
            raise ValueError("two processes have the same name")

    def __getitem__(self, name: str) -> ProcessEntry:
        return self._entries[name]

    def __contains__(self, name: str) -> bool:
        return name in self._entries

    def entries(self) -> tuple[ProcessEntry, ...]:
        """Give all entries, first stage first."""
        return tuple(self._entries.values())

    def stages(self) -> tuple[tuple[ProcessEntry, ...], ...]:
        """Give the entries grouped by stage, first stage first."""
        numbers = sorted({entry.spec.stage for entry in self._entries.values()})
        return tuple(tuple(e for e in self._entries.values() if e.spec.stage == number) for number in numbers)
