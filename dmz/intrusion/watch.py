"""The intrusion watch of one edge process: what ``dmz.edge.watch_port`` asks, answered from ledger and bans.

The quick path: a request of somebody who never offended costs two lookups and no look at the clock.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from twisted.logger import Logger

from dmz.edge.addresses import address_subject
from dmz.edge.connection_limits import Rate, RateTable
from dmz.edge.refusals import Reason, RefusalError
from dmz.edge.watch_port import Trace
from dmz.intrusion.ban_board import BanBoard
from dmz.intrusion.bans import OPERATOR, Ban, BanBook
from dmz.intrusion.events import Event, EventTeller, Happening
from dmz.intrusion.metrics import IntrusionMetrics
from dmz.intrusion.offences import FROM_A_LINK, FROM_A_PAGE, INVALID_CERTIFICATE, Offence, of_refusal
from dmz.intrusion.score import OffenderLedger, Standing
from dmz.intrusion.settings import IntrusionSettings
from dmz.intrusion.shared_offences import OffenceExchange, Told
from dmz.intrusion.subjects import Subject, lies_in, parse_networks, subject_text
from wire_formats.collaborators import Clock, DirectoryWatch
from wire_formats.instants import MINUTE_MS, SECOND_MS

#: What a banned address may still try: enough for a person to read why, and for a clerk behind it to show his
#: certificate; beyond it nobody pays for TLS handshakes.
KNOCKS: Final = Rate(per_second=0.2, burst=6)
#: What a page of others has caused counts by this part.
FOREIGN_SHARE: Final = 5
_KNOWN_MS: Final = 30 * MINUTE_MS
_MOST_KNOWN: Final = 20_000
_TIDY_MS: Final = 10 * SECOND_MS
_ALL: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Post:
    """This process among the edge's children.

    Attributes:
        name: of the process, for example "edge-0".
        keeper: whether it deletes old files, and tells of what others have changed.
        exchange: where the processes tell each other what they count; None: it is alone.
    """

    name: str
    keeper: bool
    exchange: OffenceExchange | None = None


class IntrusionWatch:
    """Implements ``dmz.edge.watch_port.EdgeWatch``.

    Args:
        settings: bounds, durations, places.
        post: this process.
        clock: wall clock: bans are shared and outlast the process.
        metrics: of this process.
        teller: tells what happens.
    """

    _log = Logger()

    def __init__(
        self, settings: IntrusionSettings, post: Post, *, clock: Clock, metrics: IntrusionMetrics, teller: EventTeller
    ) -> None:
        self._folder = settings.bans
        self._trusted = parse_networks(settings.trusted)
        self._post = post
        self._clock = clock
        self._metrics = metrics
        self._teller = teller
        self._ledger = OffenderLedger(settings.score_rules())
        self._throttled = self._ledger.throttled
        self._book = BanBook(settings.ban_rules())
        self._board = BanBoard(
            settings.bans, self._book, sender=post.name, keeper=post.keeper, on_refused=metrics.files_refused.inc
        )
        self._knocks: RateTable[Subject] = RateTable(KNOCKS, settings.ban_rules().most)
        self._known = _Recent()
        #: Addresses at which pages of others make browsers send what is refused.
        self._pages = _Recent()
        self._tidied_ms = 0
        self._stop: Callable[[], None] | None = None

    def start(self, watch: DirectoryWatch) -> None:
        """Read the bans there are, and follow the drop from now on."""
        self._take(self._board.scan(most=_ALL))
        self.scan()
        if self._post.exchange is not None and not self._post.exchange.tells:
            self._log.warn("offences_not_shared", holder=self._post.name)
        self._stop = watch.watch(self._folder, self.scan)

    def stop(self) -> None:
        """Follow the drop no longer."""
        if self._stop is not None:
            self._stop()
            self._stop = None

    # --- what the edge asks (dmz.edge.watch_port.EdgeWatch) ---

    def may_connect(self, address: str) -> bool:
        """Let a connection in: from a banned address only if certificates are in use there, or now and then."""
        subject = address_subject(address)
        if subject not in self._book:
            return True
        now_ms = self._clock.now_ms()
        if not self._book.until_ms(subject, now_ms) or subject in self._known:
            return True
        if self._knocks.take(subject, now_ms / SECOND_MS) == 0:
            return True
        self._metrics.actions["connection_closed"].inc()
        return False

    def overran(self, address: str) -> None:
        """Count a connection over its address's rate or number.

        A page of others can have caused that, too, if such pages are at work at that address: each of their requests
        that is refused ends a connection.
        """
        self.note(Offence.RATE, Trace(address, None, "", foreign=address_subject(address) in self._pages))

    def check(self, address: str, certificate: bytes | None) -> None:
        """Let a request pass, or not.

        Raises:
            RefusalError: BANNED or THROTTLED, with the time to wait.
        """
        subject = certificate or address_subject(address)
        if subject in self._book or subject in self._throttled:
            self._check_offender(subject)

    def welcome(self, address: str) -> None:
        """Remember that certificates are in use at an address."""
        self._known.add(address_subject(address))

    def refused(self, reason: Reason, trace: Trace) -> None:
        """Count a refusal by the edge, if it is an offence; of a banned one, write down who it was.

        Who calls because he is shut out has only the number on his page: this line leads from it to the ban.
        """
        if reason is Reason.BANNED:
            who = subject_text(trace.certificate or address_subject(trace.address))
            self._log.info("banned_turned_away", offender=who, request_id=trace.request_id)
        if trace.foreign:
            self._pages.add(address_subject(trace.address))
        offence = of_refusal(reason)
        if offence is None:
            return
        if reason.kind in INVALID_CERTIFICATE or reason in FROM_A_LINK:
            trace = replace(trace, certificate=None)
        if trace.foreign is None:
            trace = replace(trace, foreign=reason in FROM_A_PAGE)
        self.note(offence, trace)

    # --- what the parts tell ---

    def note(self, offence: Offence, trace: Trace) -> None:
        """Count an offence: on the certificate if there is a valid one, otherwise on the address.

        What a foreign page has caused counts a little, and bans nobody.
        """
        subject = trace.certificate or address_subject(trace.address)
        now_ms = self._clock.now_ms()
        if lies_in(subject, self._trusted) or self._book.until_ms(subject, now_ms):
            # Who is banned already is on his way out: what he still sends must not become a ban behind the ban.
            self._teller.tell(Event(Happening.OFFENCE, subject, offence, trace))
            return
        points = max(1, offence.points // FOREIGN_SHARE) if trace.foreign else offence.points
        may_ban = not trace.foreign
        self._hear()
        if self._post.exchange is not None:
            self._post.exchange.tell(Told(subject, points, now_ms, may_ban))
        judged = self._ledger.offend(subject, points, now_ms, may_ban=may_ban)
        self._teller.tell(Event(Happening.OFFENCE, subject, offence, trace, score=round(judged.score)))
        if judged.after is Standing.BANNED:
            ban = self._book.next_ban(subject, offence.word, now_ms, self._post.name)
            self._book.take(ban)
            self._board.publish(ban)
            self._tell_ban(ban)
        elif judged.after is Standing.THROTTLED and judged.before is Standing.CLEAR:
            self._teller.tell(Event(Happening.THROTTLED, subject, score=round(judged.score)))

    def bans(self) -> int:
        """Give how many bans hold now, for `ferrygate status`."""
        return sum(1 for _ in self._book.active(self._clock.now_ms()))

    def scan(self) -> None:
        """Take in what other children and operators have said; called by the directory watch."""
        self._hear()
        self._take(self._board.scan())
        now_ms = self._clock.now_ms()
        if now_ms - self._tidied_ms >= _TIDY_MS:
            self._tidied_ms = now_ms
            self._board.tidy(now_ms)
            self._known.turn(now_ms)
            self._pages.turn(now_ms)
        self._measure(now_ms)

    def _hear(self) -> None:
        """Take in what other children have counted, but what lies before a ban or a pardon: that began anew."""
        if self._post.exchange is None:
            return
        for told in self._post.exchange.hear():
            if told.at_ms > self._book.spoken_ms(told.subject):
                self._ledger.hear(told.subject, told.points, told.at_ms, may_ban=told.may_ban)

    def _take(self, said: list[Ban]) -> None:
        for ban in said:
            if lies_in(ban.subject, self._trusted) or not self._book.take(ban):
                continue
            self._ledger.forget(ban.subject)
            # A child tells of its own bans; an operator's are told by one child, while it serves. (What was done
            # before stands in the command line's own log.)
            if self._post.keeper and self._stop is not None and ban.reason == OPERATOR:
                self._tell_ban(ban)

    def _check_offender(self, subject: Subject) -> None:
        now_ms = self._clock.now_ms()
        until_ms = self._book.until_ms(subject, now_ms)
        if until_ms:
            self._metrics.actions["request_banned"].inc()
            raise RefusalError(Reason.BANNED, retry_after_s=math.ceil((until_ms - now_ms) / SECOND_MS))
        wait_s = self._ledger.wait_s(subject, now_ms)
        if wait_s > 0:
            self._metrics.actions["request_slowed"].inc()
            raise RefusalError(Reason.THROTTLED, retry_after_s=math.ceil(wait_s))

    def _tell_ban(self, ban: Ban) -> None:
        what = Happening.LIFTED if ban.lifts else Happening.BANNED
        until_ms = 0 if ban.lifts else ban.until_ms
        told = Event(what, ban.subject, reason=ban.reason, until_ms=until_ms, count=ban.count, by=ban.by)
        self._teller.tell(told)

    def _measure(self, now_ms: int) -> None:
        certificates = addresses = 0
        for ban in self._book.active(now_ms):
            if isinstance(ban.subject, bytes):
                certificates += 1
            else:
                addresses += 1
        self._metrics.certificate_bans.set(certificates)
        self._metrics.address_bans.set(addresses)
        self._metrics.offenders.set(len(self._ledger))


class _Recent:
    """Addresses at which something was seen in the last half to whole hour: two generations of a set."""

    def __init__(self) -> None:
        self._now: set[Subject] = set()
        self._before: set[Subject] = set()
        self._turned_ms = 0

    def __contains__(self, address: object) -> bool:
        return address in self._now or address in self._before

    def add(self, address: Subject) -> None:
        """Remember an address, if there is room: beyond it, a banned office is let in more slowly."""
        if address not in self._now and len(self._now) < _MOST_KNOWN:
            self._now.add(address)

    def turn(self, now_ms: int) -> None:
        """Begin a new generation when it is time."""
        if now_ms - self._turned_ms >= _KNOWN_MS:
            self._turned_ms = now_ms
            self._before, self._now = self._now, set()
