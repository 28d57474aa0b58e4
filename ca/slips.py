"""The life of a slip: prepare, enable, download, revoke.

    prepare    draws number, code and password, keeps what `slip_codes.hold` leaves, prints the rest
    enable     after the signed agreement; the counter's act, never automatic (E18)
    download   number + code, five tries, once: key made, certificate issued, PKCS#12 out, key forgotten
    revoke     ends the slip and every certificate that came from it

A try is taken before the code is looked at and given back with the right one, so that parallel
guesses cannot share a try. The PKCS#12 is made inside the transaction that ends the slip: either
the holder can get the file or the slip is still good.

Source: F1, F3, F5, F6, E18; research/pki.md section 6.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Connection
from twisted.logger import Logger

from ca import hash_log, key_rows
from ca.issue import IssuedCertificate, Issuer, IssuingParts, Order
from ca.key_kinds import KEY_KINDS
from ca.key_rows import KeyEntry, NewEntry
from ca.lifecycle import KeyState
from ca.names import Holder, plain_text
from ca.pkcs12 import make_pkcs12
from ca.profile_table import profile_for_account
from ca.slip_codes import (
    SlipSecrets,
    WrongCodeError,
    hold,
    is_number,
    new_slip,
    open_held,
    spend_the_same_effort,
    typed,
)
from wire_formats.certificate_names import account_uri
from wire_formats.errors import Kind, Refused
from wire_formats.instants import DAY_MS

CLIENT_KEY_KIND: Final = "ec-p256"
DESK_OPERATOR: Final = "download"


class CodeRefused(Refused):
    """The number or the code was not accepted.

    Attributes:
        tries_left: codes that may still be tried; -1 when no try was taken.
    """

    def __init__(self, kind: Kind, private: str, *, tries_left: int = -1) -> None:
        super().__init__(kind, private)
        self.tries_left = tries_left


@dataclass(frozen=True, slots=True)
class PreparedSlip:
    """What goes to the printer, once."""

    secrets: SlipSecrets
    code_expires_ms: int


@dataclass(frozen=True, slots=True)
class DownloadedSlip:
    """What goes to the holder, and what binds the account to its certificate."""

    pkcs12: bytes = field(repr=False)
    issued: IssuedCertificate
    window: str
    account: str


class Slips:
    """The key table's acts.

    Args:
        parts: ledger, profiles, clock, randomness, metrics.
        issuer: issues the certificates.
        pepper: at least 32 octets that are not in the database.
        code_days: how long a verification code can be used after it was printed.
    """

    log = Logger()

    def __init__(self, parts: IssuingParts, issuer: Issuer, *, pepper: bytes, code_days: int) -> None:
        self._parts = parts
        self._issuer = issuer
        self._pepper = pepper
        self._code_life_ms = code_days * DAY_MS

    def prepare(self, account: str, window: str, *, display: str = "", operator: str) -> PreparedSlip:
        """Make a new slip; it cannot be used until it is enabled.

        Args:
            account: the account's name in its window.
            window: unit, community, person or staff.
            display: what the certificate's subject shows; without it, the account.
            operator: who ordered the slip.

        Raises:
            Refused: RULE, account or window outside the grammar.
        """
        try:
            account_uri(window, account)
            profile = profile_for_account(self._parts.profiles, window)
        except (ValueError, KeyError):
            raise Refused(Kind.RULE, "account or window outside the grammar") from None
        secrets = new_slip(self._parts.randomness)
        now = self._parts.clock.now_ms()
        entry = NewEntry(
            number=secrets.number,
            account=account,
            window=window,
            profile=profile.name,
            display=plain_text(display) if display else "",
            held=hold(secrets, pepper=self._pepper, randomness=self._parts.randomness),
            code_expires_ms=now + self._code_life_ms,
            prepared_ms=now,
            prepared_by=operator,
        )
        with self._parts.ledger.transaction() as connection:
            hash_log.append(
                connection,
                now,
                "slip_prepared",
                number=secrets.number,
                window=window,
                account=account,
                operator=operator,
            )
            key_rows.add(connection, entry)
        self.log.info("slip_prepared", window=window)
        return PreparedSlip(secrets, entry.code_expires_ms)

    def enable(self, number: str, *, agreement: str, operator: str) -> None:
        """Enable a slip for one download.

        Args:
            number: the certificate number.
            agreement: number of the signed agreement (B28).
            operator: who enables it.

        Raises:
            Refused: NOT_FOUND, CONFLICT, or RULE without an agreement.
        """
        if not agreement.strip():
            raise Refused(Kind.RULE, "enabling needs the number of the signed agreement")
        now = self._parts.clock.now_ms()
        with self._parts.ledger.transaction() as connection:
            self._existing(connection, number)
            hash_log.append(
                connection, now, "slip_enabled", number=typed(number), agreement=agreement, operator=operator
            )
            key_rows.enable(connection, typed(number), agreement=agreement, operator=operator, now_ms=now)
        self.log.info("slip_enabled")

    def status(self, number: str) -> KeyEntry:
        """Return where a slip stands.

        Raises:
            Refused: NOT_FOUND.
        """
        with self._parts.ledger.transaction() as connection:
            return self._existing(connection, number)

    def download(self, number: str, code: str) -> DownloadedSlip:
        """Issue the certificate of a slip and return its PKCS#12; works once.

        Args:
            number: certificate number as typed.
            code: verification code as typed.

        Raises:
            CodeRefused: CODE_WRONG, CODE_USED_UP, or SLIP_NOT_ENABLED.
            Unavailable: the ledger does not answer.
        """
        entry, left = self._take_try(typed(number))
        if entry is None or entry.held is None:
            spend_the_same_effort(typed(number), typed(code), pepper=self._pepper)
            raise CodeRefused(Kind.CODE_WRONG, "no such certificate number")
        try:
            password = open_held(entry.number, typed(code), entry.held, pepper=self._pepper)
        except WrongCodeError:
            self._wrong(entry, left)
            raise CodeRefused(Kind.CODE_WRONG, "wrong verification code", tries_left=left) from None
        return self._issue(entry, password)

    def _existing(self, connection: Connection, number: str) -> KeyEntry:
        entry = key_rows.find(connection, typed(number))
        if entry is None:
            raise Refused(Kind.NOT_FOUND, "no such certificate number")
        return entry

    def _take_try(self, number: str) -> tuple[KeyEntry | None, int]:
        if not is_number(number):
            return None, -1
        with self._parts.ledger.transaction() as connection:
            entry = key_rows.find(connection, number)
            if entry is None:
                return None, -1
            self._refuse_unusable(entry)
            left = key_rows.charge_try(connection, number)
        if left is None:
            raise CodeRefused(Kind.CODE_USED_UP, "no tries left", tries_left=0)
        return entry, left

    def _refuse_unusable(self, entry: KeyEntry) -> None:
        if entry.state is KeyState.NOT_ENABLED:
            raise CodeRefused(Kind.SLIP_NOT_ENABLED, "slip is not enabled")
        if entry.state is not KeyState.ENABLED:
            raise CodeRefused(Kind.CODE_USED_UP, f"slip is {entry.state.value}", tries_left=0)
        if entry.tries_left == 0 or entry.held is None:
            raise CodeRefused(Kind.CODE_USED_UP, "slip is locked", tries_left=0)
        if self._parts.clock.now_ms() >= entry.code_expires_ms:
            raise CodeRefused(Kind.CODE_USED_UP, "verification code ran out", tries_left=0)

    def _wrong(self, entry: KeyEntry, left: int) -> None:
        now = self._parts.clock.now_ms()
        with self._parts.ledger.transaction() as connection:
            hash_log.append(connection, now, "wrong_code", number=entry.number, tries_left=left)
            if left == 0:
                hash_log.append(connection, now, "slip_locked", number=entry.number)
                key_rows.wipe(connection, entry.number)
        self._parts.metrics.wrong_code(locked=left == 0)
        self.log.warn("wrong_verification_code", count=left)

    def _issue(self, entry: KeyEntry, password: str) -> DownloadedSlip:
        key = KEY_KINDS[CLIENT_KEY_KIND].generate()
        files: list[bytes] = []

        def end_the_slip(connection: Connection, issued: IssuedCertificate) -> None:
            files.append(
                make_pkcs12(
                    key,
                    issued.certificate,
                    issued.chain,
                    password=password,
                    friendly_name=f"Ferrygate {entry.window} {entry.account}",
                )
            )
            try:
                key_rows.downloaded(connection, entry.number, now_ms=self._parts.clock.now_ms())
            except Refused:
                raise CodeRefused(Kind.CODE_USED_UP, "somebody else was faster", tries_left=0) from None

        order = Order(
            profile=entry.profile,
            holder=Holder(name=entry.account, display=entry.display),
            key=key.public_key(),
            operator=DESK_OPERATOR,
            key_number=entry.number,
        )
        with self._parts.ledger.transaction() as connection:
            key_rows.give_back_tries(connection, entry.number)
        issued = self._issuer.issue(order, also=end_the_slip)
        return DownloadedSlip(files[0], issued, entry.window, entry.account)
