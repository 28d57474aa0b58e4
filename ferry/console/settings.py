"""What the console is told; read from its TOML file by ``wire_formats.settings_reader``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from wire_formats.inner_web.listening import check_listen
from wire_formats.settings_reader import number


@dataclass(frozen=True, kw_only=True)
class ConsoleSettings:
    """The console's process (table ``console``). Paths may be relative to the settings file.

    Attributes:
        half: machine name of the half it shows.
        server_key: PEM of the TLS key.
        server_chain: PEM of the TLS certificate and its issuers.
        operators: PEM file with the certificates of the gatekeeper operators; whoever is not in it is not let in.
        operator_issuers: PEM file with the authorities that issue them.
        client_crl: the authority's revocation list of persons' certificates (DER): whoever is on it is not let in.
            None: only the list of operators decides.
        trust_issuers: PEM file with the issuing certificates of machines, to verify evidence.
        trust_machines: PEM file with the machines' certificates.
        status: the half's status file.
        journal: its journal.
        crossings: its folder of logs.
        quarantine: its quarantine folder.
        acts: its folder of acts.
        media: its media folder; none: no media page.
        signing_key: PEM of the console's own key, with which it vouches for operators; none: the console only looks.
        signing_certificate: PEM of its certificate.
        listen: address to bind; loopback or an intranet address.
        port: TCP port; 0 takes a free one.
        allow_public_address: binds a wildcard or public address only when this is set.
        threads: threads for files and databases.
        waiting: requests waiting for a thread at most.
        connections: open connections at most.
        body_bytes: largest form, with its file.
    """

    half: str
    server_key: Path
    server_chain: Path
    operators: Path
    operator_issuers: Path
    trust_issuers: Path
    trust_machines: Path
    status: Path
    journal: Path
    crossings: Path
    quarantine: Path
    acts: Path
    media: Path | None = None
    client_crl: Path | None = None
    signing_key: Path | None = None
    signing_certificate: Path | None = None
    listen: str = "127.0.0.1"
    port: int = number(7_444, least=0, most=65_535)
    allow_public_address: bool = False
    threads: int = number(2, least=1, most=8)
    waiting: int = number(32, least=1, most=500)
    connections: int = number(50, least=1, most=1_000)
    body_bytes: int = number(8_192, least=512, most=65_536)

    def __post_init__(self) -> None:
        """Refuse an address that the internet may reach, unless it is wanted, and half a signer."""
        check_listen(self.listen, allow_public_address=self.allow_public_address)
        if (self.signing_key is None) != (self.signing_certificate is None):
            raise ValueError("signing_key and signing_certificate are set together, or neither is")
