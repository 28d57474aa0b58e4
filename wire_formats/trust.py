"""Who may sign: certificates of machines and of gatekeeper operators of the own CA, by key id and role.

A machine's certificate carries ``URI:urn:ferrygate:machine:<role>:<name>`` as its subject
alternative name; an operator's has ``URI:urn:ferrygate:operator:<role>:<name>``.  A store is built
from the issuing certificates and the signers' certificates a zone was given; a signer it was not
given does not exist for it.

Source: DESIGN invariant 2 ("signed by a worker key that is valid now"); catalogue F10.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from wire_formats.certificate_names import signer_of
from wire_formats.errors import Kind, PeerError
from wire_formats.instants import SECOND_MS
from wire_formats.suites import VerifyKey, key_id


@dataclass(frozen=True, slots=True)
class Signer:
    """One machine, or one operator, that may sign."""

    kid: bytes
    role: str
    name: str
    not_before_ms: int
    not_after_ms: int
    key: VerifyKey

    def check_valid(self, now_ms: int) -> None:
        """Check that the certificate was valid at an instant.

        Raises:
            PeerError: SIGNER_NOT_VALID.
        """
        if not self.not_before_ms <= now_ms <= self.not_after_ms:
            raise PeerError(Kind.SIGNER_NOT_VALID, f"{self.name} is not valid then")


class TrustStore:
    """The signers one process knows."""

    def __init__(self, signers: Iterable[Signer]) -> None:
        self._signers = {signer.kid: signer for signer in signers}

    @classmethod
    def from_pem(cls, issuer_pems: Iterable[bytes], certificate_pems: Iterable[bytes]) -> TrustStore:
        """Build a store from PEM bytes; each item may hold several certificates.

        Raises:
            PeerError: UNKNOWN_SIGNER for a certificate that no given issuer signed, or that has
                no signer's name; MALFORMED for what is no certificate.
        """
        issuers = list(_certificates(issuer_pems))
        return cls(_signer(certificate, issuers) for certificate in _certificates(certificate_pems))

    def __len__(self) -> int:
        return len(self._signers)

    def names(self, role: str) -> frozenset[str]:
        """Give the names of all machines with this role."""
        return frozenset(s.name for s in self._signers.values() if s.role == role)

    def of_role(self, role: str) -> tuple[Signer, ...]:
        """Give every certificate of this role; a machine has two of them while its key changes."""
        return tuple(signer for signer in self._signers.values() if signer.role == role)

    def signer(self, kid: bytes, *, role: str | tuple[str, ...], now_ms: int) -> Signer:
        """Give a signer that has one of these roles and is valid now.

        Raises:
            PeerError: UNKNOWN_SIGNER, WRONG_ROLE or SIGNER_NOT_VALID.
        """
        signer = self._signers.get(kid)
        if signer is None:
            raise PeerError(Kind.UNKNOWN_SIGNER, f"unknown key id {kid[:8].hex()}")
        roles = (role,) if isinstance(role, str) else role
        if signer.role not in roles:
            raise PeerError(Kind.WRONG_ROLE, f"{signer.role} signed for {'/'.join(roles)}")
        signer.check_valid(now_ms)
        return signer


def _certificates(pems: Iterable[bytes]) -> Iterator[x509.Certificate]:
    for pem in pems:
        try:
            yield from x509.load_pem_x509_certificates(pem)
        except ValueError:
            raise PeerError(Kind.MALFORMED, "not a PEM certificate") from None


def _signer(certificate: x509.Certificate, issuers: list[x509.Certificate]) -> Signer:
    for issuer in issuers:
        try:
            certificate.verify_directly_issued_by(issuer)
            break
        except (ValueError, TypeError, InvalidSignature):
            continue
    else:
        raise PeerError(Kind.UNKNOWN_SIGNER, "no trusted issuer signed this certificate")
    role, name = signer_of(certificate)
    return Signer(
        kid=key_id(certificate),
        role=role,
        name=name,
        not_before_ms=_ms(certificate.not_valid_before_utc),
        not_after_ms=_ms(certificate.not_valid_after_utc),
        key=VerifyKey(certificate),
    )


def _ms(moment: datetime.datetime) -> int:
    return round(moment.timestamp() * SECOND_MS)
