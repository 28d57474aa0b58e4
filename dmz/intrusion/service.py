"""The intrusion watch of one forked edge, put together: what ops builds and starts.

::

    watched( firewall( scanned( content switch )))
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from prometheus_client import CollectorRegistry

from dmz.answering import Answerer
from dmz.intrusion.clamd import ClamdClient
from dmz.intrusion.events import EventTeller, Sink
from dmz.intrusion.handler import WatchedHandler
from dmz.intrusion.metrics import IntrusionMetrics
from dmz.intrusion.settings import IntrusionSettings
from dmz.intrusion.syslog import SyslogSender, parse_collector
from dmz.intrusion.uploads import ScannerPresence, ScanningHandler
from dmz.intrusion.watch import IntrusionWatch, Post
from dmz.messages import Handler
from wire_formats.collaborators import Clock, DirectoryWatch


class IntrusionService:
    """Makes the parts, and starts and stops those that need it.

    Args:
        settings: of the watch.
        post: this process.
        reactor: sockets and time.
        clock: wall clock.
        registry: of this process's metrics.
        sinks: take CEF lines, besides the collector of the settings.
    """

    def __init__(
        self,
        settings: IntrusionSettings,
        post: Post,
        *,
        reactor: Any,
        clock: Clock,
        registry: CollectorRegistry,
        sinks: Sequence[Sink] = (),
    ) -> None:
        self._settings = settings
        self._reactor = reactor
        self._metrics = IntrusionMetrics(registry)
        self._syslog = SyslogSender(parse_collector(settings.syslog), clock, post.name) if settings.syslog else None
        all_sinks: list[Sink] = [*sinks]
        if self._syslog is not None:
            all_sinks.append(self._syslog)
        self._teller = EventTeller(self._metrics, clock, post.name, all_sinks)
        self._presence = ScannerPresence(self._metrics, self._teller)
        self._scanning: ScanningHandler | None = None
        self.watch = IntrusionWatch(settings, post, clock=clock, metrics=self._metrics, teller=self._teller)

    def scanned(self, inner: Handler | Answerer) -> Handler | Answerer:
        """Put the virus scanner before a handler, if the settings name one."""
        settings = self._settings
        if settings.clamd_socket is None:
            return inner
        clamd = ClamdClient(self._reactor, settings.clamd_socket, settings.clamd_deadline_s)
        self._scanning = ScanningHandler(
            inner, clamd, presence=self._presence, metrics=self._metrics, required=settings.clamd_required
        )
        return self._scanning

    def watched(self, inner: Handler | Answerer) -> Answerer:
        """Watch a handler."""
        return WatchedHandler(inner, self.watch)

    def start(self, directories: DirectoryWatch) -> None:
        """Read the bans and follow them; begin to look for the scanner and to send lines."""
        if self._syslog is not None:
            self._syslog.start(self._reactor)
        self.watch.start(directories)
        if self._scanning is not None:
            self._scanning.start(self._reactor)

    def stop(self) -> None:
        """Follow nothing any longer; what is known still holds for the connections that drain."""
        self.watch.stop()
        if self._scanning is not None:
            self._scanning.stop()

    def figures(self) -> dict[str, int]:
        """Give what `ferrygate status` shows."""
        figures = {"bans": self.watch.bans()}
        if self._presence.absent:
            figures["clamd_absent"] = 1
        return figures
