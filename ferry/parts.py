"""What all parts of one half share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ferry.acts.pauses import Pauses
from ferry.journal import Journal
from ferry.lane.checks import Signers
from ferry.metrics import FerryMetrics
from ferry.quarantine import Quarantine
from ferry.settings import FerryLimits
from ferry.witness.at_once import AT_ONCE
from ferry.witness.station import CrossingLog
from wire_formats.certificate_names import machine_of
from wire_formats.collaborators import Clock, Disk, Pool
from wire_formats.disk import DISK
from wire_formats.suites import SigningKey


@dataclass(frozen=True, slots=True)
class HalfParts:
    """The collaborators of one half.

    Attributes:
        name: machine name in the half's certificate; the sender in its file names.
        key: signs seals and control messages.
        signers: who is known.
        journal: the half's journal.
        quarantine: the half's quarantine.
        metrics: the half's measurements.
        clock: wall-clock time, for what is signed and stored.
        seconds: the reactor's seconds, for waits and ages.
        limits: the bounds.
        crossings: every crossing is logged here.
        disk: where drops, spools and quarantine lie.
        pauses: which lanes operators have paused.
        aside: runs what waits for the disk, so that the road does not.
    """

    name: str
    key: SigningKey
    signers: Signers
    journal: Journal
    quarantine: Quarantine
    metrics: FerryMetrics
    clock: Clock
    seconds: Callable[[], float]
    limits: FerryLimits
    crossings: CrossingLog
    disk: Disk = DISK
    pauses: Pauses = field(default_factory=Pauses)
    aside: Pool = AT_ONCE

    @property
    def key_role(self) -> str:
        """Which half this is, as its certificate says."""
        return machine_of(self.key.certificate).role

    @property
    def own_kids(self) -> frozenset[bytes]:
        """Key ids of this half: the present one, and those it had before and others still know."""
        known = self.signers.trust.of_role(self.key_role)
        return frozenset(signer.kid for signer in known if signer.name == self.name) | {self.key.kid}
