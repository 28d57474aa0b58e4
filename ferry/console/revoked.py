"""Operators put out by the authority: the serials of its revocation list, read again when the file changes.

Who is on the list is refused at the console's door, whatever the half's list of operators says.  A half whose machine
never sees the authority's file has no such list; there an operator is put out by taking him off ``operators.pem``.

Source: RFC 5280, section 5; catalogue F9.
"""

from __future__ import annotations

from pathlib import Path

from cryptography import x509
from twisted.logger import Logger

from wire_formats.errors import Kind, PeerError, Refused
from wire_formats.revocation_list import MAX_CRL_BYTES, parse_revocation_list


class RevokedOperators:
    """The revoked serials; what was read last stays in force when the file is gone, older or not the authority's.

    Args:
        path: DER file, or None.
        issuers: PEM bytes of the authorities, one of which must have signed it.
    """

    _log = Logger()

    def __init__(self, path: Path | None, issuers: bytes) -> None:
        self._path = path
        self._issuers = x509.load_pem_x509_certificates(issuers)
        self._stamp: tuple[int, int] | None = None
        self._serials: frozenset[int] = frozenset()
        self._number = 0
        self._unreadable = False

    def check(self, serial: int) -> None:
        """Make sure that a certificate was not revoked.

        Raises:
            Refused: CERTIFICATE_REVOKED.
        """
        self._refresh()
        if serial in self._serials:
            raise Refused(Kind.CERTIFICATE_REVOKED, "serial is on the revocation list")

    def _refresh(self) -> None:
        if self._path is None:
            return
        try:
            found = self._path.stat()
            stamp = (found.st_mtime_ns, found.st_size)
            if stamp == self._stamp:
                return
            data = self._path.read_bytes() if found.st_size <= MAX_CRL_BYTES else b""
        except FileNotFoundError:
            return  # no list yet
        except OSError as error:
            if not self._unreadable:
                self._log.warn("console_revocations_refused", reason=f"cannot be read: {error.strerror}")
            self._unreadable = True
            return
        self._unreadable = False
        self._stamp = stamp
        try:
            told = parse_revocation_list(data, self._issuers)
        except PeerError as error:
            self._log.warn("console_revocations_refused", reason=error.private)
            return
        if told.number < self._number:
            self._log.warn("console_revocations_refused", reason="older than the last one")
            return
        self._number, self._serials = told
