"""The stored life of a crossing.

    RECEIVED ──▶ INSPECTED ──▶ SENT ──▶ ACKED
       │  │          │           └────▶ HELD       given up by the sender; two people may release it
       │  │          ├──▶ REJECTED                 every request failed inspection and was answered
       │  │          └──▶ HELD                     every request was kept back: each broke the inspector
       │  └─▶ HELD                                 unclear: crashed the inspector, or in conflict
       │       ├─▶ RECEIVED                        released by two operators: all checks again
       │       └─▶ REJECTED                        rejected for good by two operators
       └─▶ QUARANTINED ──▶ INSPECTED               the same bytes came again and now pass (clock, trust)
                       └─▶ HELD                    or are unclear now

INSPECTED is never stored: a bundle that passed its checks goes on in the same commit.  A file in the quarantine is
never released, whatever becomes of later arrivals.

What is logged of a crossing, whatever its state, stands in ``wire_formats.tlog.crossing``.
"""

from __future__ import annotations

import enum
from typing import Final, NamedTuple

from wire_formats.errors import Bug, Kind


class State(enum.Enum):
    """Where a crossing is."""

    RECEIVED = "received"
    INSPECTED = "inspected"
    SENT = "sent"
    ACKED = "acked"
    HELD = "held"
    REJECTED = "rejected"
    QUARANTINED = "quarantined"


_ONWARD: Final[dict[State, frozenset[State]]] = {
    State.RECEIVED: frozenset({State.INSPECTED, State.HELD, State.QUARANTINED}),
    State.INSPECTED: frozenset({State.SENT, State.REJECTED, State.HELD}),
    State.SENT: frozenset({State.ACKED, State.HELD}),
    State.QUARANTINED: frozenset({State.INSPECTED, State.HELD}),
    State.ACKED: frozenset(),
    State.HELD: frozenset({State.RECEIVED, State.REJECTED}),
    State.REJECTED: frozenset(),
}
#: Bytes that come again in one of these states need no second look.
DONE: Final = frozenset({State.SENT, State.ACKED, State.HELD, State.REJECTED})


class Author(NamedTuple):
    """Who made a bundle, and under which number: the key of deduplication."""

    kid: bytes
    epoch: int
    sequence: int


def check_move(before: State, after: State) -> None:
    """Check one step of a life.

    Raises:
        Bug: no such step.
    """
    if after not in _ONWARD[before]:
        raise Bug(Kind.BUG, f"no step from {before.value} to {after.value}")
