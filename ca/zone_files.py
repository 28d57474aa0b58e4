"""Files that provisioning puts into the zones, and which machines each zone is told of. Pure paths.

    <zone>/keys/<name>.key.pem   <name>.pem         0600 / 0644: a machine's key and certificate
    <zone>/keys/server.key.pem   server.pem         TLS key; certificate, issuer, root
    dmz/keys/server.ocsp                            the CA's word on that certificate, for a week
    <zone>/trust/machine_issuers.pem                issuing authority of machines, root
    <zone>/trust/machines.pem                       certificates of the machines this zone may believe
    <zone>/trust/client_issuers.pem                 issuing authority of users, root   (dmz, core, both halves)
    <zone>/trust/root.pem                           the root alone                     (dmz: offered for import)
    dmz/trust/ferry_high.x25519  core.x25519        32 raw octets: public seal keys
    ferry_low/trust/ferry_high.x25519               the same of the other half, for media; and the other way round
    <half>/trust/operators.pem                      certificates of gatekeeper operators; kept by people
    ferry_inspector/keys/seal.x25519                32 raw octets: private, opens requests
    ferry_high/keys/seal.x25519                     32 raw octets: private, opens media
    ferry_low/keys/seal.x25519                      32 raw octets: private, opens media
    core/keys/secret.x25519                         32 raw octets: private, opens secret fields

Source: DESIGN "Zones and packages", invariant 5; F10.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

#: The roles whose signatures each zone may believe.
BELIEVED: Final = {
    "dmz": ("core", "ferry_low", "ferry_high", "ca_deny"),
    "ferry_low": ("worker", "ferry_low", "ferry_high", "core", "ca_deny"),
    "ferry_high": ("worker", "ferry_low", "ferry_high", "ferry_console", "core", "ca_deny"),
    "core": ("worker", "ferry_low", "ferry_high", "core", "ca_deny"),
}
CLIENT_ZONES: Final = ("dmz", "core", "ferry_low", "ferry_high")
#: Each half seals media to the other one.
MEDIA_ZONES: Final = {"ferry_low": "ferry_high", "ferry_high": "ferry_low"}


@dataclass(frozen=True, slots=True)
class Machine:
    """A process that signs, and the zone it lives in."""

    role: str
    name: str
    zone: str


@dataclass(frozen=True, slots=True)
class ZoneFiles:
    """The paths of one installation.

    Attributes:
        root: the folder that holds the zones, usually `var`.
    """

    root: Path

    def key(self, zone: str, name: str) -> Path:
        """A private key."""
        return self.root / zone / "keys" / f"{name}.key.pem"

    def certificate(self, zone: str, name: str) -> Path:
        """The certificate for a private key."""
        return self.root / zone / "keys" / f"{name}.pem"

    @property
    def staple(self) -> Path:
        """The OCSP response of the public servers' certificate."""
        return self.root / "dmz" / "keys" / "server.ocsp"

    def trust(self, zone: str, name: str) -> Path:
        """A file of public data."""
        return self.root / zone / "trust" / name

    @property
    def high_seal_key(self) -> Path:
        """Opens what workers seal to the core's side; the inspector alone has it."""
        return self.seal_key("ferry_inspector")

    def seal_key(self, half: str) -> Path:
        """Opens what is sealed to a part of the ferry."""
        return self.root / half / "keys" / "seal.x25519"

    @property
    def core_secret_key(self) -> Path:
        """Opens secret fields."""
        return self.root / "core" / "keys" / "secret.x25519"

    @property
    def ca(self) -> Path:
        """The authority's folder."""
        return self.root / "ca"

    @property
    def ceremony_plan(self) -> Path:
        """The reviewed file of the first ceremony."""
        return self.ca / "ceremony.toml"

    @property
    def root_folder(self) -> Path:
        """The root's key: to be taken offline."""
        return self.ca / "keys" / "root"

    @property
    def issuing_folder(self) -> Path:
        """The issuing authorities' keys."""
        return self.ca / "keys" / "issuing"

    @property
    def pepper(self) -> Path:
        """What the slips' secrets are keyed with besides their codes."""
        return self.ca / "keys" / "pepper"


def machines(workers: tuple[str, ...]) -> tuple[Machine, ...]:
    """Return every signing process of an installation with these workers."""
    return (
        *(Machine("worker", name, "dmz") for name in workers),
        Machine("ferry_low", "ferry_low", "ferry_low"),
        Machine("ferry_high", "ferry_high", "ferry_high"),
        Machine("ferry_console", "gatekeeper", "gatekeeper"),
        Machine("core", "core", "core"),
        Machine("ca_deny", "ca_deny", "ca"),
    )
