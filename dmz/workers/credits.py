"""How many requests may be under way: per session, per account, per unit, per worker. Pure counting.

Past a bound the user is told at once and with a time; nothing queues without end (DESIGN invariant 9).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from wire_formats.errors import Kind, Unavailable

K = TypeVar("K")
RETRY_AFTER_S = 5


@dataclass(frozen=True)
class CreditBounds:
    """The most requests that may be under way.

    Attributes:
        session: Requests of one session under way.
        account: Requests of one account under way.
        unit: Requests of one unit under way at this worker.
        worker: Requests of this worker under way.
    """

    session: int
    account: int
    unit: int
    worker: int


class Credits:
    """Requests whose page is waiting. Sessions before login count by their certificate or address."""

    def __init__(self, bounds: CreditBounds) -> None:
        self._bounds = bounds
        self._sessions: Counter[bytes] = Counter()
        self._accounts: Counter[str] = Counter()
        self._units: Counter[bytes] = Counter()
        self._total = 0

    @property
    def total(self) -> int:
        """Requests under way."""
        return self._total

    @contextmanager
    def one(self, session: bytes, account: str, unit: bytes) -> Iterator[None]:
        """Hold one credit while a request is under way.

        Raises:
            Unavailable: TOO_MANY_REQUESTS for a session or account, UNIT_BUSY for a unit, BUSY for the worker.
        """
        if self._total >= self._bounds.worker:
            raise Unavailable(Kind.BUSY, "worker's credits used up", RETRY_AFTER_S)
        if self._sessions[session] >= self._bounds.session or self._accounts[account] >= self._bounds.account:
            raise Unavailable(Kind.TOO_MANY_REQUESTS, "credits of a session or account used up", RETRY_AFTER_S)
        if self._units[unit] >= self._bounds.unit:
            raise Unavailable(Kind.UNIT_BUSY, "credits of a unit used up", RETRY_AFTER_S)
        self._sessions[session] += 1
        self._accounts[account] += 1
        self._units[unit] += 1
        self._total += 1
        try:
            yield
        finally:
            self._total -= 1
            _give_back(self._sessions, session)
            _give_back(self._accounts, account)
            _give_back(self._units, unit)


def _give_back(counter: Counter[K], key: K) -> None:
    counter[key] -= 1
    if counter[key] <= 0:
        del counter[key]
