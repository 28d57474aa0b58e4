"""One CA with EC P-256 keys, a server certificate, client certificates, and a list of revoked serials."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from wire_formats.certificate_names import account_uri

HOST: Final = "localhost"
WINDOW: Final = "unit"
#: The edge lets one certificate hold at most 1,000 connections.
CLIENTS: Final = 16
_DAYS: Final = 30


@dataclass(frozen=True, slots=True)
class Pki:
    """Files of the bench's own CA.

    Attributes:
        folder: holds ``ca.pem``, ``server.pem``, ``server.key``, ``server-both.pem``, ``client-<n>.pem`` (both),
            ``deny.pem`` (the certificate of a deny key; it signs nothing here).
    """

    folder: Path
    key: ec.EllipticCurvePrivateKey
    issuer: x509.Name

    def client(self, number: int) -> Path:
        """Give the file with a client's certificate and key."""
        return self.folder / f"client-{number % CLIENTS}.pem"

    def write_revoked(self, count: int) -> Path:
        """Write a revocation list of so many serials, none of them of a client here."""
        now = datetime.datetime.now(datetime.UTC)
        revoked = [
            x509.RevokedCertificateBuilder().serial_number((1 << 150) + number).revocation_date(now).build()
            for number in range(1, count + 1)
        ]
        # The public method copies the whole list for each entry.
        builder = x509.CertificateRevocationListBuilder(revoked_certificates=revoked)
        builder = builder.issuer_name(self.issuer).last_update(now)
        builder = builder.next_update(now + datetime.timedelta(days=_DAYS))
        path = self.folder / "revoked.pem"
        path.write_bytes(builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        return path


def make_pki(folder: Path) -> Pki:
    """Make the CA and everything it signs."""
    folder.mkdir()
    key = ec.generate_private_key(ec.SECP256R1())
    pki = Pki(folder, key, _name("Edge Bench CA"))
    root = _builder(pki.issuer, key, pki).add_extension(x509.BasicConstraints(True, 0), True)
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
    root = root.add_extension(usage, True)
    _write(folder / "ca.pem", root.sign(key, hashes.SHA256()))
    _issue(pki, "server", [x509.DNSName(HOST)], ExtendedKeyUsageOID.SERVER_AUTH)
    _issue(pki, "deny", [x509.UniformResourceIdentifier("urn:ferrygate:machine:ca_deny:desk")], None)
    for number in range(CLIENTS):
        uri = x509.UniformResourceIdentifier(account_uri(WINDOW, f"bench-{number:04d}"))
        _issue(pki, f"client-{number}", [uri], ExtendedKeyUsageOID.CLIENT_AUTH)
    return pki


def _issue(pki: Pki, label: str, names: list[x509.GeneralName], purpose: x509.ObjectIdentifier | None) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder(_name(label), key, pki).add_extension(x509.SubjectAlternativeName(names), False)
    builder = builder.add_extension(x509.BasicConstraints(False, None), True)
    if purpose is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), False)
    certificate = builder.sign(pki.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    if label == "server":
        (pki.folder / "server.key").write_bytes(private)
        (pki.folder / "server.pem").write_bytes(certificate)
        (pki.folder / "server-both.pem").write_bytes(certificate + private)
    else:
        (pki.folder / f"{label}.pem").write_bytes(certificate + private if purpose else certificate)


def _builder(subject: x509.Name, key: ec.EllipticCurvePrivateKey, pki: Pki) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return x509.CertificateBuilder(
        issuer_name=pki.issuer,
        subject_name=subject,
        public_key=key.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=now - datetime.timedelta(hours=1),
        not_valid_after=now + datetime.timedelta(days=_DAYS),
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _write(path: Path, certificate: x509.Certificate) -> None:
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
