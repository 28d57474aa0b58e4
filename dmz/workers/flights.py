"""How many bundles of a lane are on the road: the measure by which a busy lane makes larger bundles. Pure.

A bundle is on the road until the first answer to one of its requests is back; what is not answered in time counts no
more (its answer is lost, or its work is slow). While enough bundles are on the road, whatever comes waits for company:
one file, one signature, one commit for many. An idle lane never waits.

Source: RFC 896 (small packets wait while others are unacknowledged) for the idea; DESIGN "Bundles form naturally".
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable


class Flights:
    """The bundles of one lane that are on the road.

    Args:
        most: From so many on, the road is busy.
        forget_s: A bundle without an answer counts so long.
    """

    def __init__(self, *, most: int, forget_s: float) -> None:
        self._most = most
        self._forget_s = forget_s
        self._under_way: OrderedDict[int, tuple[float, tuple[bytes, ...]]] = OrderedDict()
        self._of: dict[bytes, int] = {}
        self._number = 0

    def __len__(self) -> int:
        return len(self._under_way)

    def left(self, requests: Iterable[bytes], now_s: float) -> None:
        """Note that a bundle with these requests was dropped."""
        self._forget(now_s)
        self._number += 1
        ids = tuple(requests)
        self._under_way[self._number] = (now_s, ids)
        for one in ids:
            self._of[one] = self._number

    def answered(self, request: bytes) -> bool:
        """Note that a request was answered; gives whether a bundle came off the road by it."""
        number = self._of.get(request)
        if number is None:
            return False
        self._remove(number)
        return True

    def busy(self, now_s: float) -> bool:
        """Say whether enough is on the road for new requests to wait for company."""
        return self.count(now_s) >= self._most

    def count(self, now_s: float) -> int:
        """Give how many bundles are on the road."""
        self._forget(now_s)
        return len(self._under_way)

    def _forget(self, now_s: float) -> None:
        while self._under_way:
            number, (left_s, _) = next(iter(self._under_way.items()))
            # A clock that was set back must not keep a bundle on the road.
            if 0 <= now_s - left_s < self._forget_s:
                return
            self._remove(number)

    def _remove(self, number: int) -> None:
        _, ids = self._under_way.pop(number)
        for one in ids:
            if self._of.get(one) == number:
                del self._of[one]
