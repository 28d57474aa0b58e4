"""The connection between two halves on one lane, as one of them sees it.

    UNKNOWN ──heard──▶ ALIVE ◀──caught_up── LAGGING
       │                 │ ▲──────lags──────▶  │
       └─silent─▶ SILENT ◀─┴──────silent───────┘      SILENT ──heard──▶ ALIVE

It decides nothing about bundles; it says when to tell the operator, once per change.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from automat import TypeMachineBuilder

#: Three heartbeats missed.
SILENT_AFTER_S: Final = 3.5
#: Something sent this long ago is still not acknowledged.
LAGS_AFTER_S: Final = 3.0


class Session(Protocol):
    """Inputs of the machine."""

    def heard(self) -> None:
        """The other half was heard."""

    def silent(self) -> None:
        """The other half was not heard for ``SILENT_AFTER_S``."""

    def lags(self) -> None:
        """Something waits for its acknowledgement longer than ``LAGS_AFTER_S``, or gaps are open."""

    def caught_up(self) -> None:
        """Nothing is missing."""


class SessionCore:
    """What the machine tells to.

    Args:
        tell: called with the new state's name at every change.
    """

    def __init__(self, tell: Callable[[str], None]) -> None:
        self.state = "unknown"
        self._tell = tell

    def enter(self, state: str) -> None:
        """Note a change and tell of it."""
        self.state = state
        self._tell(state)


def _build() -> Callable[[SessionCore], Session]:
    builder = TypeMachineBuilder(Session, SessionCore)
    unknown = builder.state("unknown")
    alive = builder.state("alive")
    lagging = builder.state("lagging")
    silent = builder.state("silent")

    def to(name: str) -> Callable[[Session, SessionCore], None]:
        def output(_session: Session, core: SessionCore) -> None:
            core.enter(name)

        return output

    for before in (unknown, silent):
        before.upon(Session.heard).to(alive)(to("alive"))
    for before in (unknown, alive, lagging):
        before.upon(Session.silent).to(silent)(to("silent"))
    alive.upon(Session.lags).to(lagging)(to("lagging"))
    lagging.upon(Session.caught_up).to(alive)(to("alive"))
    for state, inputs in (
        (unknown, (Session.lags, Session.caught_up)),
        (alive, (Session.heard, Session.caught_up)),
        (lagging, (Session.heard, Session.lags)),
        (silent, (Session.silent, Session.lags, Session.caught_up)),
    ):
        for ignored in inputs:
            state.upon(ignored).loop().returns(None)
    return builder.build()


new_session: Final = _build()


class LaneSession:
    """One lane's session, fed with ages.

    Args:
        tell: called with the new state's name at every change.
    """

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._core = SessionCore(tell)
        self._machine = new_session(self._core)

    @property
    def state(self) -> str:
        """unknown, alive, lagging or silent."""
        return self._core.state

    def observe(self, *, heard_s: float, ever: bool, behind: bool) -> None:
        """Feed the machine.

        Args:
            heard_s: seconds since the other half was heard, or since the start.
            ever: whether it was heard at all.
            behind: whether something is missing for too long.
        """
        if heard_s < SILENT_AFTER_S:
            if not ever:
                return
            self._machine.heard()
            if behind:
                self._machine.lags()
            else:
                self._machine.caught_up()
        else:
            self._machine.silent()
