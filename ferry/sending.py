"""The sending station of a lane: from the folders of this side onto the transport.

Low half: the workers' outbox, inbound.  High half: the core's outbox and the folder of answers the
half wrote itself, outbound.  A bundle of an older epoch is sent again before anything new.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from twisted.logger import Logger

from ferry.acts.released import ReleasedHandler
from ferry.intake import BLOCKED_S, Candidate, Intake, Over, Pause, Steps
from ferry.journal import SENT_WAY
from ferry.lane.checks import check_fresh, check_items
from ferry.lane.reasons import Reason, SetAside
from ferry.ports import FolderPort
from ferry.sender import Sender, Tracked
from wire_formats.errors import Unavailable

#: Hears of tracked bundles that were taken.
OnTaken = Callable[[Tracked], None]


class SendingStation:
    """Takes bundles from folders and sends them.

    Args:
        sender: the lane's sending end.
        sources: folders bundles come from.
        on_taken: hears of tracked bundles, after they are safe here.
        released: folder of bundles that operators released.
    """

    log = Logger()

    def __init__(
        self, sender: Sender, sources: Sequence[FolderPort], *, on_taken: OnTaken | None = None,
        released: FolderPort | None = None,
    ) -> None:  # fmt: skip
        self.sender = sender
        self.sources = tuple(sources)
        self._parts = sender.parts
        self._lane = sender.lane
        self._on_taken = on_taken
        self._taken: list[Tracked] = []
        self._intakes = [Intake(self._parts, self._lane, SENT_WAY, source, self) for source in sources]
        if released is not None:
            parts = self._parts
            again = ReleasedHandler(self, self.handle, self._lane, seal=0, signers=parts.signers, clock=parts.clock)
            self._intakes.append(Intake(parts, self._lane, SENT_WAY, released, again))
        self._turn = 0
        self._renew_at = 0.0

    def start(self) -> None:
        """Make the folders ready and begin a new epoch."""
        for source in self.sources:
            source.prepare()
        self.sender.start()

    @property
    def blocked(self) -> str:
        """Why the lane cannot go on, or empty."""
        return next((intake.blocked for intake in self._intakes if intake.blocked), "")

    def step(self, over: Over) -> bool:
        """Do a little work; gives whether there was any."""
        if self._parts.pauses.holds(self._lane):
            return False
        if self.sender.renewing:
            return self._renew()
        for _ in self._intakes:
            self._turn = (self._turn + 1) % len(self._intakes)
            if self._intakes[self._turn].step(over):
                return True
        return False

    def abandon(self) -> None:
        """Drop the batches after something broke."""
        for intake in self._intakes:
            intake.abandon()
        self.sender.heard.keep()

    def tick(self) -> None:
        """Send again what is due; a full transport only delays it."""
        try:
            self.sender.tick()
        except Unavailable as error:
            self.log.debug("resend_delayed", lane=self._lane.lane, reason=error.private)

    # What the intakes ask

    def room(self) -> int:
        """Give how many bundles may be taken now."""
        return self.sender.room()

    def handle(self, candidate: Candidate) -> Steps:
        """Check a bundle of this side and send it."""
        signers, now_ms = self._parts.signers, self._parts.clock.now_ms()
        checked = check_fresh(candidate.data, candidate.name, self._lane, signers, now_ms=now_ms)
        check_items(checked, self._lane, signers)
        yield Pause.BREATH
        known = self._parts.journal.by_author(SENT_WAY, self._lane, checked.author_key)
        if known is not None:
            self._parts.journal.forget(candidate.entry)
            if known.root != checked.author.statement.root:
                raise SetAside(Reason.AUTHOR_CONFLICT)
            self._parts.metrics.lane(self._lane).duplicates.inc()
            return
        if checked.author.statement.tracked:
            self._taken.append(Tracked(checked.author.signer.name, checked.author.statement.root))
        self.sender.send(checked, candidate.entry)

    def repeated(self, candidate: Candidate) -> None:
        """Count a file that was sent before and could not be removed in time."""
        self._parts.metrics.lane(self._lane).duplicates.inc()

    def settle(self) -> None:
        """Nothing of ours goes into the commit beyond the crossings."""

    def settled(self) -> None:
        """Tell the authors of tracked bundles that theirs are safe here."""
        taken, self._taken = self._taken, []
        if self._on_taken is not None:
            for tracked in taken:
                self._on_taken(tracked)

    def _renew(self) -> bool:
        now = self._parts.seconds()
        if now < self._renew_at <= now + 2 * BLOCKED_S:
            return False
        try:
            self.sender.renew()
        except Unavailable as error:
            self._renew_at = now + BLOCKED_S
            self.log.debug("renewal_delayed", lane=self._lane.lane, reason=error.private)
            return False
        return True
