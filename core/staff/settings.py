"""What the staff window is told; read from its TOML file by `wire_formats.settings_reader`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from wire_formats.inner_web.listening import check_listen
from wire_formats.instants import HOUR_MS, MINUTE_MS
from wire_formats.settings_reader import number


@dataclass(frozen=True)
class StaffSettings:
    """The staff window's process. Paths may be relative to the settings file; secrets are named, not held.

    Attributes:
        database_url: SQLAlchemy URL of the production database.
        server_key: PEM of the TLS key.
        server_chain: PEM of the TLS certificate and its issuers.
        client_issuers: PEM of the authorities of users' certificates.
        pepper: 32 raw bytes mixed into every password before hashing; the core's own file.
        client_crl: revocation list (DER) of those authorities, read again when it changes; none: bindings alone decide.
        listen: address to bind; loopback or an intranet address.
        port: TCP port; 0 takes a free one.
        allow_public_address: binds a wildcard or public address only when this is set.
        tls12: whether TLS 1.2 is still offered.
        idle_minutes: a session ends after so long without a request.
        session_hours: a session ends after so long in any case.
        sessions: sessions at once.
        threads: threads for the database and for passwords.
        waiting: requests waiting for a thread at most; one more is told to come again.
        connections: open connections at most.
        body_bytes: largest form.
        page_rows: cases on one page of the worklist, persons on one page of a batch.
    """

    database_url: str
    server_key: Path
    server_chain: Path
    client_issuers: Path
    pepper: Path
    client_crl: Path | None = None
    listen: str = "127.0.0.1"
    port: int = number(7_443, least=0, most=65_535)
    allow_public_address: bool = False
    tls12: bool = False
    idle_minutes: int = number(15, least=1, most=60)
    session_hours: int = number(10, least=1, most=24)
    sessions: int = number(500, least=1, most=10_000)
    threads: int = number(4, least=1, most=16)
    waiting: int = number(64, least=1, most=1_000)
    connections: int = number(300, least=1, most=10_000)
    body_bytes: int = number(32_768, least=1_024, most=1_048_576)
    page_rows: int = number(25, least=5, most=100)

    def __post_init__(self) -> None:
        """Refuse an address that the internet may reach, unless it is wanted."""
        check_listen(self.listen, allow_public_address=self.allow_public_address)

    @property
    def idle_ms(self) -> int:
        """Longest pause of a session, in milliseconds."""
        return self.idle_minutes * MINUTE_MS

    @property
    def session_ms(self) -> int:
        """Longest session, in milliseconds."""
        return self.session_hours * HOUR_MS
