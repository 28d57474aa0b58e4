"""How long a kind of request usually takes, learnt while little is going on (pure).

A query through both ferries takes ten times as long as a page that the worker makes by itself, so what is slow can only
be told beside what is usual for its kind. The usual time is a running median. It is learnt from requests that were
nearly alone: under load everything takes longer, and what takes longer for an hour must not become usual. A kind that
has not been seen alone yet is judged by the shortest it ever took.

Kinds are methods and the first part of paths (``GET /s/unit.profile``, ``POST /login``), the last MOST_KINDS of them.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from dmz.messages import HallRequest

MOST_KINDS: Final = 256
#: What takes less than this is not told apart: a few milliseconds more are noise.
LEAST_S: Final = 0.005
_STEP: Final = 0.02
#: What takes less than this share even under load shows that the usual time is too long.
_CLEARLY_LESS: Final = 0.7
_FIRST_STEP: Final = 0.5
#: Under these the next segment names the service.
_NAMED: Final = frozenset({"s", "b"})


def kind_of(request: HallRequest) -> str:
    """Give the kind of a request; numbers of cases and receipts are no part of it."""
    segments = request.path.split("/", 3)
    most = 3 if segments[1] in _NAMED else 2
    return f"{request.method} {'/'.join(segments[1:most])}"


@dataclass(slots=True)
class _Usual:
    seconds: float
    seen: int = 0
    alone: bool = False


class UsualTimes:
    """The usual time of every kind."""

    def __init__(self) -> None:
        self._kinds: OrderedDict[str, _Usual] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kinds)

    def note(self, kind: str, took_s: float, *, alone: bool) -> float:
        """Take in how long a request took.

        Args:
            kind: of the request.
            took_s: seconds.
            alone: whether little else was going on.

        Returns:
            How much longer than usual it took: 1.0 is as usual.
        """
        took_s = max(took_s, LEAST_S)
        usual = self._kinds.get(kind)
        if usual is None:
            usual = self._kinds[kind] = _Usual(took_s, alone=alone)
            if len(self._kinds) > MOST_KINDS:
                self._kinds.popitem(last=False)
        self._kinds.move_to_end(kind)
        if not alone:
            if not usual.alone:
                usual.seconds = min(usual.seconds, took_s)
            elif took_s < usual.seconds * _CLEARLY_LESS:
                usual.seconds /= 1.0 + _STEP
        elif not usual.alone:
            usual.seconds, usual.seen, usual.alone = took_s, 0, True
        else:
            usual.seen += 1
            step = 1.0 + max(_STEP, _FIRST_STEP / usual.seen)
            if took_s > usual.seconds:
                usual.seconds = min(usual.seconds * step, took_s)
            else:
                usual.seconds = max(usual.seconds / step, took_s)
        return took_s / usual.seconds

    def usual_s(self, kind: str) -> float | None:
        """Give the usual time of a kind, seconds; None: it was not seen yet."""
        usual = self._kinds.get(kind)
        return None if usual is None else usual.seconds
