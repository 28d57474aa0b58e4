"""The way of a released bundle: from the half's own folder through every check a new one meets.

Its name is read from the seal that gave it, because a held file is kept under a name of its own; everything else is the
station's business.  At a receiving lane its crossing number may have been replaced meanwhile by a newer epoch: then
only the author's number decides whether it is new (``ReceivingStation.handle_released``).

Exactly once: whoever delivers, asks the journal for the author's number first, and the core applies a request once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ferry.acts.settings import ActsSettings
from ferry.intake import Candidate, Handler, Steps
from ferry.lane.checks import LaneId, Signers
from ferry.ports import FolderPort
from wire_formats.bundle import parse_bundle, peek_statement
from wire_formats.collaborators import Clock, Disk
from wire_formats.cose import parse_sign1
from wire_formats.drop import DropName


def released_port(acts: ActsSettings, lane: LaneId, *, disk: Disk) -> FolderPort:
    """Give the folder from which a lane takes its released bundles."""
    return FolderPort(acts.released / lane.word, disk=disk)


class ReleasedHandler:
    """A lane's handler for released bundles (implements ``intake.Handler``).

    Args:
        inner: the lane's own handler.
        handle: what that does with one bundle.
        lane: the lane.
        seal: which seal names the file: 0 the author's, 1 the crossing's.
        signers: who is known.
        clock: the instant.
    """

    def __init__(
        self, inner: Handler, handle: Callable[[Candidate], Steps], lane: LaneId, *, seal: int, signers: Signers,
        clock: Clock,
    ) -> None:  # fmt: skip
        self._inner = inner
        self._handle = handle
        self._lane = lane
        self._seal = seal
        self._signers = signers
        self._clock = clock

    def room(self) -> int:
        """Give how many may be taken now."""
        return self._inner.room()

    def handle(self, candidate: Candidate) -> Steps:
        """Deal with one bundle under the name its seal gives it.

        Raises:
            PeerError: it may not pass.
            Unavailable: it cannot pass now.
        """
        yield from self._handle(replace(candidate, name=self._name(candidate.data)))

    def repeated(self, candidate: Candidate) -> None:
        """It was dealt with before the last crash, or has come another way."""
        self._inner.repeated(candidate)

    def settle(self) -> None:
        """Write what goes into the same commit."""
        self._inner.settle()

    def settled(self) -> None:
        """The batch is committed."""
        self._inner.settled()

    def _name(self, data: bytes) -> DropName:
        bundle = parse_bundle(data)
        seal = bundle.seals[min(self._seal, len(bundle.seals) - 1)]
        statement = peek_statement(seal)
        roles = self._lane.crossing_role if self._seal else self._lane.author_roles
        now_ms = self._clock.now_ms()
        signer = self._signers.trust.signer(parse_sign1(seal).kid, role=roles, now_ms=now_ms)
        return DropName(statement.epoch, statement.sequence, signer.name)
