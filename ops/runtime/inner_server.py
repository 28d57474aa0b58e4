"""Serves a zone's pages to people with certificates: TLS, bounds, HTTP, and a bound port.

Source: decision 0027.
"""

from __future__ import annotations

from typing import Any

from twisted.protocols.tls import TLSMemoryBIOFactory

from ops.runtime.inner_site import BoundedFactory, InnerFactory, SiteResource
from ops.runtime.inner_tls import ServerContext
from wire_formats.inner_web.site import InnerSite, Serve, ServerSettings


class TlsServer:
    """One site on one port.

    Args:
        site: gives the pages.
        settings: address, keys and bounds.
        reactor: serves the port.

    Raises:
        SettingsError: key, certificate or chain cannot be used.
    """

    def __init__(self, site: InnerSite, settings: ServerSettings, reactor: Any) -> None:
        context = ServerContext(settings.key, settings.chain, settings.issuers, tls12=settings.tls12)
        http = InnerFactory(SiteResource(site), body_bytes=settings.body_bytes, reactor=reactor)
        bounded = BoundedFactory(http, most=settings.connections)
        # listenSSL would give TLS the installed reactor's clock, whatever reactor this is.
        self._secured = TLSMemoryBIOFactory(context, False, bounded, clock=reactor)
        self._settings, self._reactor = settings, reactor
        self._port: Any = None

    @property
    def port(self) -> int:
        """The port that is served; useful when 0 was asked."""
        return int(self._port.getHost().port)

    @property
    def serving(self) -> bool:
        """Whether the port is bound."""
        return self._port is not None

    def start(self) -> None:
        """Bind the port.

        Raises:
            CannotListenError: it is taken.
        """
        told = self._settings
        self._port = self._reactor.listenTCP(told.port, self._secured, interface=told.listen, backlog=told.backlog)

    async def stop(self) -> None:
        """Take no more connections."""
        if self._port is not None:
            await self._port.stopListening()
            self._port = None


def serve_with(reactor: Any) -> Serve:
    """Give what makes servers on this reactor."""
    return lambda site, settings: TlsServer(site, settings, reactor)
