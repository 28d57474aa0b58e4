"""Metrics of the intrusion watch; rows in wire_formats.metric_names say what each means."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge

from dmz.intrusion.offences import Offence

ACTIONS: Final = (
    "throttled",
    "banned",
    "lifted",
    "clamd_absent",
    "clamd_back",
    "connection_closed",
    "request_banned",
    "request_slowed",
)
SCANS: Final = ("clean", "infected", "not_scanned")


class IntrusionMetrics:
    """What the intrusion watch of one edge counts.

    Args:
        registry: of this process.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        offences = Counter("dmz_intrusion_offences_total", "Offences", ("kind",), registry=registry)
        self.offences = {offence: offences.labels(offence.word) for offence in Offence}
        actions = Counter("dmz_intrusion_actions_total", "What followed", ("action",), registry=registry)
        self.actions = {action: actions.labels(action) for action in ACTIONS}
        bans = Gauge("dmz_intrusion_bans_total", "Bans that hold now", ("subject",), registry=registry)
        self.address_bans = bans.labels("address")
        self.certificate_bans = bans.labels("certificate")
        self.offenders = Gauge("dmz_intrusion_offenders_total", "Offenders with a score", registry=registry)
        self.lines_left_out = Counter("dmz_intrusion_lines_left_out_total", "Offences not logged", registry=registry)
        self.files_refused = Counter("dmz_intrusion_files_refused_total", "Files that are no ban", registry=registry)
        scans = Counter("dmz_clamd_scans_total", "Uploads looked at", ("verdict",), registry=registry)
        self.scans = {verdict: scans.labels(verdict) for verdict in SCANS}
        self.scanner_absent = Gauge("dmz_clamd_absent_total", "1 while clamd does not answer", registry=registry)
