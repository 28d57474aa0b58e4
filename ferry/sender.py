"""Puts bundles of one lane on the transport under this half's numbers, until acknowledged.

    seal ──▶ spool ──▶ journal ──▶ transport ──▶ (heartbeats, acknowledgements) ──▶ spool emptied

A number is used up when the bundle lies in the spool: from then on it stands for these bytes only.
If the transport has no room then, the bundle waits in the spool and nothing newer overtakes it.

Source: DESIGN invariant 4.
"""

from __future__ import annotations

import hashlib
from collections import deque
from dataclasses import replace
from typing import Final, NamedTuple, Protocol

from twisted.logger import Logger

from ferry.acts.held_rows import give_up_row
from ferry.heard import Heard
from ferry.journal import SENT_WAY, Entry, Numbered
from ferry.lane.away import Away
from ferry.lane.checks import Checked, LaneId
from ferry.lane.crossing import Author, State
from ferry.lane.outbox import Outbox
from ferry.lane.reasons import Reason
from ferry.parts import HalfParts
from ferry.spool import Spool
from ferry.spooled import SpooledBundles
from ferry.transports.port import Outlet
from wire_formats.bundle import (
    CLOCK_SLACK_MS,
    Bundle,
    SealStream,
    encode_bundle,
    peek_statement,
)
from wire_formats.drop import DropName
from wire_formats.errors import Kind, Unavailable
from wire_formats.lane_control import Acknowledgement, Heartbeat

#: Bundles sent again in one tick.
RESENDS_AT_ONCE: Final = 16
#: A receiver that lost its memory is given everything anew, but no oftener than this: each time costs a signature, a
#: file and a leaf of the log for every bundle of the spool.
RENEW_EVERY_S: Final = 5.0


class Tracked(NamedTuple):
    """A bundle whose author wants to know where it is."""

    worker: str
    root: bytes


class ProgressSink(Protocol):
    """Hears what becomes of tracked bundles."""

    def crossed(self, tracked: Tracked) -> None:
        """A tracked bundle was acknowledged."""


