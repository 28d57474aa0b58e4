"""Who keeps a log."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from wire_formats.suites import SigningKey
from wire_formats.tlog.checkpoint import Origin
from wire_formats.trust import Signer, TrustStore


@dataclass(frozen=True, slots=True)
class LogKeeper:
    """Who keeps a log.

    Attributes:
        role: ferry_low or ferry_high.
        name: machine name.
        key: signs checkpoints.
        trust: certificates of both halves, older ones included.
        peer: role of the other half.
    """

    role: str
    name: str
    key: SigningKey
    trust: TrustStore
    peer: str

    @property
    def first(self) -> Origin:
        """Origin of the first log: it stands on the certificate it was begun under."""
        return Origin(self.role, self.name, 1, self.key.kid)

    def own_signers(self) -> Iterator[Signer]:
        """Give this half's certificates, older ones included."""
        return (signer for signer in self.trust.of_role(self.role) if signer.name == self.name)
