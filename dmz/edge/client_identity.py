"""A client certificate → who it is, or why it is refused.

OpenSSL has verified the chain at the (first) handshake; on a resumed session it verifies nothing again. So what can
change is looked at here for every connection and every request: the validity now, and the deny set (``deny_set``).
What cannot change (issuer, purpose, name) is read once per certificate and remembered by fingerprint.

Source: RFC 5280 sections 4.2.1.3, 4.2.1.6 and 4.2.1.12; PKI research, section 5 (resumption hole).
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from dmz.edge.refusals import Reason, RefusalError
from dmz.messages import ClientIdentity
from wire_formats.certificate_names import account_of, account_uri
from wire_formats.errors import PeerError
from wire_formats.instants import SECOND_MS

REMEMBERED: Final = 4_096


@dataclass(frozen=True, slots=True)
class CertifiedClient:
    """An identity with the validity of its certificate (milliseconds since 1970)."""

    identity: ClientIdentity
    not_before_ms: int
    not_after_ms: int

    def check_valid(self, now_ms: int) -> None:
        """Make sure that the certificate is valid now.

        Raises:
            RefusalError: CERTIFICATE_NOT_YET or CERTIFICATE_EXPIRED.
        """
        if now_ms < self.not_before_ms:
            raise RefusalError(Reason.CERTIFICATE_NOT_YET)
        if now_ms > self.not_after_ms:
            raise RefusalError(Reason.CERTIFICATE_EXPIRED)


class IdentityReader:
    """Reads client certificates; remembers the last REMEMBERED of them.

    Args:
        issuers: the CAs whose client certificates are accepted.
        capacity: how many certificates to remember.
    """

    def __init__(self, issuers: Iterable[x509.Certificate], capacity: int = REMEMBERED) -> None:
        self._issuers = tuple(issuers)
        self._capacity = capacity
        self._known: OrderedDict[bytes, CertifiedClient] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def read(self, certificate: x509.Certificate, *, window: str, now_ms: int) -> CertifiedClient:
        """Give the client a certificate names.

        Args:
            certificate: whose chain the TLS layer, or the front, has verified.
            window: the port's window; a certificate serves one window only.
            now_ms: the instant now.

        Raises:
            RefusalError: another purpose, no account name, another window, or not valid now.
        """
        fingerprint = certificate.fingerprint(hashes.SHA256())
        client = self._remembered(fingerprint) or self._remember(fingerprint, certificate)
        return _checked(client, window, now_ms)

    def read_der(self, der: bytes, *, window: str, now_ms: int) -> CertifiedClient:
        """Give the client that a certificate names, as ``read``; one that is remembered need not be parsed.

        Raises:
            RefusalError: as ``read``, or CERTIFICATE_UNREADABLE.
        """
        fingerprint = hashlib.sha256(der).digest()
        client = self._remembered(fingerprint)
        if client is None:
            try:
                certificate = x509.load_der_x509_certificate(der)
            except ValueError:
                raise RefusalError(Reason.CERTIFICATE_UNREADABLE) from None
            client = self._remember(fingerprint, certificate)
        return _checked(client, window, now_ms)

    def _remembered(self, fingerprint: bytes) -> CertifiedClient | None:
        client = self._known.get(fingerprint)
        if client is not None:
            self._known.move_to_end(fingerprint)
        return client

    def _remember(self, fingerprint: bytes, certificate: x509.Certificate) -> CertifiedClient:
        client = self._known[fingerprint] = self._read(certificate, fingerprint)
        if len(self._known) > self._capacity:
            self._known.popitem(last=False)
        return client

    def _read(self, certificate: x509.Certificate, fingerprint: bytes) -> CertifiedClient:
        try:
            _check_issuer(certificate, self._issuers)
            _check_purpose(certificate)
            issuer_cn = _common_name(certificate.issuer)
            serial = certificate.serial_number
            window, account = account_of(certificate)
        except RefusalError:
            raise
        except PeerError:
            raise RefusalError(Reason.CERTIFICATE_NAME) from None
        except ValueError:
            raise RefusalError(Reason.CERTIFICATE_UNREADABLE) from None
        identity = ClientIdentity(
            fingerprint=fingerprint,
            issuer_cn=issuer_cn,
            serial=serial,
            account_uri=account_uri(window, account),
            window=window,
            account=account,
        )
        return CertifiedClient(
            identity=identity,
            not_before_ms=round(certificate.not_valid_before_utc.timestamp() * SECOND_MS),
            not_after_ms=round(certificate.not_valid_after_utc.timestamp() * SECOND_MS),
        )


def _checked(client: CertifiedClient, window: str, now_ms: int) -> CertifiedClient:
    if client.identity.window != window:
        raise RefusalError(Reason.WRONG_WINDOW)
    client.check_valid(now_ms)
    return client


def _check_issuer(certificate: x509.Certificate, issuers: Iterable[x509.Certificate]) -> None:
    """Refuse what none of the issuers has signed: a front that lets other certificates pass must not make accounts."""
    for issuer in issuers:
        if issuer.subject == certificate.issuer:
            try:
                certificate.verify_directly_issued_by(issuer)
            except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError):
                continue
            return
    raise RefusalError(Reason.CERTIFICATE_ISSUER)


def _check_purpose(certificate: x509.Certificate) -> None:
    """Refuse a certificate that was not made for clients; a missing purpose is not every purpose."""
    try:
        extension = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except (x509.ExtensionNotFound, x509.DuplicateExtension):
        raise RefusalError(Reason.CERTIFICATE_PURPOSE) from None
    if ExtendedKeyUsageOID.CLIENT_AUTH not in extension.value:
        raise RefusalError(Reason.CERTIFICATE_PURPOSE)


def _common_name(name: x509.Name) -> str:
    values = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    if len(values) != 1 or not isinstance(values[0].value, str):
        raise RefusalError(Reason.CERTIFICATE_ISSUER)
    return values[0].value
