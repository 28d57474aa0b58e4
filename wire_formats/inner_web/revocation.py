"""The authorities of visitors' certificates, and the revoked serials of their CRL file, read again when it changes.

Source: RFC 5280, section 5; catalogue F9.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cryptography import x509

from wire_formats.errors import Kind, PeerError, Refused
from wire_formats.revocation_list import MAX_CRL_BYTES, parse_revocation_list
from wire_formats.settings_reader import SettingsError


def load_certificates(path: Path) -> tuple[x509.Certificate, ...]:
    """Read the certificates of a PEM file.

    Raises:
        SettingsError: names the file.
    """
    try:
        return tuple(x509.load_pem_x509_certificates(path.read_bytes()))
    except OSError as error:
        raise SettingsError(f"{path}: cannot read: {error.strerror}") from None
    except ValueError:
        raise SettingsError(f"{path}: holds no PEM certificate") from None


class RevocationList:
    """The list of one or more authorities; no file yet means that nobody is revoked.

    What was read last stays in force when the file is gone, cannot be read, is older, or not the authorities'.

    Args:
        path: DER file, or None.
        issuers: whose signature the list must carry.
    """

    def __init__(self, path: Path | None, issuers: Sequence[x509.Certificate]) -> None:
        self._path = path
        self._issuers = issuers
        self._stamp: tuple[int, int] | None = None
        self._serials: frozenset[int] = frozenset()
        self._number = 0
        self._trouble: tuple[Kind, str] | None = None

    def refresh(self) -> None:
        """Read the file if it changed; one that could not be used is complained of until another one comes.

        Raises:
            PeerError: it cannot be read, is not the authorities', or is older than the last one.
        """
        if self._path is None:
            return
        try:
            found = self._path.stat()
            stamp = (found.st_mtime_ns, found.st_size)
            if stamp != self._stamp:
                data = self._path.read_bytes() if found.st_size <= MAX_CRL_BYTES else b""
                self._stamp = stamp
                self._trouble = self._take(data)
        except FileNotFoundError:
            return
        except OSError as error:
            raise PeerError(Kind.MALFORMED, f"cannot be read: {error.strerror}") from None
        if self._trouble is not None:
            raise PeerError(*self._trouble)

    def check(self, serial: int) -> None:
        """Make sure that a certificate was not revoked.

        Raises:
            Refused: CERTIFICATE_REVOKED.
        """
        if serial in self._serials:
            raise Refused(Kind.CERTIFICATE_REVOKED, "serial is on the revocation list")

    def _take(self, data: bytes) -> tuple[Kind, str] | None:
        """Take a list in; gives why not."""
        try:
            told = parse_revocation_list(data, self._issuers)
        except PeerError as error:
            return error.kind, error.private
        if told.number < self._number:
            # It would let a revoked card in again.
            return Kind.MALFORMED, "revocation list is older than the last one"
        self._number, self._serials = told
        return None
