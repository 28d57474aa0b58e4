"""Revocation: a slip with all its certificates, or one certificate by its serial.

Revoking is one transaction: the log row, the slip's end (its secrets wiped) and the rows the
deny list and the revocation list are made of. Doing it twice is refused, not repeated.

Source: F6 (注销), F7; research/pki.md section 5 "Propagation".
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection
from twisted.logger import Logger

from ca import certificate_rows, hash_log, key_rows
from ca.certificate_rows import Revocation
from ca.ledger import Ledger
from ca.ledger_tables import SERIAL_DIGITS
from ca.lifecycle import CertificateState, KeyState, RevocationReason
from ca.slip_codes import typed
from wire_formats.collaborators import Clock
from wire_formats.errors import Kind, Refused

REASONS: Final = {reason.name.lower(): reason for reason in RevocationReason}
_HEX: Final = frozenset("0123456789abcdef")


class Revoker:
    """Ends slips and certificates."""

    log = Logger()

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock

    def revoke(self, which: str, *, reason: str, operator: str) -> tuple[str, ...]:
        """End what a certificate number or a serial number names.

        Args:
            which: certificate number of a slip, or 32 hexadecimal digits of a serial.
            reason: a name from `REASONS`.
            operator: who orders it.

        Returns:
            Serials that were put on the lists; empty for a slip without a certificate.

        Raises:
            Refused: NOT_FOUND, CONFLICT when it has already ended, RULE for an unknown reason.
        """
        if reason not in REASONS:
            raise Refused(Kind.RULE, "no such reason")
        end = Revocation(REASONS[reason], self._clock.now_ms(), operator)
        with self._ledger.transaction() as connection:
            hash_log.lock_head(connection)
            serials = (
                self._certificate(connection, which, end) if _is_serial(which) else self._slip(connection, which, end)
            )
        self.log.info("revoked", count=len(serials), reason=reason)
        return serials

    def _certificate(self, connection: Connection, serial: str, end: Revocation) -> tuple[str, ...]:
        row = certificate_rows.by_serial(connection, serial)
        if row is None:
            raise Refused(Kind.NOT_FOUND, "no such certificate")
        if row.key_number is not None:
            return self._slip(connection, row.key_number, end)
        if row.state != CertificateState.ISSUED.value:
            raise Refused(Kind.CONFLICT, f"certificate is {row.state}")
        self._end(connection, serial, end)
        return (serial,)

    def _slip(self, connection: Connection, text: str, end: Revocation) -> tuple[str, ...]:
        entry = key_rows.find(connection, typed(text))
        if entry is None:
            raise Refused(Kind.NOT_FOUND, "no such certificate number")
        if entry.state is KeyState.REVOKED:
            raise Refused(Kind.CONFLICT, "slip has already ended")
        hash_log.append(
            connection,
            end.at_ms,
            "slip_revoked",
            number=entry.number,
            operator=end.operator,
            reason=end.reason.name.lower(),
        )
        key_rows.revoke(connection, entry.number, operator=end.operator, now_ms=end.at_ms)
        serials = certificate_rows.in_force_for_slip(connection, entry.number)
        for serial in serials:
            self._end(connection, serial, end)
        return tuple(serials)

    def _end(self, connection: Connection, serial: str, end: Revocation) -> None:
        hash_log.append(
            connection,
            end.at_ms,
            "certificate_revoked",
            serial=serial,
            operator=end.operator,
            reason=end.reason.name.lower(),
        )
        certificate_rows.end(connection, serial, end)


def _is_serial(text: str) -> bool:
    return len(text) == SERIAL_DIGITS and set(text) <= _HEX
