"""A machine CA in memory: signing keys and trust stores for tests, made in a millisecond."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from wire_formats.certificate_names import machine_uri, operator_uri
from wire_formats.suites import SigningKey
from wire_formats.trust import TrustStore

#: 2026-01-15T08:00:00Z, the instant at which tests happen.
NOW_MS = 1_768_464_000_000
_NOW = datetime.datetime.fromtimestamp(NOW_MS / 1000, tz=datetime.UTC)
_YEAR = datetime.timedelta(days=365)


class MachineAuthority:
    """Issues machine certificates; every instance is another CA."""

    def __init__(self, name: str = "Test machines") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = self._builder(self._name, self._key.public_key(), _NOW - _YEAR, _NOW + 9 * _YEAR)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        self.certificate = builder.sign(self._key, hashes.SHA256())

    @property
    def pem(self) -> bytes:
        """The authority's certificate."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def machine(
        self, role: str, name: str, *, start: datetime.datetime = _NOW - _YEAR, end: datetime.datetime = _NOW + _YEAR
    ) -> SigningKey:
        """Make a machine's key and certificate."""
        return self._signer(machine_uri(role, name), name, start, end)

    def operator(
        self, name: str, *, start: datetime.datetime = _NOW - _YEAR, end: datetime.datetime = _NOW + _YEAR
    ) -> SigningKey:
        """Make a gatekeeper operator's key and certificate."""
        return self._signer(operator_uri("gatekeeper", name), name, start, end)

    def _signer(self, uri_text: str, name: str, start: datetime.datetime, end: datetime.datetime) -> SigningKey:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        uri = x509.UniformResourceIdentifier(uri_text)
        builder = self._builder(subject, key.public_key(), start, end)
        builder = builder.add_extension(x509.SubjectAlternativeName([uri]), critical=False)
        return SigningKey(key, builder.sign(self._key, hashes.SHA256()))

    def trust(self, machines: Sequence[SigningKey]) -> TrustStore:
        """Make a store that knows these machines."""
        return TrustStore.from_pem([self.pem], [pem_of(machine) for machine in machines])

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey, start: datetime.datetime, end: datetime.datetime
    ) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(end)
        )


def pem_of(machine: SigningKey) -> bytes:
    """Give a machine's certificate as PEM."""
    return machine.certificate.public_bytes(serialization.Encoding.PEM)