class Sender:
    """One lane's sending end.

    Args:
        parts: the half's collaborators.
        lane: the lane.
        outlet: the transport.
        spool: where bundles wait for their acknowledgement.
        progress: hears of tracked bundles.
        one_way: no acknowledgement ever comes by itself (``ferry.one_way``).
    """

    log = Logger()

    def __init__(
        self, parts: HalfParts, lane: LaneId, outlet: Outlet, spool: Spool, progress: ProgressSink | None = None,
        *, one_way: bool = False,
    ) -> None:  # fmt: skip
        self.parts = parts
        self.lane = lane
        self._outlet = outlet
        self._spool = spool
        self._progress = progress
        self._tracked: dict[int, Tracked] = {}
        self._old: deque[DropName] = deque()
        self._away = Away()
        self._one_way = one_way
        self.spooled = SpooledBundles(parts, lane, spool)
        #: Statement digests of what is kept, by number; for manifests only.
        self.digests: dict[int, bytes] = {}
        self._metrics = parts.metrics.lane(lane)
        self.outbox = Outbox(epoch=0, most_bundles=1, most_bytes=1)
        self._stream = SealStream(lane.direction, lane.lane, 0)
        self.heard = Heard(parts, lane)
        self._renewed_s = -RENEW_EVERY_S
        self.full = False
        self._newest_ms = 0

    def start(self) -> None:
        """Begin a new epoch; whatever the spool holds is sent again under it, unless people are carrying it."""
        self.heard.start()
        left = self._spool.prepare()
        self.spooled.log_unlogged(left)
        self._old = self._to_renew(left)
        self._begin_epoch(above=0)

    @property
    def renewing(self) -> bool:
        """Whether bundles of an older epoch still have to be sent again."""
        return bool(self._old)

    @property
    def credits_used(self) -> int:
        """How many bundles are unacknowledged: in the spool under this epoch, of older ones, and carried by people."""
        return len(self.outbox) + len(self._old) + len(self._away)

    def room(self) -> int:
        """Give how many bundles may be sent now."""
        if self._old or not self.outbox.has_room():
            return 0
        if self._has_unsent():
            self._put_unsent()
        return max(0, self.parts.limits.credits - len(self.outbox) - len(self._away))

    def send(self, checked: Checked, entry: Entry) -> None:
        """Send a checked bundle of an author.

        Raises:
            Unavailable: no room in the spool: nothing happened; or on the transport: the bundle is
                ours, and ``room`` stays closed until it is on the transport.
        """
        statement = checked.author.statement
        name, data, leaf = self._seal(checked.bundle, checked.author_key, tracked=statement.tracked)
        numbered = Numbered(
            checked.author_key, statement.root, name.epoch, name.sequence, leaf, statement.count, len(data)
        )
        self.parts.journal.passed(entry, numbered, State.SENT, now_ms=self.parts.clock.now_ms())
        if statement.tracked:
            self._tracked[name.sequence] = Tracked(checked.author.signer.name, statement.root)
        self._put(name, data)
        self._metrics.bundles.inc()
        self._metrics.items.inc(statement.count)
        self._metrics.bytes.inc(len(data))
        self._metrics.age.observe(max(0.0, (self.parts.clock.now_ms() - statement.made_ms) / 1000))

    def renew(self) -> None:
        """Send one bundle of an older epoch again under the present one.

        Raises:
            Unavailable: no room now; it is tried again.
        """
        old = self._old[0]
        if not self.outbox.has_room():
            raise Unavailable(Kind.STORAGE_FULL, "all credits are used")
        data = self._spool.get(old)
        bundle = self.spooled.whole(data, old)
        if bundle is None:
            if data is not None:
                self.parts.quarantine.add(Reason.MALFORMED, self.lane, data)
            self._old.popleft()
            self._spool.remove(old)
            return
        author, worker = self.spooled.author_of(bundle)
        statement = peek_statement(bundle.seals[0])
        if statement.made_ms > self.parts.clock.now_ms() + CLOCK_SLACK_MS:
            self._drop_future(old, author, data)
            return
        name, sealed, leaf = self._seal(bundle, author, tracked=statement.tracked)
        self._old.popleft()
        entry = self.parts.journal.by_author(SENT_WAY, self.lane, author)
        if entry is not None:
            self.parts.journal.renumber(entry, name.epoch, name.sequence, leaf, now_ms=self.parts.clock.now_ms())
        if statement.tracked and worker:
            self._tracked[name.sequence] = Tracked(worker, statement.root)
        self._spool.remove(old)
        self._metrics.resends.inc()
        self._put(name, sealed)

    def _drop_future(self, old: DropName, author: Author, data: bytes | None) -> None:
        """Let go of a bundle that its author made while the clock was wrong: nobody would take it for a long time.

        Its author's end sends its requests or answers again.
        """
        now_ms = self.parts.clock.now_ms()
        self._commit_all()
        self.parts.quarantine.add(Reason.FROM_THE_FUTURE, self.lane, data or b"")
        entry = self.parts.journal.by_author(SENT_WAY, self.lane, author)
        if entry is not None and entry.state is State.SENT:
            self.parts.journal.set_aside(entry, State.HELD, Reason.FROM_THE_FUTURE.value, now_ms=now_ms)
        self._old.popleft()
        self._spool.remove(old)

    def acknowledge(self, message: Acknowledgement) -> None:
        """Take in an acknowledgement whose signature held."""
        self.heard.note(message.epoch, message.made_ms)
        self._settle_away(message)
        self.take(message)

    def take(self, message: Acknowledgement, *, arrived: bool = True) -> None:
        """Let go of what a message says is done with, and mark what it misses.

        Args:
            message: the acknowledgement.
            arrived: whether the receiver said so; otherwise it is only not kept any longer.
        """
        told = (message.epoch, message.cumulative, message.gaps, message.made_ms)
        result = self.outbox.acknowledge(*told, now_ms=self.parts.clock.now_ms())
        if result.newer_epoch or result.regressed:
            now = self.parts.seconds()
            if 0 <= now - self._renewed_s < RENEW_EVERY_S:
                return
            self._renewed_s = now
            self.log.warn("epoch_renewed", lane=self.lane.lane, way=self.lane.direction, epoch=message.epoch)
            self._renew_all(above=message.epoch)
            return
        if not result.settled:
            return
        now_ms = self.parts.clock.now_ms()
        if arrived:
            self.parts.journal.finish(self.lane, self.outbox.epoch, result.settled, State.ACKED, now_ms=now_ms)
        self._commit_all()
        for sequence in result.settled:
            self._spool.remove(self._name(sequence))
            self.digests.pop(sequence, None)
            tracked = self._tracked.pop(sequence, None)
            if tracked is not None and self._progress is not None and arrived:
                self._progress.crossed(tracked)

    def tick(self) -> None:
        """Send again what is due, and give up what is hopeless.

        Raises:
            Unavailable: no room on the transport.
        """
        self._metrics.unacknowledged.set(len(self.outbox) + len(self._old))
        self._tell_if_full()
        self._metrics.gaps.set(self.outbox.missing())
        if self._newest_ms > self.parts.clock.now_ms() + CLOCK_SLACK_MS:
            # The clock was set back: what was sealed before is of the future to everybody, and would be for as long.
            self.log.warn("clock_set_back", lane=self.lane.lane, way=self.lane.direction)
            self._renew_all(above=0)
            return
        carried = self._outlet.carrying(self.lane.lane)
        self._old.extend(self._away.come_back(carried))
        due = self.outbox.due(
            self.parts.seconds(), most=RESENDS_AT_ONCE, on_its_way=lambda number: self._name(number) in carried
        )
        for sequence in due:
            data = self._spool.get(self._name(sequence))
            if data is None:
                # Someone emptied our spool: only a new epoch closes the gap for the receiver.
                self.log.error("spool_lost_bundle", lane=self.lane.lane, sequence=sequence)
                self._renew_all(above=0)
                return
            self._metrics.resends.inc(self.outbox.tries(sequence) > 0)
            self._put(self._name(sequence), data)
        hopeless = self.outbox.hopeless(tries=self.parts.limits.give_up_tries)
        if hopeless:
            self._give_up(hopeless)

    def heartbeat(self) -> Heartbeat:
        """Say how far this lane has come."""
        now_ms = self.parts.clock.now_ms()
        stream = self._stream
        return Heartbeat(*self.lane, stream.epoch, self.outbox.mark, stream.previous, now_ms)

    def _tell_if_full(self) -> None:
        full = not self.outbox.has_room()
        if full is not self.full:
            self.full = full
            lane, way = self.lane.lane, self.lane.direction
            if full:
                self.log.warn("credits_used_up", lane=lane, way=way, count=len(self.outbox))
            else:
                self.log.info("credits_free_again", lane=lane, way=way, count=len(self.outbox))

    def _begin_epoch(self, *, above: int) -> None:
        limits = self.parts.limits
        epoch = self.parts.journal.begin_epoch(self.lane, now_ms=self.parts.clock.now_ms(), above=above)
        self.outbox = Outbox(
            epoch=epoch, most_bundles=limits.credits, most_bytes=limits.spool_bytes, one_way=self._one_way
        )
        self.digests.clear()
        self._stream = SealStream(*self.lane, epoch)
        self._tracked.clear()

    def _renew_all(self, *, above: int) -> None:
        self._newest_ms = 0
        self._begin_epoch(above=above)
        self._old = self._to_renew(self._spool.prepare())

    def _to_renew(self, names: list[DropName]) -> deque[DropName]:
        """Give what has to be sent again now of what lies in the spool; what people carry waits for them."""
        return deque(self._away.part(names, self._outlet.carrying(self.lane.lane)))

    def _settle_away(self, message: Acknowledgement) -> None:
        """Settle what was sent before this half began anew, and has arrived."""
        settled = self._away.settle(message.epoch, message.cumulative)
        if not settled:
            return
        now_ms, sequences = self.parts.clock.now_ms(), [name.sequence for name in settled]
        self.parts.journal.finish(self.lane, message.epoch, sequences, State.ACKED, now_ms=now_ms)
        self._commit_all()
        for name in settled:
            data = self._spool.get(name)
            bundle = self.spooled.whole(data, name)
            if bundle is not None and self._progress is not None and peek_statement(bundle.seals[0]).tracked:
                _, worker = self.spooled.author_of(bundle)
                self._progress.crossed(Tracked(worker, peek_statement(bundle.seals[0]).root))
            self._spool.remove(name)

    def _give_up(self, sequences: list[int]) -> None:
        """Hold what the receiver never accepts, and close the gap with a new epoch."""
        self._commit_all()
        journal, now_ms = self.parts.journal, self.parts.clock.now_ms()
        held = {sequence: self._hold(sequence) for sequence in sequences}
        for sequence, digest in held.items():
            give_up_row(journal, self.lane, (self.outbox.epoch, sequence), digest, now_ms=now_ms)
        journal.commit()  # before the spool forgets it: a row that still says "sent" could not be released
        for sequence in sequences:
            self._spool.remove(self._name(sequence))
        self._renew_all(above=0)

    def _hold(self, sequence: int) -> bytes | None:
        data = self._spool.get(self._name(sequence))
        if data is None:
            return None
        self.parts.quarantine.add(Reason.GIVEN_UP, self.lane, data)
        return hashlib.sha256(data).digest()

    def _commit_all(self) -> None:
        """Commit what waits and what was rolled back: a bundle is not forgotten before its crossing is logged.

        Raises:
            Unavailable: the journal has no room.
        """
        self.parts.crossings.queue.settle()
        self.parts.journal.commit()

    def _seal(self, bundle: Bundle, author: Author, *, tracked: bool) -> tuple[DropName, bytes, bytes]:
        """Seal under the next number, keep in the spool, log; on failure the number stays free."""
        stream = replace(self._stream)
        now_ms = self.parts.clock.now_ms()
        sealed = stream.seal(bundle, self.parts.key, now_ms=now_ms, tracked=tracked)
        data = encode_bundle(sealed)
        name = self._name(stream.sequence)
        assert stream.said is not None
        self._spool.put(name, data)
        try:
            leaf = self.parts.crossings.crossed(stream.said, self.parts.key.kid, author, sealed)
        except Unavailable:
            self._spool.remove(name)
            raise
        self._stream = stream
        if self._one_way:
            self.digests[stream.sequence] = stream.previous
        self._newest_ms = max(self._newest_ms, now_ms)
        self.outbox.add(stream.sequence, len(data), self.parts.seconds())
        return name, data, leaf

    def _put(self, name: DropName, data: bytes) -> None:
        self._outlet.put(self.lane.lane, name, data)
        self.outbox.sent(name.sequence, self.parts.seconds())

    def _has_unsent(self) -> bool:
        return self.outbox.mark > self.outbox.acknowledged and self.outbox.tries(self.outbox.mark) == 0

    def _put_unsent(self) -> None:
        data = self._spool.get(self._name(self.outbox.mark))
        if data is not None:
            self._put(self._name(self.outbox.mark), data)

    def _name(self, sequence: int) -> DropName:
        return DropName(self.outbox.epoch, sequence, self.parts.name)
