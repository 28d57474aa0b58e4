"""Signing in and changing the password.

Every failure says the same and takes the same time, whether the name is unknown, the password wrong, the certificate
not bound or the operator disabled. An attempt is counted before its password is looked at, so that guesses made side
by side are counted one by one; a right password clears the count.
Source: core.rules.lockout; research pki.md section 5.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Connection, Engine

from core.db.any_row import AnyRow
from core.db.engine import writing
from core.db.states import OperatorState
from core.password_hashing import PasswordHashing
from core.rules.passwords import check_password
from core.services import login_guard
from core.staff.flow import Operator
from core.staff.operators import (
    audit,
    check_binding,
    find_by_name,
    find_row,
    operator_of,
    renew_hash,
    set_password,
)
from wire_formats.errors import HallError, Kind, Refused

WINDOW = "staff"


class Attempt(NamedTuple):
    """What the sign-in page sent, and the certificate of the connection it came by."""

    user_name: str
    password: str
    fingerprint: bytes


@dataclass(frozen=True)
class LoginDesk:
    """Checks passwords; every call may take 100 ms and runs in a thread.

    Attributes:
        engine: the production database.
        hashing: with the core's pepper.
        common: passwords never allowed, folded.
    """

    engine: Engine
    hashing: PasswordHashing
    common: frozenset[str]

    def sign_in(self, attempt: Attempt, now_ms: int) -> Operator:
        """Return the operator who signed in.

        Raises:
            Refused: LOCKED_OUT with the seconds to wait; LOGIN_FAILED.
        """
        found, subjects = self._count_attempt(attempt, now_ms)
        stored = found.password_hash if found is not None and found.password_hash else self.hashing.nobody
        fits = self._fits(stored, attempt.password)
        renewed = self.hashing.hash(attempt.password) if fits and self.hashing.is_outdated(stored) else None
        certificate = attempt.fingerprint.hex()
        with writing(self.engine) as connection:
            row = self._let_in(connection, found, attempt) if fits else None
            if row is None:
                operator_id = found.operator_id if found is not None else None
                audit(connection, "login_failed", operator_id, now_ms=now_ms, certificate=certificate)
            else:
                login_guard.clear(connection, subjects)
                if renewed is not None:
                    renew_hash(connection, row.operator_id, renewed)
                audit(connection, "login_done", row.operator_id, now_ms=now_ms, certificate=certificate)
        if row is None:
            raise Refused(Kind.LOGIN_FAILED, "name, password or certificate")
        return operator_of(row)

    def _let_in(self, connection: Connection, found: AnyRow | None, attempt: Attempt) -> AnyRow | None:
        """Return the operator's row as it is now, if it may come in with this certificate."""
        row = find_row(connection, found.operator_id) if found is not None else None
        if row is None or found is None or row.password_hash != found.password_hash:
            return None
        if row.state != OperatorState.ACTIVE.value:
            return None
        try:
            check_binding(connection, row, attempt.fingerprint)
        except Refused:
            return None
        return row

    def change_password(self, attempt: Attempt, new: str, now_ms: int) -> None:
        """Set a new password after checking the old one (`attempt.password`).

        Raises:
            Refused: LOCKED_OUT; LOGIN_FAILED, the old one is wrong; WEAK_PASSWORD, with a fixed word as reason.
        """
        found, subjects = self._count_attempt(attempt, now_ms)
        if found is None or not self._fits(found.password_hash or self.hashing.nobody, attempt.password):
            raise Refused(Kind.LOGIN_FAILED, "old password")
        with writing(self.engine) as connection:
            login_guard.clear(connection, subjects)
        if new == attempt.password:
            raise Refused(Kind.WEAK_PASSWORD, "same")
        known = [text for text in (found.user_name, found.display_name, found.phone) if text]
        check_password(new, known=known, common=self.common)
        fresh = self.hashing.hash(new)
        with writing(self.engine) as connection:
            set_password(connection, found.operator_id, fresh, now_ms=now_ms)

    def _count_attempt(self, attempt: Attempt, now_ms: int) -> tuple[AnyRow | None, tuple[str, ...]]:
        with writing(self.engine) as connection:
            found = find_by_name(connection, attempt.user_name)
            # Only who holds an operator's certificate can guess the password: nobody else can lock that operator out.
            can_guess = found is not None and found.certificate_sha256 == attempt.fingerprint.hex()
            subjects = login_guard.subjects_of(
                account_id=found.operator_id if found is not None and can_guess else None,
                window=WINDOW,
                user_name=attempt.user_name.lower(),
                certificate=attempt.fingerprint,
            )
            seconds = login_guard.seconds_to_wait(connection, subjects, now_ms)
            if not seconds:
                login_guard.note_failure(connection, subjects, now_ms)
        if seconds:
            raise Refused(Kind.LOCKED_OUT, "too many failures", retry_after_s=seconds)
        return found, subjects

    def _fits(self, stored: str, password: str) -> bool:
        try:
            self.hashing.verify(stored, password)
        except HallError:
            return False
        return True
