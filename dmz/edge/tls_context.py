"""TLS contexts, one per kind of port, made by the master before it forks.

Made before the fork, so that all children share the ticket keys: a session begun at one child resumes at any other.
A session never crosses ports: the session-id context names the window. pyOpenSSL locks a context after its first use;
a change of certificate means new contexts and new children (``master``).

Source: edge research, section 5; RFC 8446, RFC 7525.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from OpenSSL import SSL, crypto

from dmz.edge.staple import Staple
from wire_formats.settings_reader import SettingsError

CIPHERS: Final = b"ECDHE+AESGCM:ECDHE+CHACHA20"
ALPN: Final = b"http/1.1"
MAX_SESSION_S: Final = 7_200
_UNRECOGNIZED_NAME: Final = 112


@dataclass(frozen=True, slots=True)
class ServerCredentials:
    """The server's private key, its certificate, and the issuing certificates up to the root, all PEM.

    Attributes:
        key_pem: the private key, not encrypted (its file is readable by the edge's user only).
        chain_pem: the server's certificate first, then its issuers.
    """

    key_pem: bytes
    chain_pem: bytes


@dataclass(frozen=True, slots=True)
class TlsPolicy:
    """What all ports have in common.

    Attributes:
        tls12: whether TLS 1.2 is still offered (old USB-key middleware).
        session_s: for how long a session may be resumed.
        names: names this server answers to; a client that asks for another one gets an alert. Empty: any.
    """

    tls12: bool = True
    session_s: int = 3_600
    names: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        """Refuse sessions that outlive MAX_SESSION_S."""
        if not 1 <= self.session_s <= MAX_SESSION_S:
            raise ValueError(f"tls session time must be from 1 to {MAX_SESSION_S} seconds")


def window_context(
    window: str,
    credentials: ServerCredentials,
    client_issuers: Sequence[x509.Certificate],
    policy: TlsPolicy,
    staple: Staple | None = None,
) -> SSL.Context:
    """Make the context of a window: it asks for a client certificate of our own CAs.

    A client without a certificate gets through the handshake and is answered by a page that says what to do; a
    certificate that does not verify ends the handshake with an alert.

    Args:
        window: unit, community or person.
        credentials: the server's.
        client_issuers: root and issuing CAs; the browser is told to offer certificates of these only.
        policy: common settings.
        staple: the OCSP response for clients that ask for it.

    Raises:
        SettingsError: key and certificate do not belong together, or there is no issuer.
    """
    if not client_issuers:
        raise SettingsError(f"window {window}: no issuing certificate for clients was given")
    context = _context(window, credentials, policy, staple)
    store = context.get_cert_store()
    assert store is not None
    for issuer in client_issuers:
        store.add_cert(crypto.X509.from_cryptography(issuer))
        context.add_client_ca(issuer)
    context.set_verify(SSL.VERIFY_PEER)
    return context


def site_context(credentials: ServerCredentials, policy: TlsPolicy, staple: Staple | None = None) -> SSL.Context:
    """Make the context of the site: no client certificate is asked for.

    Raises:
        SettingsError: key and certificate do not belong together.
    """
    context = _context("site", credentials, policy, staple)
    context.set_verify(SSL.VERIFY_NONE)
    return context


def session_resumed(connection: SSL.Connection) -> bool:
    """Tell whether a finished handshake resumed an earlier session.

    pyOpenSSL binds the function but has no public name for it.
    """
    return bool(SSL._lib.SSL_session_reused(connection._ssl))  # type: ignore[attr-defined]


def peer_certificate(connection: SSL.Connection) -> bytes | None:
    """Give the client's certificate as DER, on resumed sessions too; None when it showed none."""
    certificate = connection.get_peer_certificate()
    return None if certificate is None else crypto.dump_certificate(crypto.FILETYPE_ASN1, certificate)


def load_certificates(pem: bytes, source: str) -> list[x509.Certificate]:
    """Read the certificates of a PEM file.

    Raises:
        SettingsError: names the file.
    """
    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError:
        raise SettingsError(f"{source}: holds no PEM certificate") from None


def _context(name: str, credentials: ServerCredentials, policy: TlsPolicy, staple: Staple | None) -> SSL.Context:
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION if policy.tls12 else SSL.TLS1_3_VERSION)
    context.set_cipher_list(CIPHERS)
    context.set_options(
        SSL.OP_NO_RENEGOTIATION | SSL.OP_NO_COMPRESSION | SSL.OP_CIPHER_SERVER_PREFERENCE | SSL.OP_SINGLE_ECDH_USE
    )
    context.set_mode(SSL.MODE_RELEASE_BUFFERS)
    context.set_session_id(hashlib.sha256(b"ferrygate " + name.encode("ascii")).digest())
    context.set_session_cache_mode(SSL.SESS_CACHE_SERVER | SSL.SESS_CACHE_NO_INTERNAL)
    context.set_timeout(policy.session_s)
    context.set_alpn_select_callback(_select_protocol)
    if staple is not None:
        context.set_ocsp_server_callback(staple.answer)
    if policy.names:
        _refuse_other_names(context, frozenset(name.lower().encode() for name in policy.names))
    _load_credentials(context, name, credentials)
    return context


