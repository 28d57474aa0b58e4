"""The TLS context of an inner web server: a client certificate of our own authorities, or no connection.

Source: RFC 8446; catalogue A11, F9.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from OpenSSL import SSL, crypto
from twisted.internet.interfaces import IOpenSSLContextFactory
from zope.interface import implementer

from wire_formats.inner_web.revocation import load_certificates
from wire_formats.settings_reader import SettingsError

CIPHERS: Final = b"ECDHE+AESGCM:ECDHE+CHACHA20"


@implementer(IOpenSSLContextFactory)
class ServerContext:
    """Gives Twisted the TLS context.  Sessions are not resumed: every connection verifies its certificate anew.

    Args:
        key: PEM file of the server's key.
        chain: PEM file of its certificate and issuers.
        issuers: authorities of the visitors' certificates.
        tls12: whether TLS 1.2 is offered beside TLS 1.3.

    Raises:
        SettingsError: a file cannot be used.
    """

    def __init__(self, key: Path, chain: Path, issuers: Sequence[x509.Certificate], *, tls12: bool = False) -> None:
        context = SSL.Context(SSL.TLS_SERVER_METHOD)
        context.set_min_proto_version(SSL.TLS1_2_VERSION if tls12 else SSL.TLS1_3_VERSION)
        context.set_cipher_list(CIPHERS)
        context.set_options(
            SSL.OP_NO_RENEGOTIATION | SSL.OP_NO_COMPRESSION | SSL.OP_CIPHER_SERVER_PREFERENCE | SSL.OP_NO_TICKET
        )
        context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
        context.set_session_id(hashlib.sha256(b"ferrygate inner web").digest())
        _load(context, key, chain)
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


def _load(context: SSL.Context, key_file: Path, chain_file: Path) -> None:
    # The edge does the same in dmz/edge/tls_context, and more; it shares nothing with what is inside.
    chain = load_certificates(chain_file)
    try:
        key = serialization.load_pem_private_key(key_file.read_bytes(), None)
    except OSError as error:
        raise SettingsError(f"{key_file}: cannot read: {error.strerror}") from None
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
