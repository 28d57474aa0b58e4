"""What a zone gives to be served, and the server it is given; ``ops.runtime.inner_server`` brings the two together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cryptography import x509

from wire_formats.inner_web.replies import Reply
from wire_formats.inner_web.requests import WebRequest


class InnerSite(Protocol):
    """A zone's pages: everything below ``/``; called in the reactor's thread."""

    @property
    def also_shown(self) -> str:
        """What the policy of contents allows besides the own style sheet and forms, such as "img-src data:; "."""

    async def serve(self, request: WebRequest) -> Reply:
        """Answer a request."""
        ...

    def failed(self, error: Exception, request: WebRequest) -> Reply:
        """Turn what escaped ``serve`` into a page: a full queue, or our own fault."""

    def unwritten(self, error: Exception) -> None:
        """Tell that a reply could not be written; its connection is cut."""

    def begun(self) -> Callable[[Reply], None]:
        """Note that a request begins; gives what hears of its reply."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """What a server is told.

    Attributes:
        listen: address to bind (see ``listening``).
        port: TCP port; 0 takes a free one.
        key: PEM file of the server's key.
        chain: PEM file of its certificate and issuers.
        issuers: authorities of the visitors' certificates.
        tls12: whether TLS 1.2 is offered beside TLS 1.3.
        body_bytes: largest body.
        connections: open connections at most.
        backlog: connections that wait to be taken.
    """

    listen: str
    port: int
    key: Path
    chain: Path
    issuers: tuple[x509.Certificate, ...]
    tls12: bool = False
    body_bytes: int
    connections: int
    backlog: int


class InnerServer(Protocol):
    """A server of one site; called in the reactor's thread."""

    @property
    def port(self) -> int:
        """The port that is served; useful when 0 was asked."""

    @property
    def serving(self) -> bool:
        """Whether the port is bound."""

    def start(self) -> None:
        """Bind the port; raises what the network raises when it is taken."""

    async def stop(self) -> None:
        """Take no more connections; nothing happens when none were taken."""


#: Makes a server that is not started yet; SettingsError when key, certificate or chain cannot be used.
Serve = Callable[[InnerSite, ServerSettings], InnerServer]
