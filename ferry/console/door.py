"""Who may come in: whom the half's list of operators names, and the authority has not revoked.

OpenSSL verifies the chain at the handshake; on every request the certificate is looked up in both lists, read anew:
whoever is taken off the first or put on the second is out at once.  A half whose machine never sees the authority's
list has only the first.

Source: RFC 5280, section 5; catalogue F9.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from twisted.logger import Logger

from wire_formats.errors import Kind, PeerError, Refused
from wire_formats.inner_web.revocation import RevocationList
from wire_formats.medium import OPERATOR_ROLE
from wire_formats.suites import key_id
from wire_formats.trust import Signer, TrustStore


def operator_of(certificate: x509.Certificate, operators: TrustStore, *, now_ms: int) -> Signer:
    """Give the operator whose certificate was shown.

    Raises:
        Refused: NO_RIGHT: the half's list does not name this certificate, or it is not valid now.
    """
    try:
        return operators.signer(key_id(certificate), role=OPERATOR_ROLE, now_ms=now_ms)
    except PeerError as error:
        raise Refused(Kind.NO_RIGHT, error.private or "not an operator") from None


class RevokedOperators:
    """The authority's revocation list, looked at for every request; what cannot be used is told of once.

    Args:
        path: DER file, or None.
        issuers: the authorities, one of which must have signed it.
    """

    _log = Logger()

    def __init__(self, path: Path | None, issuers: Sequence[x509.Certificate]) -> None:
        self._list = RevocationList(path, issuers)
        self._told = ""

    def check(self, serial: int) -> None:
        """Make sure that a certificate was not revoked.

        Raises:
            Refused: CERTIFICATE_REVOKED.
        """
        reason = ""
        try:
            self._list.refresh()
        except PeerError as error:
            reason = error.private
            if reason != self._told:
                self._log.warn("console_revocations_refused", reason=reason)
        self._told = reason
        self._list.check(serial)
