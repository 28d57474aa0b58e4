"""Builds the ends of the transport that a half's settings name."""

from __future__ import annotations

from typing import Any, NamedTuple

from prometheus_client import CollectorRegistry

from ferry.lane.checks import INBOUND, OUTBOUND
from ferry.settings import DIODE, MEDIA, HalfSettings
from ferry.transports.closed import ClosedEnd
from ferry.transports.diode.inlet import DiodeInlet
from ferry.transports.diode.metrics import DiodeMetrics
from ferry.transports.diode.outlet import DiodeOutlet
from ferry.transports.directory import DirectoryInlet, DirectoryOutlet
from ferry.transports.media import MediaInlet, MediaOutlet
from ferry.transports.port import Inlet, Outlet
from wire_formats.collaborators import DirectoryWatch, Randomness
from wire_formats.settings_reader import SettingsError


class Ends(NamedTuple):
    """A half's two ends: what comes to it, and what it sends."""

    inlet: Inlet
    outlet: Outlet


def build_ends(
    settings: HalfSettings, sends: str, *, reactor: Any, randomness: Randomness, watch: DirectoryWatch,
    registry: CollectorRegistry,
) -> Ends:  # fmt: skip
    """Build a half's ends; nothing is opened before ``prepare``.

    Args:
        settings: of the half.
        sends: the direction it sends, inbound or outbound; it receives the other.
        reactor: time and descriptors.
        randomness: draws the run of a diode's sender.
        watch: wakes readers of folders.
        registry: the process's measurements.

    Raises:
        SettingsError: a diode's key cannot be used, or media have no settings.
    """
    transport = settings.transport
    closed = ClosedEnd()
    # The only way there is leads inwards.
    has_in, has_out = (sends == OUTBOUND, sends == INBOUND) if transport.one_way else (True, True)
    receives = OUTBOUND if sends == INBOUND else INBOUND
    if transport.kind == DIODE and transport.diode is not None:
        metrics = DiodeMetrics(registry)
        diode = transport.diode
        return Ends(
            DiodeInlet(diode, receives, reactor=reactor, metrics=metrics) if has_in else closed,
            DiodeOutlet(diode, sends, reactor=reactor, randomness=randomness, metrics=metrics) if has_out else closed,
        )
    if transport.kind == MEDIA:
        media = settings.media
        if media is None:
            raise SettingsError("transport.kind is media, and the table media is missing")
        outlet = MediaOutlet(media.folder, most_files=media.most_files, most_bytes=media.most_bytes)
        return Ends(MediaInlet(media.folder, watch), outlet)
    folders = {INBOUND: settings.gap_inbound, OUTBOUND: settings.gap_outbound}
    return Ends(
        DirectoryInlet(folders[receives], watch) if has_in else closed,
        DirectoryOutlet(folders[sends]) if has_out else closed,
    )
