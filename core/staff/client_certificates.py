"""A client certificate → who it is, or why it is refused; and the TLS context that asks for one.

OpenSSL has verified the chain at the handshake. What it does not look at is looked at here on every request: purpose,
window, validity now, and the revocation list when one is named. Which operator it is bound to stands in the database
(`operators.current_operator`).

Source: RFC 5280 sections 4.2.1.6, 4.2.1.12 and 5; RFC 8446; catalogue A11, F9.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID
from OpenSSL import SSL, crypto
from twisted.internet.interfaces import IOpenSSLContextFactory
from zope.interface import implementer

from wire_formats.certificate_names import account_of
from wire_formats.errors import Kind, PeerError, Refused
from wire_formats.instants import SECOND_MS
from wire_formats.revocation_list import MAX_CRL_BYTES, parse_revocation_list
from wire_formats.settings_reader import SettingsError

WINDOW: Final = "staff"
CIPHERS: Final = b"ECDHE+AESGCM:ECDHE+CHACHA20"


@dataclass(frozen=True, slots=True)
class Client:
    """Who holds a certificate."""

    fingerprint: bytes
    serial: int
    account: str


@implementer(IOpenSSLContextFactory)
class ServerContext:
    """Gives Twisted the TLS context: a certificate of our own authorities, or no connection.

    Sessions are not resumed: every connection verifies its certificate anew.

    Args:
        key: PEM file of the server's key.
        chain: PEM file of its certificate and issuers.
        issuers: authorities of users' certificates.
        tls12: whether TLS 1.2 is offered.

    Raises:
        SettingsError: a file cannot be used.
    """

    def __init__(self, key: Path, chain: Path, issuers: list[x509.Certificate], *, tls12: bool) -> None:
        context = SSL.Context(SSL.TLS_SERVER_METHOD)
        context.set_min_proto_version(SSL.TLS1_2_VERSION if tls12 else SSL.TLS1_3_VERSION)
        context.set_cipher_list(CIPHERS)
        context.set_options(
            SSL.OP_NO_RENEGOTIATION | SSL.OP_NO_COMPRESSION | SSL.OP_CIPHER_SERVER_PREFERENCE | SSL.OP_NO_TICKET
        )
        context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
        context.set_session_id(hashlib.sha256(b"ferrygate staff").digest())
        self._load(context, key, chain)
        store = context.get_cert_store()
        assert store is not None
        for issuer in issuers:
            store.add_cert(crypto.X509.from_cryptography(issuer))
            context.add_client_ca(issuer)
        context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT)
        self._context = context

    def getContext(self) -> SSL.Context:  # noqa: N802 - Twisted's name
        """Give the context."""
        return self._context

    @staticmethod
    def _load(context: SSL.Context, key_file: Path, chain_file: Path) -> None:
        # The edge does the same in dmz/edge/tls_context: zones share no code but the ground, which knows no TLS.
        chain = load_certificates(chain_file)
        try:
            key = serialization.load_pem_private_key(_read(key_file), None)
        except (ValueError, TypeError):
            raise SettingsError(f"{key_file}: not an unencrypted PEM private key") from None
        if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
            raise SettingsError(f"{key_file}: the key must be of the EC or RSA kind")
        try:
            context.use_certificate(chain[0])
            context.use_privatekey(key)
            context.check_privatekey()
        except SSL.Error:
            raise SettingsError(f"{key_file}: key and certificate do not belong together") from None
        for issuer in chain[1:]:
            context.add_extra_chain_cert(issuer)


class RevocationList:
    """The revoked serials of a CRL file, read again when the file changes; no file yet means none.

    Args:
        path: DER file, or None.
        issuers: whose signature the list must carry.
    """

    def __init__(self, path: Path | None, issuers: list[x509.Certificate]) -> None:
        self._path, self._issuers = path, issuers
        self._stamp: tuple[int, int] | None = None
        self._serials: frozenset[int] = frozenset()
        self._number = 0

    def refresh(self) -> None:
        """Read the file if it changed.

        Raises:
            PeerError: BAD_SIGNATURE or MALFORMED; the earlier list stays in force.
        """
        if self._path is None:
            return
        try:
            found = self._path.stat()
            stamp = (found.st_mtime_ns, found.st_size)
            if stamp == self._stamp:
                return
            data = self._path.read_bytes() if found.st_size <= MAX_CRL_BYTES else b""
        except OSError:
            return
        self._serials = self._parse(data)
        self._stamp = stamp

    def check(self, serial: int) -> None:
        """Make sure that a certificate was not revoked.

        Raises:
            Refused: CERTIFICATE_REVOKED.
        """
        if serial in self._serials:
            raise Refused(Kind.CERTIFICATE_REVOKED, "serial is on the revocation list")

    def _parse(self, data: bytes) -> frozenset[int]:
        told = parse_revocation_list(data, self._issuers)
        if told.number < self._number:
            # It would let a revoked card in again.
            raise PeerError(Kind.MALFORMED, "revocation list is older than the last one")
        self._number = told.number
        return told.serials


def read_client(certificate: x509.Certificate, *, now_ms: int) -> Client:
    """Return the holder of a certificate whose chain TLS has verified.

    Raises:
        Refused: CERTIFICATE_EXPIRED, or WRONG_WINDOW for any certificate not made for staff.
    """
    try:
        purposes = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        window, account = account_of(certificate)
    except (ValueError, x509.ExtensionNotFound, x509.DuplicateExtension, PeerError):
        raise Refused(Kind.WRONG_WINDOW, "certificate names no operator") from None
    if window != WINDOW or ExtendedKeyUsageOID.CLIENT_AUTH not in purposes:
        raise Refused(Kind.WRONG_WINDOW, "certificate is not for staff")
    begins = certificate.not_valid_before_utc.timestamp() * SECOND_MS
    ends = certificate.not_valid_after_utc.timestamp() * SECOND_MS
    if not begins <= now_ms <= ends:
        raise Refused(Kind.CERTIFICATE_EXPIRED, "certificate is not valid now")
    return Client(certificate.fingerprint(hashes.SHA256()), certificate.serial_number, account)


def load_certificates(path: Path) -> list[x509.Certificate]:
    """Read the certificates of a PEM file.

    Raises:
        SettingsError: names the file.
    """
    try:
        return x509.load_pem_x509_certificates(_read(path))
    except ValueError:
        raise SettingsError(f"{path}: holds no PEM certificate") from None


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SettingsError(f"{path}: cannot read: {error.strerror}") from None
