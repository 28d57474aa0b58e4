"""Login, password, logout, and the session behind a cookie.

The worker decides nothing here: the core checks password and certificate and signs the grant; the worker keeps
what the core gave, sealed to the cookie.

Source: DESIGN "Login"; catalogue E1, E12, E18, F9.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection
from twisted.logger import Logger

from dmz.hall.backend_port import Client, LoginDone, Session
from dmz.workers import session_store, throttle
from dmz.workers.exchange_db import ExchangeStore
from dmz.workers.request_building import Asker
from dmz.workers.request_intake import RequestIntake, asker_of
from dmz.workers.sealing import KEY_BYTES
from dmz.workers.session import (
    TOUCH_AFTER_MS,
    Life,
    OpenSession,
    Private,
    SessionKeys,
    check_life,
    check_secret,
    open_private,
    seal_private,
    unit_mark,
)
from dmz.workers.session_store import SessionRow
from dmz.workers.throttle import ThrottleBounds
from dmz.workers.tools import WorkerTools
from wire_formats.canonical import Json
from wire_formats.catalogue import service
from wire_formats.errors import HallError, Kind, PeerError, Refused, Unavailable
from wire_formats.grant import Grant, verify_grant
from wire_formats.trust import TrustStore


@dataclass(frozen=True)
class SessionBounds:
    """Its figures.

    Attributes:
        idle_ms: A session ends after this time without activity.
        absolute_ms: A session ends after this time in any case.
        per_account: Live sessions of one account.
        throttle: Brake on failed logins.
    """

    idle_ms: int
    absolute_ms: int
    per_account: int
    throttle: ThrottleBounds


@dataclass(frozen=True)
class SessionParts:
    """What the desk works with."""

    store: ExchangeStore
    intake: RequestIntake
    trust: TrustStore
    tools: WorkerTools


class SessionDesk:
    """Sessions of one worker; the rows are shared by all workers."""

    log = Logger()

    def __init__(self, parts: SessionParts, bounds: SessionBounds) -> None:
        """Take its collaborators.

        Args:
            parts: Collaborators.
            bounds: See SessionBounds.
        """
        self._parts = parts
        self._bounds = bounds

    async def open(self, handle: str, client: Client, *, activity: bool = True) -> OpenSession:
        """The live session of a cookie, with its keys.

        Raises:
            Refused: SESSION_EXPIRED (also for a cookie that never was), CERTIFICATE_NOT_BOUND, WRONG_WINDOW.
        """
        try:
            keys = SessionKeys.from_cookie(handle)
        except PeerError:
            raise Refused(Kind.SESSION_EXPIRED, "not a cookie of ours") from None
        row = await self._parts.store.read(lambda db: session_store.find_session(db, keys.id))
        if row is None:
            raise Refused(Kind.SESSION_EXPIRED, "no such session")
        now_ms = self._parts.tools.clock.now_ms()
        check_secret(keys, row.secret_hash)
        check_life(
            row.life, certificate=client.certificate, window=client.window, now_ms=now_ms, idle_ms=self._bounds.idle_ms
        )
        life = row.life
        if activity and now_ms - life.seen_at >= TOUCH_AFTER_MS:
            await self._parts.store.write(lambda db: session_store.touch_session(db, keys.id, now_ms))
            life = life._replace(seen_at=now_ms)
        return OpenSession(keys, life, open_private(keys, row.private))

    def describe(self, session: OpenSession) -> Session:
        """A session as the pages see it."""
        private = session.private
        return Session(
            handle=session.keys.cookie,
            account=session.account,
            display_name=private.display_name,
            rights=private.rights,
            must_change=private.must_change,
            csrf_token=session.keys.csrf_token,
            expires_at_ms=min(session.life.ends_at, session.life.seen_at + self._bounds.idle_ms),
            kept=session,
        )

    async def login(self, client: Client, user_name: str, password: str) -> LoginDone:
        """Ask the core and, if it grants, make a session.

        Raises:
            Refused: CERTIFICATE_REQUIRED, LOGIN_FAILED, LOCKED_OUT, CERTIFICATE_NOT_BOUND ...
            Unavailable: no answer in time, or too much under way.
        """
        if not client.certificate:
            raise Refused(Kind.CERTIFICATE_REQUIRED, "login without certificate")
        who = throttle.subject("login", client.certificate)
        now_ms = self._parts.tools.clock.now_ms()
        await self._parts.store.read(lambda db: throttle.check(db, who, now_ms))
        keys = SessionKeys.new(self._parts.tools.randomness)
        credit = hashlib.sha256(b"login" + client.certificate).digest()
        asker = Asker(client.window, client.account, client.certificate, b"", credit, keys.answer_key(), credit)
        body = {"user_name": user_name, "password": password}
        try:
            answered = await self._parts.intake.ask(asker, service("account.login"), body)
        except Refused as error:
            self._parts.tools.metrics.logins.labels("refused").inc()
            if error.kind is Kind.LOGIN_FAILED:
                bounds = self._bounds.throttle
                await self._parts.store.write(lambda db: throttle.failed(db, who, now_ms, bounds))
            raise
        self._parts.tools.metrics.logins.labels("done").inc()
        return await self._begin(client, keys, answered.opened.answer, forget=who)

    async def change_password(self, session: OpenSession, client: Client, old: str, new: str) -> LoginDone:
        """Change the password; the session is replaced by a fresh one.

        Raises:
            Refused: LOGIN_FAILED (old password), WEAK_PASSWORD ...
            Unavailable: no answer in time.
        """
        body = {"old_password": old, "new_password": new}
        answered = await self._parts.intake.ask(asker_of(session), service("account.password"), body)
        keys = SessionKeys.new(self._parts.tools.randomness)
        return await self._begin(client, keys, answered.opened.answer, replaces=session.keys.id)

    async def logout(self, handle: str, client: Client) -> None:
        """End the session here at once, and tell the core in the background; never fails for an ended one."""
        try:
            session = await self.open(handle, client, activity=False)
        except (Refused, PeerError):
            return
        await self._parts.store.write(lambda db: session_store.cut_session(db, session.keys.id))
        try:
            self._parts.tools.background.start("logout", self._tell_core(session))
        except Unavailable as error:
            self.log.warn("logout_not_told", reason=error.private)

    async def _tell_core(self, session: OpenSession) -> None:
        try:
            await self._parts.intake.ask(asker_of(session), service("account.logout"), {})
        except HallError as error:
            # The grant ends by itself; the session here is gone already.
            self.log.info("logout_not_confirmed", code=error.code)

    async def _begin(
        self,
        client: Client,
        keys: SessionKeys,
        answer: Mapping[str, Json],
        *,
        forget: bytes | None = None,
        replaces: bytes | None = None,
    ) -> LoginDone:
        """Make the session the core's answer stands for."""
        now_ms = self._parts.tools.clock.now_ms()
        message = decode_base64(str(answer["grant"]))
        grant = verify_grant(message, self._parts.trust, now_ms=now_ms)
        check_grant(grant, client)
        account_key = decode_base64(str(answer["draft_key"]))
        if len(account_key) != KEY_BYTES:
            raise PeerError(Kind.MALFORMED, "draft key has 32 bytes")
        must_change = answer["must_change"] is True
        rights = frozenset(grant.rights)
        unit = unit_mark(grant.window, grant.subject)
        name = str(answer["display_name"])
        private = Private(message, account_key, rights, must_change, name, client.language, unit)
        ends_at = min(now_ms + self._bounds.absolute_ms, grant.until_ms)
        life = Life(client.account, client.window, client.certificate, now_ms, now_ms, ends_at)
        row = SessionRow(keys.secret_hash, life, seal_private(keys, private, self._parts.tools.randomness))
        most = self._bounds.per_account

        def work(connection: Connection) -> None:
            session_store.add_session(connection, keys.id, row, most=most, replaces=replaces)
            if forget is not None:
                throttle.succeeded(connection, forget)

        await self._parts.store.write(work)
        return LoginDone(keys.cookie, self.describe(OpenSession(keys, life, private)))


def check_grant(grant: Grant, client: Client) -> None:
    """Check that a grant is this client's; the core binds it, this notices a mix-up early.

    Raises:
        PeerError: BAD_SIGNATURE: signed, but for somebody else.
    """
    if (grant.account, grant.window, grant.certificate) != (client.account, client.window, client.certificate):
        raise PeerError(Kind.BAD_SIGNATURE, "grant for another client")


def decode_base64(text: str) -> bytes:
    """Bytes of base64url text without padding.

    Raises:
        PeerError: MALFORMED.
    """
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise PeerError(Kind.MALFORMED, "not base64url") from None
