"""The stored life of a transaction in the exchange database: states and the moves between them. Pure.

    SAVED ──▶ SENT ──▶ ANSWERED
      │         │          ▲
      └────▶ EXPIRED ──────┘   an answer that comes late is still the answer

Resending leaves SENT where it is. Source: DESIGN invariants 3 and 4.
"""

from __future__ import annotations

from enum import Enum

from wire_formats.errors import Bug, Kind
from wire_formats.instants import DAY_MS


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
ASKED_AFTER_MS = 3 * DAY_MS
"""How long after its end an unanswered request is still sent. A copy of it may have been carried out and its answer
lost, which only the core knows: it gives that answer again, or refuses for good. And a clock that was a day ahead for
a while must not end what was acknowledged."""
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


def spread_ms(pause_ms: int, identity: bytes, attempts: int) -> int:
    """A pause of one request, up to a quarter shorter or longer, different at each try.

    What shares a bundle at one try meets other company at the next: a bundle that is held for one of its requests
    does not hold the others for ever. And what came all at once does not come again all at once.

    Args:
        pause_ms: from ``next_pause_ms``.
        identity: of the request; its bytes are random.
        attempts: how often it was tried.
    """
    return pause_ms * (768 + 2 * identity[attempts % len(identity)]) // 1024
