"""Who is banned until when, and how a ban is written.  Pure.

A ban is a statement about one subject; of several the newest counts, and a lift is a statement, too: one that ends
when it is made. The next ban of the same offender lasts twice as long, up to a longest; a lift, or a quiet time after
the ban's end, begins anew.

The file is a JSON object, read strictly::

    {"subject": "203.0.113.7", "made_ms": 1, "until_ms": 600001, "count": 1, "reason": "scanner", "by": "edge-0"}
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from dmz.intrusion.subjects import Subject, parse_subject, subject_text
from wire_formats.errors import Kind, PeerError

MAX_BAN_BYTES: Final = 1_024
OPERATOR: Final = "operator"
_WORD: Final = r"^[a-z0-9_]{1,32}$"
_NAME: Final = r"^[^\x00-\x1f\x7f]{1,64}$"
_Instant = Annotated[int, Meta(ge=0, le=1 << 48)]


@dataclass(frozen=True, slots=True)
class Ban:
    """A statement that a subject is banned, or, if it ends when it is made, that it no longer is.

    Attributes:
        subject: whom it concerns.
        made_ms: when it was made, milliseconds since 1970.
        until_ms: when it ends.
        count: the how manieth ban in a row it is; 0 in a lift.
        reason: an offence's word, or OPERATOR.
        by: the process that made it, or the operator's name.
    """

    subject: Subject
    made_ms: int
    until_ms: int
    count: int
    reason: str
    by: str

    @property
    def lifts(self) -> bool:
        """Whether it takes a ban back."""
        return self.until_ms <= self.made_ms


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    subject: Annotated[str, Meta(max_length=80)]
    made_ms: _Instant
    until_ms: _Instant
    count: Annotated[int, Meta(ge=0, le=1_000_000)]
    reason: Annotated[str, Meta(pattern=_WORD)]
    by: Annotated[str, Meta(pattern=_NAME)]


_DECODER: Final = msgspec.json.Decoder(_File)


def encode_ban(ban: Ban) -> bytes:
    """Write a ban's file."""
    told = _File(subject_text(ban.subject), ban.made_ms, ban.until_ms, ban.count, ban.reason, ban.by)
    return msgspec.json.encode(told)


def decode_ban(data: bytes) -> Ban:
    """Read a ban's file.

    Raises:
        PeerError: it is not exactly one.
    """
    if len(data) > MAX_BAN_BYTES:
        raise PeerError(Kind.TOO_LARGE, "file of a ban")
    try:
        told = _DECODER.decode(data)
    except (ValueError, RecursionError):
        raise PeerError(Kind.MALFORMED, "file of a ban") from None
    return Ban(parse_subject(told.subject), told.made_ms, told.until_ms, told.count, told.reason, told.by)


@dataclass(frozen=True, slots=True)
class BanRules:
    """How long bans last.

    Attributes:
        first_ms: the first one.
        longest_ms: no automatic one is longer.
        memory_ms: how long after its end a ban still makes the next one longer.
        most: bans kept; beyond, those that end first are dropped.
    """

    first_ms: int
    longest_ms: int
    memory_ms: int
    most: int


class BanBook:
    """The newest statement about every subject.

    Args:
        rules: durations and size.
    """

    def __init__(self, rules: BanRules) -> None:
        self._rules = rules
        self._newest: dict[Subject, Ban] = {}

    def __len__(self) -> int:
        return len(self._newest)

    def __contains__(self, subject: object) -> bool:
        """Tell whether anything is known of a subject: quick, and mostly False."""
        return subject in self._newest

    def until_ms(self, subject: Subject, now_ms: int) -> int:
        """Give when a subject's ban ends; 0 if it is not banned now."""
        ban = self._newest.get(subject)
        return ban.until_ms if ban is not None and not ban.lifts and ban.until_ms > now_ms else 0

    def spoken_ms(self, subject: Subject) -> int:
        """Give when a subject was banned or pardoned last; 0 if nothing is known."""
        ban = self._newest.get(subject)
        return 0 if ban is None else ban.made_ms

    def take(self, ban: Ban) -> bool:
        """Take in a statement; False if a newer one, or this one, is known."""
        known = self._newest.get(ban.subject)
        if known is not None and (known.made_ms, known.by) >= (ban.made_ms, ban.by):
            return False
        self._newest[ban.subject] = ban
        if len(self._newest) > self._rules.most:
            del self._newest[min(self._newest.values(), key=lambda each: each.until_ms).subject]
        return True

    def next_ban(self, subject: Subject, reason: str, now_ms: int, by: str) -> Ban:
        """Make the ban that follows for a subject; it is not taken in yet."""
        known = self._newest.get(subject)
        again = known is not None and not known.lifts and now_ms < known.until_ms + self._rules.memory_ms
        count = known.count + 1 if known is not None and again else 1
        doubled = self._rules.first_ms << min(count - 1, 40)
        # Two statements of one instant would not be told apart.
        made_ms = now_ms if known is None else max(now_ms, known.made_ms + 1)
        return Ban(subject, made_ms, made_ms + min(doubled, self._rules.longest_ms), count, reason, by)

    def is_over(self, ban: Ban, now_ms: int) -> bool:
        """Tell whether a statement need not be kept: superseded, or ended so long ago that it has no effect."""
        known = self._newest.get(ban.subject)
        superseded = known is None or (known.made_ms, known.by) > (ban.made_ms, ban.by)
        # A lift is kept as long as a ban's memory, so that an older copy of the ban cannot come back.
        return superseded or now_ms >= ban.until_ms + self._rules.memory_ms

    def forget(self, now_ms: int) -> None:
        """Drop what need not be kept."""
        over = [ban.subject for ban in self._newest.values() if self.is_over(ban, now_ms)]
        for subject in over:
            del self._newest[subject]

    def active(self, now_ms: int) -> Iterator[Ban]:
        """Give the bans that hold now."""
        return (ban for ban in self._newest.values() if not ban.lifts and ban.until_ms > now_ms)
