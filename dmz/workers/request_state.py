"""The stored life of a transaction in the exchange database: states and the moves between them. Pure.

    SAVED ──▶ SENT ──▶ ANSWERED
      │         │          ▲
      └────▶ EXPIRED ──────┘   an answer that comes late is still the answer

Resending leaves SENT where it is. Source: DESIGN invariants 3 and 4.
"""

from __future__ import annotations

from enum import Enum

from wire_formats.errors import Bug, Kind


class RequestState(Enum):
    """Where a stored request is."""

    SAVED = "saved"
    SENT = "sent"
    ANSWERED = "answered"
    EXPIRED = "expired"


MOVES: dict[RequestState, frozenset[RequestState]] = {
    RequestState.SAVED: frozenset({RequestState.SENT, RequestState.ANSWERED, RequestState.EXPIRED}),
    RequestState.SENT: frozenset({RequestState.SENT, RequestState.ANSWERED, RequestState.EXPIRED}),
    RequestState.EXPIRED: frozenset({RequestState.ANSWERED}),
    RequestState.ANSWERED: frozenset(),
}
UNDER_WAY = (RequestState.SAVED, RequestState.SENT)


def origins(target: RequestState) -> tuple[str, ...]:
    """States from which ``target`` can be reached, as stored; what an UPDATE puts into its WHERE."""
    return tuple(state.value for state, targets in MOVES.items() if target in targets)


def check_move(before: RequestState, after: RequestState) -> None:
    """Check one move.

    Raises:
        Bug: the table does not have it.
    """
    if after not in MOVES[before]:
        raise Bug(Kind.BUG, f"request cannot go from {before.value} to {after.value}")


def next_pause_ms(attempts: int, first_ms: int, most_ms: int) -> int:
    """Pause before try ``attempts + 1``: doubles from ``first_ms`` up to ``most_ms``."""
    return min(first_ms << min(attempts, 20), most_ms)
