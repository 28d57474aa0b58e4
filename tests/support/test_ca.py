"""A CA for clients and servers in memory: root, issuing CA, and certificates with every fault a test wants."""

from __future__ import annotations

import datetime
import ipaddress
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from wire_formats.certificate_names import account_uri

DAY = datetime.timedelta(days=1)


@dataclass(frozen=True)
class Credentials:
    """A private key with its certificate and the chain up to (without) the root."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]

    @property
    def key_pem(self) -> bytes:
        """The key, not encrypted."""
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    @property
    def chain_pem(self) -> bytes:
        """The certificate and its issuers."""
        return b"".join(c.public_bytes(serialization.Encoding.PEM) for c in (self.certificate, *self.chain))


class HallAuthority:
    """Root and issuing CA; every instance is another CA.

    Args:
        name: part of the CAs' common names.
        now: validity is counted from here (real time, since TLS libraries look at their own clock).
    """

    def __init__(self, name: str = "test hall", now: datetime.datetime | None = None) -> None:
        self.now = now or datetime.datetime.now(datetime.UTC)
        self._root_key = ec.generate_private_key(ec.SECP256R1())
        self._issuing_key = ec.generate_private_key(ec.SECP256R1())
        self.root = self._authority(_name(f"{name} root"), self._root_key, _name(f"{name} root"), 1)
        self.issuing = self._authority(_name(f"{name} issuing"), self._issuing_key, self.root.subject, 0)

    @property
    def issuers_pem(self) -> bytes:
        """Root and issuing CA, PEM."""
        return b"".join(c.public_bytes(serialization.Encoding.PEM) for c in (self.root, self.issuing))

    def server(self, host: str = "localhost") -> Credentials:
        """Make a server certificate for a host name and 127.0.0.1."""
        names = [x509.DNSName(host), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        return self._leaf(_name(host), names, ExtendedKeyUsageOID.SERVER_AUTH, -DAY, 30 * DAY)

    def client(
        self,
        window: str = "unit",
        account: str = "U0001",
        *,
        purpose: x509.ObjectIdentifier | None = ExtendedKeyUsageOID.CLIENT_AUTH,
        uri: str | None = None,
        start: datetime.timedelta = -DAY,
        end: datetime.timedelta = 30 * DAY,
    ) -> Credentials:
        """Make a client certificate; ``uri`` replaces the account's name."""
        names: list[x509.GeneralName] = [x509.UniformResourceIdentifier(uri or account_uri(window, account))]
        return self._leaf(_name(f"client {account}"), names, purpose, start, end)

    def itself(self) -> Credentials:
        """Give the root itself: a certificate that nobody else has signed."""
        return Credentials(self._root_key, self.root, ())

    def _leaf(
        self,
        subject: x509.Name,
        names: list[x509.GeneralName],
        purpose: x509.ObjectIdentifier | None,
        start: datetime.timedelta,
        end: datetime.timedelta,
    ) -> Credentials:
        key = ec.generate_private_key(ec.SECP256R1())
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.issuing.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self.now + start)
            .not_valid_after(self.now + end)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        )
        if purpose is not None:
            builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        return Credentials(key, builder.sign(self._issuing_key, hashes.SHA256()), (self.issuing,))

    def _authority(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, issuer: x509.Name, path_length: int
    ) -> x509.Certificate:
        usage = x509.KeyUsage(
            digital_signature=False,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=True,
            crl_sign=True,
            encipher_only=False,
            decipher_only=False,
        )
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self.now - DAY)
            .not_valid_after(self.now + 365 * DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
            .add_extension(usage, critical=True)
        )
        return builder.sign(self._root_key, hashes.SHA256())


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])
