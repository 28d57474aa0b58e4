"""The refusal of a request for which there is no room: nothing of it was handed on, so nothing is saved."""

from __future__ import annotations

from typing import Final

from dmz.switch.wait_queue import Priority
from wire_formats.errors import Kind, Unavailable

#: Seconds after which to try again, at least; up to twice that, so that not all come back at once.
RETRY_S: Final[dict[Priority, int]] = {
    Priority.SUBMISSION: 3,
    Priority.PAGE: 3,
    Priority.UPLOAD: 30,
    Priority.CERTIFIED: 10,
    Priority.STRANGER: 15,
}


class OverloadedError(Unavailable):
    """Too much is asked at once.

    Args:
        priority: of the request.
        request_id: the edge's name of it; spreads the time of the next try.
    """

    def __init__(self, priority: Priority, request_id: str) -> None:
        least_s = RETRY_S[priority]
        spread_s = sum(request_id.encode()) % (least_s + 1)
        super().__init__(Kind.OVERLOADED, "no place under overload", least_s + spread_s)
        self.detail = f"overload_{priority.name.lower()}"

    @property
    def word(self) -> str:
        """The reason in the access log: whose requests were shed."""
        return self.detail
