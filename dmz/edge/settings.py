"""Settings of the edge: ports, certificates, limits. All limits are per child unless said otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dmz.edge.body_forms import FormLimits
from dmz.edge.connection_limits import AdmissionLimits, Rate
from dmz.edge.handshakes import HandshakeLimits
from dmz.edge.http_grammar import GrammarLimits
from dmz.edge.surroundings import BodyLimit, Pace, TakesFiles, body_limit
from dmz.edge.tls_context import TlsPolicy
from wire_formats.instants import SECOND_MS
from wire_formats.settings_reader import number


@dataclass(frozen=True, slots=True)
class EdgeSettings:
    """One edge: a master and its children.

    Attributes:
        server_key: PEM private key of the server certificate.
        server_chain: PEM server certificate, then its issuers.
        server_staple: OCSP response of the server certificate, DER; read again every minute.
        client_issuers: PEM root and issuing CAs of client certificates.
        deny_issuers: PEM issuers of the CA's deny keys.
        deny_signers: PEM certificates of the CA's deny keys.
        notices: the drop from which deny-list increments are read.
        snapshots: a drop of the edge's own, for the deny list's snapshot.
        listen: address to listen on.
        children: number of processes that serve.
        unit_port, community_port, person_port: the windows; 0 lets the system choose (tests).
        site_port: the public site, TLS without client certificate.
        plain_port: plain HTTP: redirects to the site, and health.
        public_site_port: port to which plain HTTP is redirected; 0: site_port.
        host_names: names this hall answers to; empty: any.
        login_paths: paths whose POST begins a session.
        tls12: whether TLS 1.2 is offered beside 1.3.
        session_s: how long a TLS session may be resumed, seconds.
        ticket_keys_s: how long the keys of TLS tickets are used; then new children with new keys take over.
        connections: open at once.
        address_connections, certificate_connections: open at once for one address, one certificate.
        address_new_per_s, address_requests_per_s, certificate_requests_per_s: rates; bursts are four seconds' worth.
        handshakes, address_handshakes: TLS handshakes under way at once, in all and for one address.
        form_bytes, upload_bytes: largest body of a plain form, of a multipart form.
        body_memory_bytes: all bodies together.
        answer_memory_bytes: all answers beyond 64 KiB that clients are taking, together.
        form_fields, uploads: most fields and files in one form.
        head_s, idle_s, work_s: seconds for a request's head, between requests, and for the answer.
        body_bytes_per_s: the least average rate of a body.
        drain_s: how long a child that stops lets its requests finish; shorter than the role's stop_deadline_s.
        deny_limit_s: age of the deny list beyond which logins are refused.
    """

    server_key: Path
    server_chain: Path
    client_issuers: Path
    deny_issuers: Path
    deny_signers: Path
    notices: Path
    snapshots: Path
    server_staple: Path | None = None
    listen: str = "0.0.0.0"  # noqa: S104 the edge is what the public reaches
    children: int = number(2, least=1, most=64)
    unit_port: int = number(7002, least=0, most=65_535)
    community_port: int = number(7012, least=0, most=65_535)
    person_port: int = number(7022, least=0, most=65_535)
    site_port: int = number(8443, least=0, most=65_535)
    plain_port: int = number(8080, least=0, most=65_535)
    public_site_port: int = number(0, least=0, most=65_535)
    host_names: tuple[str, ...] = ()
    login_paths: tuple[str, ...] = ("/login",)
    tls12: bool = True
    session_s: int = number(3_600, least=1, most=7_200)
    ticket_keys_s: int = number(8 * 3_600, least=1, most=24 * 3_600)
    connections: int = number(5_000, least=1, most=100_000)
    address_connections: int = number(200, least=1, most=100_000)
    certificate_connections: int = number(16, least=1, most=1_000)
    address_new_per_s: int = number(50, least=1, most=100_000)
    address_requests_per_s: int = number(200, least=1, most=1_000_000)
    certificate_requests_per_s: int = number(50, least=1, most=1_000_000)
    handshakes: int = number(512, least=1, most=100_000)
    address_handshakes: int = number(64, least=1, most=100_000)
    form_bytes: int = number(64 * 1024, least=1_024, most=1024 * 1024)
    upload_bytes: int = number(12 * 1024 * 1024, least=1_024, most=15 * 1024 * 1024)
    body_memory_bytes: int = number(256 * 1024 * 1024, least=1024 * 1024, most=16 * 1024**3)
    answer_memory_bytes: int = number(256 * 1024 * 1024, least=16 * 1024 * 1024, most=16 * 1024**3)
    form_fields: int = number(512, least=1, most=2_048)
    uploads: int = number(4, least=1, most=8)
    head_s: int = number(5, least=1, most=60)
    idle_s: int = number(60, least=1, most=3_600)
    work_s: int = number(40, least=1, most=600)
    body_bytes_per_s: int = number(4 * 1024, least=1, most=1024 * 1024)
    drain_s: int = number(8, least=1, most=600)
    deny_limit_s: int = number(3_600, least=1, most=7 * 24 * 3_600)

    def admission_limits(self) -> AdmissionLimits:
        """Give the limits on connections and requests."""
        return AdmissionLimits(
            connections=self.connections,
            connections_per_address=self.address_connections,
            connections_per_certificate=self.certificate_connections,
            new_connections=_rate(self.address_new_per_s),
            address_requests=_rate(self.address_requests_per_s),
            certificate_requests=_rate(self.certificate_requests_per_s),
        )

    def handshake_limits(self) -> HandshakeLimits:
        """Give the limits on handshakes under way."""
        return HandshakeLimits(self.handshakes, self.address_handshakes)

    def pace(self) -> Pace:
        """Give the deadlines."""
        return Pace(
            head_s=float(self.head_s),
            idle_s=float(self.idle_s),
            work_s=float(self.work_s),
            body_bytes_per_s=self.body_bytes_per_s,
        )

    def form_limits(self) -> FormLimits:
        """Give the sizes of forms; one field may be as long as a whole plain form."""
        return FormLimits(
            fields=self.form_fields,
            field_bytes=self.form_bytes,
            uploads=self.uploads,
            upload_bytes=self.upload_bytes,
        )

    def grammar_limits(self) -> GrammarLimits:
        """Give the sizes of heads; they are fixed."""
        return GrammarLimits()

    def tls_policy(self) -> TlsPolicy:
        """Give what all TLS ports have in common."""
        return TlsPolicy(tls12=self.tls12, session_s=self.session_s, names=frozenset(self.host_names))

    def body_limit(self, takes_files: TakesFiles) -> BodyLimit:
        """Give the most bytes of a body, by its announced type and by where it is sent."""
        return body_limit(takes_files, self.form_bytes, self.upload_bytes)

    @property
    def deny_limit_ms(self) -> int:
        """The deny list's age limit in milliseconds."""
        return self.deny_limit_s * SECOND_MS

    def ports(self) -> dict[str, int]:
        """Give every entrance's port, by the entrance's name."""
        return {
            "unit": self.unit_port,
            "community": self.community_port,
            "person": self.person_port,
            "site": self.site_port,
            "plain": self.plain_port,
        }


def _rate(per_second: int) -> Rate:
    return Rate(per_second=float(per_second), burst=4 * per_second)