def _refuse_other_names(context: SSL.Context, names: Collection[bytes]) -> None:
    """Answer a client that asks for another server's name by the alert unrecognized_name (RFC 6066 section 3).

    pyOpenSSL's own callback can only let everybody pass, or raise and have a traceback printed for every stranger; so
    it is set through the binding. With a version that has no such names everybody passes, and the request is answered
    by 421 (``admittance``). A client without a name, by address, passes.
    """
    lib: Any = getattr(SSL, "_lib", None)
    ffi: Any = getattr(SSL, "_ffi", None)
    try:
        passed, refused, kind = lib.SSL_TLSEXT_ERR_OK, lib.SSL_TLSEXT_ERR_ALERT_FATAL, lib.TLSEXT_NAMETYPE_host_name

        def judge(connection: Any, alert: Any, _argument: Any) -> int:
            asked = lib.SSL_get_servername(connection, kind)
            if asked == ffi.NULL or ffi.string(asked).lower() in names:
                return int(passed)
            alert[0] = _UNRECOGNIZED_NAME
            return int(refused)

        callback = ffi.callback("int (*)(SSL *, int *, void *)", judge, error=refused)
        lib.SSL_CTX_set_tlsext_servername_callback(context._context, callback)
    except AttributeError:
        return
    context._tlsext_servername_callback = callback  # OpenSSL keeps its address only


def _load_credentials(context: SSL.Context, name: str, credentials: ServerCredentials) -> None:
    # The inner web servers do the same in ops/runtime/inner_tls: what faces the internet shares nothing with them.
    chain = load_certificates(credentials.chain_pem, f"{name}: server certificate")
    try:
        key = serialization.load_pem_private_key(credentials.key_pem, None)
    except (ValueError, TypeError):
        raise SettingsError(f"{name}: server key is not an unencrypted PEM private key") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise SettingsError(f"{name}: server key must be of the EC or RSA kind")
    try:
        context.use_certificate(chain[0])
        context.use_privatekey(key)
        context.check_privatekey()
    except SSL.Error:
        raise SettingsError(f"{name}: server key and certificate do not belong together") from None
    for issuer in chain[1:]:
        context.add_extra_chain_cert(issuer)


def _select_protocol(_connection: SSL.Connection, offered: list[bytes]) -> bytes | SSL._NoOverlappingProtocols:
    """Choose http/1.1; a client that offers only other protocols goes on without one, and its preface is refused."""
    return ALPN if ALPN in offered else SSL.NO_OVERLAPPING_PROTOCOLS
