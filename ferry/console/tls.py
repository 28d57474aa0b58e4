"""The TLS context that asks for an operator's certificate, and who its holder is.

OpenSSL verifies the chain at the handshake; on every request the certificate is looked up in the half's list of
operators, read anew: whoever is taken off the list is out at once.

Source: RFC 8446; RFC 5280; catalogue F9.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from OpenSSL import SSL, crypto
from twisted.internet.interfaces import IOpenSSLContextFactory
from zope.interface import implementer

from wire_formats.errors import Kind, PeerError, Refused
from wire_formats.medium import OPERATOR_ROLE
from wire_formats.settings_reader import SettingsError
from wire_formats.suites import key_id
from wire_formats.trust import Signer, TrustStore

CIPHERS: Final = b"ECDHE+AESGCM:ECDHE+CHACHA20"


@implementer(IOpenSSLContextFactory)
class ConsoleContext:
    """Gives Twisted the TLS context; TLS 1.3 only, a client certificate or no connection, nothing resumed.

    Args:
        key: PEM file of the server's key.
        chain: PEM file of its certificate and issuers.
        issuers: PEM file of the operators' authorities.

    Raises:
        SettingsError: a file cannot be used.
    """

    def __init__(self, key: Path, chain: Path, issuers: Path) -> None:
        context = SSL.Context(SSL.TLS_SERVER_METHOD)
        context.set_min_proto_version(SSL.TLS1_3_VERSION)
        context.set_cipher_list(CIPHERS)
        context.set_options(SSL.OP_NO_RENEGOTIATION | SSL.OP_NO_COMPRESSION | SSL.OP_NO_TICKET)
        context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
        context.set_session_id(hashlib.sha256(b"ferrygate gatekeeper").digest())
        _load(context, key, chain)
        store = context.get_cert_store()
        assert store is not None
        for issuer in _certificates(issuers):
            store.add_cert(crypto.X509.from_cryptography(issuer))
            context.add_client_ca(crypto.X509.from_cryptography(issuer))
        context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT)
        self._context = context

    def getContext(self) -> SSL.Context:  # noqa: N802 - Twisted's name
        """Give the context."""
        return self._context


def operator_of(certificate: x509.Certificate, operators: TrustStore, *, now_ms: int) -> Signer:
    """Give the operator whose certificate was shown.

    Raises:
        Refused: NO_RIGHT: the half's list does not name this certificate, or it is not valid now.
    """
    try:
        return operators.signer(key_id(certificate), role=OPERATOR_ROLE, now_ms=now_ms)
    except PeerError as error:
        raise Refused(Kind.NO_RIGHT, error.private or "not an operator") from None


def _load(context: SSL.Context, key_file: Path, chain_file: Path) -> None:
    chain = _certificates(chain_file)
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


def _certificates(path: Path) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(_read(path))
    except ValueError:
        raise SettingsError(f"{path}: holds no PEM certificate") from None


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SettingsError(f"{path}: cannot read: {error.strerror}") from None
