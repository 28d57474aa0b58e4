"""The receiving station of a lane: from the transport into the folders of this side.

    read ──▶ seals ──▶ number (replay window) ──▶ items ──▶ author known? ──▶ deliver ──▶ settle number

What is delivered is decided by the half: the low half puts answers into the worker's inbox, the high
half inspects requests and puts them into the core's inbox.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Final, Protocol

from ferry.acts.released import ReleasedHandler
from ferry.heard import Heard
from ferry.intake import CRASHES, Candidate, Intake, Over, Pause, Steps
from ferry.journal import RECEIVED_WAY, Numbered
from ferry.lane.checks import OUTBOUND, Checked, Items, LaneId, check_arrived, check_items
from ferry.lane.crossing import State
from ferry.lane.inbox import Inbox, Verdict
from ferry.lane.reasons import MAY_PASS_LATER, Reason, SetAside, reason_of, reason_of_verdict
from ferry.parts import HalfParts
from ferry.ports import FolderPort, InletPort
from wire_formats.bundle import CheckedSeal
from wire_formats.errors import PeerError
from wire_formats.lane_control import Acknowledgement, Heartbeat

#: Shortest time between two acknowledgements of a lane; the half's tick sends what was put off.
ACKNOWLEDGE_EVERY_S: Final = 0.05

#: A bundle that was held because it broke us is looked at twice more, for the number in its seal.
LOOKS_AT_HELD: Final = CRASHES + 3


class Deliver(Protocol):
    """Puts bundles that passed where they belong."""

    def room(self) -> int:
        """Give how many bundles may be delivered now.

        Raises:
            Unavailable: none, for a reason worth telling.
        """

    #: How many looks more a bundle that broke us gets, so that the item in it that does can be found and kept back.
    looks_more: int

    def deliver(self, checked: Checked, items: Items, *, careful: bool) -> Generator[Pause, None, State]:
        """Deliver one bundle; yields between items.

        Args:
            checked: the bundle.
            items: what its items' headers say.
            careful: whether something broke while it was looked at before.

        Returns:
            SENT, or REJECTED when nothing of it was fit to be delivered.

        Raises:
            PeerError: it may not pass as it is; another copy of it may.
            Unavailable: it cannot be delivered now.
        """


class ReceivingStation:
    """Takes bundles of one lane off the transport.

    Args:
        parts: the half's collaborators.
        lane: the lane.
        port: the transport's lane.
        deliver: where bundles go.
        on_settled: called after each batch, so that an acknowledgement can be sent.
        released: folder of bundles that operators released.
    """

    def __init__(
        self, parts: HalfParts, lane: LaneId, port: InletPort, deliver: Deliver, on_settled: Callable[[], None],
        released: FolderPort | None = None,
    ) -> None:  # fmt: skip
        self.lane = lane
        self.inbox = Inbox()
        self.heard = Heard(parts, lane)
        self.acknowledgement_due = False
        self._parts = parts
        self._deliver = deliver
        self._on_settled = on_settled
        self._metrics = parts.metrics.lane(lane)
        crashes = CRASHES + deliver.looks_more
        self._intake = Intake(parts, lane, RECEIVED_WAY, port, self, crashes=crashes)
        again = ReleasedHandler(self, self.handle_released, lane, seal=1, signers=parts.signers, clock=parts.clock)
        self._again = (
            Intake(parts, lane, RECEIVED_WAY, released, again, crashes=crashes) if released is not None else None
        )
        self._dirty = False
        self._acknowledged_s = 0.0
        # The other lanes commit the journal, too, in the middle of our batch.
        parts.journal.before_commit(self.settle)

    def start(self) -> None:
        """Take up where the journal ended."""
        self.inbox = self._parts.journal.load_inbox(self.lane)
        self.heard.start()
        self.acknowledgement_due = self.inbox.epoch > 0

    @property
    def paused(self) -> bool:
        """Whether operators paused this lane at this end."""
        return self._parts.pauses.holds(self.lane)

    @property
    def blocked(self) -> str:
        """Why the lane cannot go on, or empty."""
        return self._intake.blocked or (self._again.blocked if self._again is not None else "")

    def step(self, over: Over) -> bool:
        """Do a little work; gives whether there was any.  A paused lane finishes what is in hand and takes no more."""
        again = self._again
        if self.paused and not self._intake.busy and not (again is not None and again.busy):
            return False
        # One at a time: the same bundle may lie in both places, and is looked up in the journal before it is delivered.
        if again is not None and (again.busy or not self._intake.busy):
            worked = again.step(over)
            if worked or again.busy:
                return worked
        return self._intake.step(over)

    def abandon(self) -> None:
        """Drop the batch after something broke."""
        self._intake.abandon()
        if self._again is not None:
            self._again.abandon()
        self.heard.keep()

    def heartbeat(self, message: Heartbeat) -> None:
        """Take in a heartbeat whose signature held; a lost tail shows here."""
        self.heard.note(message.epoch, message.made_ms)
        self.inbox.heard(message.epoch, message.mark)
        self._metrics.gaps.set(self.inbox.missing())
        self.acknowledgement_due = True

    def acknowledgement(self) -> Acknowledgement | None:
        """Give the acknowledgement to send now, or None before the first contact.

        A paused lane misses nothing: what it has not taken waits on the transport, and the sender keeps it.
        """
        self.acknowledgement_due = False
        self._acknowledged_s = self._parts.seconds()
        if self.inbox.epoch == 0:
            return None
        inbox, now_ms = self.inbox, self._parts.clock.now_ms()
        gaps = () if self.paused else inbox.gaps()
        return Acknowledgement(*self.lane, inbox.epoch, inbox.cumulative, gaps, now_ms)

    def forgone(self) -> None:
        """Note that numbers were given up, so that a new start does not ask for them again."""
        self._parts.journal.save_inbox(self.lane, self.inbox)
        self._parts.journal.commit()
        self._metrics.gaps.set(self.inbox.missing())

    # What the intake asks

    def room(self) -> int:
        """Give how many bundles may be taken now."""
        return self._deliver.room()

    def handle(self, candidate: Candidate) -> Steps:
        """Check a bundle and deliver it unless it has come before."""
        checked, crossing = self._arrived(candidate)
        yield Pause.BREATH
        if self._is_new(candidate, crossing):
            yield from self._go_on(candidate, checked, crossing)

    def handle_released(self, candidate: Candidate) -> Steps:
        """Check a released bundle as any other, but for its number: a newer epoch may have replaced it by now."""
        checked, crossing = self._arrived(candidate)
        yield Pause.BREATH
        self._judge(crossing)
        yield from self._go_on(candidate, checked, crossing)

    def _go_on(self, candidate: Candidate, checked: Checked, crossing: CheckedSeal) -> Steps:
        parts = self._parts
        try:
            items = check_items(checked, self.lane, parts.signers)
            if self._author_is_known(candidate, checked):
                self._settle_number(checked, crossing)
                return
        except PeerError as error:
            # The other half vouches for this number: unless it may pass later, the lane goes on.
            if reason_of(error) not in MAY_PASS_LATER and not self._may_be_the_road(candidate, error):
                self._settle_number(checked, crossing, items_hold=False)
            raise
        yield Pause.BREATH
        try:
            state = yield from self._deliver.deliver(checked, items, careful=candidate.entry.met_before)
        except PeerError as error:
            if not self._may_be_the_road(candidate, error):
                self._settle_number(checked, crossing)
            raise
        self._pass(candidate, checked, crossing, state)

    def _may_be_the_road(self, candidate: Candidate, error: PeerError) -> bool:
        """Whether a content was damaged on the way, so that it comes again.

        An answer's always was: the other half compared it with its header before it sealed it.  Of a request only the
        inspector can tell: the same bytes a second time may be what its worker sealed, and the lane goes on without
        them, or one worker's rubbish would use up everybody's credits.
        """
        if reason_of(error) is not Reason.DAMAGED_CONTENT:
            return False
        return self.lane.direction == OUTBOUND or candidate.entry.state is not State.QUARANTINED

    def repeated(self, candidate: Candidate) -> None:
        """Note that a crossing came again: our acknowledgement was lost or late, or its number was never settled."""
        self._metrics.duplicates.inc()
        self.acknowledgement_due = True
        if candidate.entry.state is State.HELD and candidate.entry.attempts < LOOKS_AT_HELD:
            self._settle_held(candidate)

    def settle(self) -> None:
        """Put the receiver's memory into the same commit as its crossings."""
        if self._dirty:
            self._parts.journal.save_inbox(self.lane, self.inbox)
            self._dirty = False

    def settled(self) -> None:
        """Let the half acknowledge."""
        self._metrics.gaps.set(self.inbox.missing())
        now = self._parts.seconds()
        if self.acknowledgement_due and not 0 <= now - self._acknowledged_s < ACKNOWLEDGE_EVERY_S:
            self._on_settled()

    def _settle_held(self, candidate: Candidate) -> None:
        """Settle the number of a bundle that was held without a look at it, so that the lane goes on.

        Its seals are looked at now, counted first as any look at what broke us before; its content never again.
        """
        self._parts.journal.suspect(candidate.entry)
        try:
            checked, crossing = self._arrived(candidate)
        except PeerError:
            return  # no number of the other half's
        if self._verdict(crossing) is Verdict.NEW:
            self._settle_number(checked, crossing, items_hold=False)

    def _arrived(self, candidate: Candidate) -> tuple[Checked, CheckedSeal]:
        """Check both seals; gives the bundle and the crossing's seal.

        Raises:
            PeerError: with a reason word.
        """
        signers, now_ms = self._parts.signers, self._parts.clock.now_ms()
        return check_arrived(candidate.data, candidate.name, self.lane, signers, now_ms=now_ms)

    def _verdict(self, crossing: CheckedSeal) -> Verdict:
        """Say what a crossing's number is to this receiver; changes nothing."""
        said = crossing.statement
        return self.inbox.judge(said.epoch, said.sequence, previous=said.previous, digest=crossing.digest)

    def _judge(self, crossing: CheckedSeal) -> Verdict:
        """Give the verdict on a crossing's number.

        Raises:
            SetAside: it cannot be right.
        """
        verdict = self._verdict(crossing)
        if (reason := reason_of_verdict(verdict)) is not None:
            raise SetAside(reason)
        return verdict

    def _is_new(self, candidate: Candidate, crossing: CheckedSeal) -> bool:
        if self._judge(crossing) is Verdict.NEW:
            return True
        self._parts.journal.forget(candidate.entry)
        self._metrics.duplicates.inc()
        self.acknowledgement_due = True
        return False

    def _author_is_known(self, candidate: Candidate, checked: Checked) -> bool:
        known = self._parts.journal.by_author(RECEIVED_WAY, self.lane, checked.author_key)
        if known is None:
            return False
        if known.root != checked.author.statement.root:
            raise SetAside(Reason.AUTHOR_CONFLICT)
        self._parts.journal.forget(candidate.entry)
        self._metrics.duplicates.inc()
        return True

    def _pass(self, candidate: Candidate, checked: Checked, crossing: CheckedSeal, state: State) -> None:
        statement, now_ms = crossing.statement, self._parts.clock.now_ms()
        leaf = self._settle_number(checked, crossing)
        size = len(candidate.data)
        numbered = Numbered(
            checked.author_key, statement.root, statement.epoch, statement.sequence, leaf, statement.count, size
        )
        self._parts.journal.passed(candidate.entry, numbered, state, now_ms=now_ms)
        self._metrics.bundles.inc()
        self._metrics.items.inc(statement.count)
        self._metrics.bytes.inc(size)
        self._metrics.age.observe(max(0.0, (now_ms - checked.author.statement.made_ms) / 1000))

    def _settle_number(self, checked: Checked, crossing: CheckedSeal, *, items_hold: bool = True) -> bytes:
        """Log that this crossing came over the gap, whatever becomes of it, and be done with its number."""
        leaf = self._parts.crossings.crossed(
            crossing.statement, crossing.signer.kid, checked.author_key, checked.bundle, items_hold=items_hold
        )
        self.inbox.settle(crossing.statement.epoch, crossing.statement.sequence, crossing.digest)
        self._dirty = self.acknowledgement_due = True
        return leaf
