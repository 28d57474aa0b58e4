"""Who is at the other end of a connection, as far as the edge knows."""

from __future__ import annotations

from dataclasses import dataclass, field

from dmz.edge.client_identity import CertifiedClient
from dmz.edge.refusals import Reason
from dmz.edge.request_builder import Peer
from dmz.messages import Window


@dataclass(frozen=True, slots=True)
class Caller:
    """The other end of a connection.

    Attributes:
        window: of the port.
        entrance: the port's name in logs and metrics: the window, or "plain" for the site's plain-HTTP port.
        address: IP address as text.
        secure: whether the connection is TLS.
        client: the certificate's holder; None without a certificate.
        refusal: why the certificate was refused, if it was; every request is then answered with that.
        resumed: whether the TLS session was resumed.
        server_name: the name the client asked for by SNI, lower case, or None.
        peer: what of this goes on with every request.
    """

    window: Window
    entrance: str
    address: str
    secure: bool
    client: CertifiedClient | None = None
    refusal: Reason | None = None
    resumed: bool = False
    server_name: str | None = None
    peer: Peer = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Put together what every request needs."""
        identity = None if self.client is None else self.client.identity
        object.__setattr__(self, "peer", Peer(self.window, self.address, identity, self.resumed))
