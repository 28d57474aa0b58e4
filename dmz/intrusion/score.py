"""The ledger of offenders: a decaying score for each, and what it leads to.  Pure.

::

    CLEAR ──score ≥ throttle──▶ THROTTLED ──score ≥ ban──▶ BANNED (the score is forgotten; ``bans`` goes on)
      ◀──score < throttle / 2──

A score halves every half-life. The ledger holds at most ``capacity`` offenders and forgets the one that has been
quiet longest: whoever has many addresses can at worst win back his own past.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import Enum

from dmz.edge.connection_limits import Rate, RateTable
from dmz.intrusion.subjects import Subject

_MS = 1_000


class Standing(Enum):
    """What may be done with an offender."""

    CLEAR = "clear"
    THROTTLED = "throttled"
    BANNED = "banned"


@dataclass(frozen=True, slots=True)
class Bounds:
    """Scores from which something happens; 0 < throttle < ban."""

    throttle: float
    ban: float


@dataclass(frozen=True, slots=True)
class ScoreRules:
    """How scores are judged.

    Attributes:
        address: bounds of an address.
        certificate: bounds of a certificate.
        half_life_ms: after this time a score counts half.
        slowed: requests left to a throttled offender.
        capacity: offenders remembered.
    """

    address: Bounds
    certificate: Bounds
    half_life_ms: int
    slowed: Rate
    capacity: int


@dataclass(frozen=True, slots=True)
class Judged:
    """What an offence led to.

    Attributes:
        score: after it.
        before: standing before.
        after: standing now; BANNED is said once, and the score begins anew.
    """

    score: float
    before: Standing
    after: Standing


@dataclass(slots=True)
class _Entry:
    score: float
    at_ms: int


class OffenderLedger:
    """Scores, as one process knows them.

    Args:
        rules: bounds, half-life, sizes.
    """

    def __init__(self, rules: ScoreRules) -> None:
        self._rules = rules
        self._entries: OrderedDict[Subject, _Entry] = OrderedDict()
        self._throttled: set[Subject] = set()
        self._buckets: RateTable[Subject] = RateTable(rules.slowed, rules.capacity)

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def throttled(self) -> AbstractSet[Subject]:
        """Who is slowed down; a live view, for a quick look before ``wait_s``."""
        return self._throttled

    def score(self, subject: Subject, now_ms: int) -> float:
        """Give the score now; 0.0 for whoever never offended."""
        entry = self._entries.get(subject)
        return 0.0 if entry is None else self._decayed(entry, now_ms)

    def offend(self, subject: Subject, points: int, now_ms: int, *, may_ban: bool = True) -> Judged:
        """Count an offence.

        Args:
            subject: whose.
            points: more than 0.
            now_ms: milliseconds; a clock that steps back lets nothing decay.
            may_ban: whether it may lead to a ban; otherwise it raises the score no further than to slowing down.
        """
        before = Standing.THROTTLED if subject in self._throttled else Standing.CLEAR
        score = self._raised(subject, points, now_ms, may_ban=may_ban)
        if may_ban and score >= self._bounds(subject).ban:
            self.forget(subject)
            return Judged(score, before, Standing.BANNED)
        self._keep(subject, score, now_ms)
        after = Standing.THROTTLED if subject in self._throttled else Standing.CLEAR
        return Judged(score, before, after)

    def hear(self, subject: Subject, points: int, at_ms: int, *, may_ban: bool) -> None:
        """Add what another process has counted; a ban that follows is made there, or at the next offence here."""
        self._keep(subject, self._raised(subject, points, at_ms, may_ban=may_ban), at_ms)

    def _raised(self, subject: Subject, points: int, now_ms: int, *, may_ban: bool) -> float:
        entry = self._entries.get(subject)
        earlier = 0.0 if entry is None else self._decayed(entry, now_ms)
        return earlier + points if may_ban else max(earlier, min(earlier + points, self._bounds(subject).throttle))

    def _keep(self, subject: Subject, score: float, now_ms: int) -> None:
        entry = self._entries.get(subject)
        at_ms = now_ms if entry is None else max(entry.at_ms, now_ms)
        self._entries[subject] = _Entry(score, at_ms)
        self._entries.move_to_end(subject)
        throttle = self._bounds(subject).throttle
        if score >= throttle:
            self._throttled.add(subject)
        elif score < throttle / 2:
            self._throttled.discard(subject)
        if len(self._entries) > self._rules.capacity:
            quiet, _ = self._entries.popitem(last=False)
            self._throttled.discard(quiet)

    def _bounds(self, subject: Subject) -> Bounds:
        return self._rules.certificate if isinstance(subject, bytes) else self._rules.address

    def wait_s(self, subject: Subject, now_ms: int) -> float:
        """Take a token of a throttled offender's bucket.

        Returns:
            0.0: the request may go on; else the seconds to wait.
        """
        if subject not in self._throttled:
            return 0.0
        if self.score(subject, now_ms) < self._bounds(subject).throttle / 2:
            self._throttled.discard(subject)
            return 0.0
        return self._buckets.take(subject, now_ms / _MS)

    def forget(self, subject: Subject) -> None:
        """Begin anew with an offender: banned now, or pardoned."""
        self._entries.pop(subject, None)
        self._throttled.discard(subject)

    def _decayed(self, entry: _Entry, now_ms: int) -> float:
        elapsed = max(0, now_ms - entry.at_ms)
        return float(entry.score * 0.5 ** (elapsed / self._rules.half_life_ms))
