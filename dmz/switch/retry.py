"""What may be sent to a second worker, and how often (pure).

Always: what no worker has begun (nothing was written, or the worker said so). Otherwise only what is safe to execute
twice: GET and HEAD, and a POST that carries a form token, since the worker derives the request id from it and the core
answers the same id with the same answer (exactly once). Such repetitions are made once per request, and in all at most
``percent`` of the requests, so that a dying back end is not buried under its own retries.

Source: research "edge", section 4; RFC 9110 section 9.2.2.
"""

from __future__ import annotations

from typing import Final

from dmz.messages import HallRequest

FORM_FIELD: Final = "form_token"
MOST_REPEATS: Final = 1


def is_repeatable(request: HallRequest) -> bool:
    """True when executing a request twice has the effect of once."""
    if request.method in ("GET", "HEAD"):
        return True
    return any(name == FORM_FIELD and value for name, value in request.form)


class RetryBudget:
    """Earned by requests, spent by repetitions.

    Args:
        percent: repetitions per hundred requests.
        reserve: repetitions that can be saved up; as many as one worker can lose at once when it is killed.
    """

    def __init__(self, *, percent: int, reserve: int) -> None:
        self._percent = percent
        self._most = reserve * 100
        self._saved = self._most

    def earn(self) -> None:
        """Take note of a request."""
        self._saved = min(self._saved + self._percent, self._most)

    def spend(self) -> bool:
        """Take one repetition; False when nothing is left."""
        if self._saved < 100:
            return False
        self._saved -= 100
        return True
