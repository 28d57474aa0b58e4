"""What to do when a role's process has ended: restart soon, restart later, or give up.  Pure.

    ended, exit code 2, never healthy   -> GIVE_UP   the settings are wrong; starting again cannot help
    ended                               -> RESTART   after a delay that doubles with each death
    ended too often in a short time     -> PAUSE     crash loop: alarm, and try again after a long pause

A life of ``steady_ms`` clears the history, so that a role that dies once a day restarts at once.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final

EXIT_CANNOT_START: Final = 2
_MOST_DOUBLINGS: Final = 16


class Verdict(enum.Enum):
    """What to do with an ended process."""

    RESTART = "restart"
    PAUSE = "pause"
    GIVE_UP = "give_up"


@dataclass(frozen=True, slots=True)
class RestartLimits:
    """The numbers of the policy.

    Attributes:
        first_delay_ms: delay before the first restart.
        most_delay_ms: the delay never grows beyond this.
        steady_ms: a process that lived this long starts with a clean history.
        loop_deaths: so many deaths within ``loop_window_ms`` are a crash loop.
        loop_window_ms: see ``loop_deaths``.
        loop_pause_ms: pause after a crash loop was seen.
    """

    first_delay_ms: int = 200
    most_delay_ms: int = 10_000
    steady_ms: int = 30_000
    loop_deaths: int = 6
    loop_window_ms: int = 60_000
    loop_pause_ms: int = 30_000


@dataclass(frozen=True, slots=True)
class Death:
    """How one life ended.

    Attributes:
        at_ms: when.
        lived_ms: how long the process had run.
        exit_code: its status; negative for a signal.
        was_healthy: whether it was healthy at least once in this life.
    """

    at_ms: int
    lived_ms: int
    exit_code: int
    was_healthy: bool


@dataclass(frozen=True, slots=True)
class Decision:
    """The verdict, the delay before the next start, and the history to keep."""

    verdict: Verdict
    delay_ms: int
    recent_ms: tuple[int, ...]


def decide(recent_ms: tuple[int, ...], death: Death, limits: RestartLimits) -> Decision:
    """Decide about a role whose process has just ended.

    Args:
        recent_ms: instants of its earlier deaths, as the last Decision gave them.
        death: this death.
        limits: the numbers.
    """
    if death.exit_code == EXIT_CANNOT_START and not death.was_healthy:
        return Decision(Verdict.GIVE_UP, 0, ())
    if death.lived_ms >= limits.steady_ms:
        recent_ms = ()
    since = death.at_ms - limits.loop_window_ms
    recent = (*(instant for instant in recent_ms if instant > since), death.at_ms)
    if len(recent) >= limits.loop_deaths:
        return Decision(Verdict.PAUSE, limits.loop_pause_ms, ())
    doublings = min(len(recent) - 1, _MOST_DOUBLINGS)
    delay = min(limits.first_delay_ms << doublings, limits.most_delay_ms)
    return Decision(Verdict.RESTART, delay, recent)
