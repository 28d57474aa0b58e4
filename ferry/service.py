"""Builds the two halves from their settings.

low = build_low(settings, reactor=..., clock=..., randomness=..., watch=..., registry=...)
low.start();  ...;  await low.stop()
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from prometheus_client import CollectorRegistry
from twisted.internet.interfaces import IReactorTime

from ferry.high_half import HIGH_LANES, HighHalf
from ferry.inspector.client import FarInspector
from ferry.inspector.port import InspectionPort
from ferry.journal import Journal
from ferry.lane.checks import HIGH_ROLE, INBOUND, LOW_ROLE, OUTBOUND, WORKER_ROLE, LaneId, Signers
from ferry.low_half import LOW_LANES, LowHalf
from ferry.metrics import FerryMetrics
from ferry.own_keys import known_signers, signing_key
from ferry.parts import HalfParts
from ferry.quarantine import Quarantine
from ferry.settings import HalfSettings, HighSettings, LowSettings
from ferry.transports.ends import build_ends
from ferry.witness.at_once import AT_ONCE
from ferry.witness.station import CrossingLog
from wire_formats.certificate_names import machine_of
from wire_formats.collaborators import Clock, DirectoryWatch, Pool, Randomness


def build_low(  # noqa: PLR0913 - collaborators, each by name
    settings: LowSettings, *, reactor: IReactorTime, clock: Clock, randomness: Randomness, watch: DirectoryWatch,
    registry: CollectorRegistry, aside: Pool = AT_ONCE,
) -> LowHalf:  # fmt: skip
    """Build the low half; nothing runs before ``start``.

    Args:
        settings: its settings.
        reactor: time, and what its transport needs.
        clock: wall-clock time.
        randomness: unpredictable bytes.
        watch: wakes readers.
        registry: the process's measurements.
        aside: runs what waits for the disk; where it is asked for when not given.

    Raises:
        SettingsError: a key, certificate or folder named in the settings cannot be used.
    """
    parts = replace(half_parts(settings, LOW_ROLE, LOW_LANES, reactor, clock, registry), aside=aside)
    ends = build_ends(settings, INBOUND, reactor=reactor, randomness=randomness, watch=watch, registry=registry)
    return LowHalf(parts, settings, reactor, ends.inlet, ends.outlet, watch)


def build_high(  # noqa: PLR0913 - collaborators, each by name
    settings: HighSettings, *, reactor: IReactorTime, clock: Clock, randomness: Randomness, watch: DirectoryWatch,
    registry: CollectorRegistry, inspector: InspectionPort | None = None, aside: Pool = AT_ONCE,
) -> HighHalf:  # fmt: skip
    """Build the high half; nothing runs before ``start``.

    Args:
        settings: its settings.
        reactor: connects, and time.
        clock: wall-clock time.
        randomness: unpredictable bytes.
        watch: wakes readers.
        registry: the process's measurements.
        inspector: opens and checks requests; the one that the settings name when None.
        aside: runs what waits for the disk; where it is asked for when not given.

    Raises:
        SettingsError: a key, certificate or folder named in the settings cannot be used.
    """
    parts = replace(half_parts(settings, HIGH_ROLE, HIGH_LANES, reactor, clock, registry), aside=aside)
    ends = build_ends(settings, OUTBOUND, reactor=reactor, randomness=randomness, watch=watch, registry=registry)
    return HighHalf(parts, settings, reactor, ends, watch, inspector or FarInspector(settings.inspector, reactor))


def half_parts(
    settings: HalfSettings, role: str, lanes: Iterable[LaneId], reactor: IReactorTime, clock: Clock,
    registry: CollectorRegistry,
) -> HalfParts:  # fmt: skip
    """Build what the parts of one half share.

    Raises:
        SettingsError: a key, certificate or folder named in the settings cannot be used.
    """
    key = signing_key(settings.signing_key, settings.signing_certificate, role)
    trust = known_signers(settings.trust_issuers, settings.trust_machines)
    workers: Collection[str] = frozenset(settings.workers) or trust.names(WORKER_ROLE)
    metrics = FerryMetrics(registry, lanes)
    settings.journal.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    limits = settings.limits
    journal = Journal(settings.journal, keep_rows=limits.journal_rows)
    return HalfParts(
        name=machine_of(key.certificate).name,
        key=key,
        signers=Signers(trust, workers),
        journal=journal,
        quarantine=Quarantine(
            settings.quarantine,
            most_files=limits.quarantine_files,
            most_bytes=limits.quarantine_bytes,
            clock=clock,
            metrics=metrics,
        ),
        metrics=metrics,
        clock=clock,
        seconds=reactor.seconds,
        limits=limits,
        crossings=CrossingLog(
            journal, settings.crossings_folder, headers=role == HIGH_ROLE and limits.headers_kept > 0
        ),
    )
