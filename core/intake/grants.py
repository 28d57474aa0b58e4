"""Checks grants: the core's own signature, certificate, window, time, rights, and that nothing ended it.

Signatures are remembered (bounded), states are not: every group of requests asks the database anew, in two queries.
Source: DESIGN invariant 6; wire_formats.grant.
"""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, bindparam, select

from core.db.any_row import AnyRow
from core.db.states import AccountState, BindingState
from core.db.tables import account, account_certificate, ended_grant
from core.intake.verify import Incoming
from core.services.handler import Caller
from wire_formats.catalogue import ServiceKind
from wire_formats.errors import Kind, PeerError, Refused
from wire_formats.grant import Grant, verify_grant
from wire_formats.trust import TrustStore

REMEMBERED: Final = 20_000
"""Grants whose signature is remembered: about 10 MB."""


_BINDINGS: Final = (
    select(
        account.c.account_id,
        account.c.state,
        account.c.grants_valid_from,
        account_certificate.c.certificate_sha256,
        account_certificate.c.state.label("binding"),
        account_certificate.c.not_after,
    )
    .join(account_certificate, account_certificate.c.account_id == account.c.account_id)
    .where(account_certificate.c.certificate_sha256.in_(bindparam("certificates", expanding=True)))
)
_ENDED: Final = select(ended_grant.c.grant_id, ended_grant.c.ended_at).where(
    ended_grant.c.grant_id.in_(bindparam("ids", expanding=True))
)


@dataclass(frozen=True, slots=True)
class GrantStates:
    """What the database knows about the accounts, certificates and grants of one group of requests."""

    bindings: dict[tuple[str, str], AnyRow]
    ended: dict[str, int]
    """Grant id -> instant of the logout."""


def asked_at(request: Incoming, *, now_ms: int) -> int:
    """Give the instant at which a grant must have held for this request.

    A transaction was acknowledged to its user before it crossed; a logout, a grant's end or a core that was down in
    between must not undo that (invariant 3). So it is judged at the instant it was made, which its own life bounds.
    Queries and everything about the account itself are judged now. A revoked certificate or a disabled account always
    counts now.
    """
    declared = request.declared
    if declared is None or declared.kind is ServiceKind.QUERY or declared.group == "account":
        return now_ms
    return min(request.header.created_ms, now_ms)


class GrantChecker:
    """Checks the grants of requests.

    Args:
        trust: holds the core's own certificates, the present and the ones before.
    """

    def __init__(self, trust: TrustStore) -> None:
        self._trust = trust
        self._known: OrderedDict[bytes, Grant] = OrderedDict()

    def states(self, connection: Connection, requests: Iterable[Incoming]) -> GrantStates:
        """Read what is needed to check these requests."""
        requests = [request for request in requests if request.header.grant]
        certificates = {request.header.certificate.hex() for request in requests}
        if not certificates:
            return GrantStates({}, {})
        rows = connection.execute(_BINDINGS, {"certificates": list(certificates)})
        bindings = {(row.account_id, row.certificate_sha256): row for row in rows}
        ids = {grant.grant_id.hex() for grant in self._peek(requests)}
        ended = connection.execute(_ENDED, {"ids": list(ids)})
        return GrantStates(bindings, {row.grant_id: row.ended_at for row in ended})

    def caller(self, request: Incoming, states: GrantStates, *, now_ms: int) -> Caller | None:
        """Return who asks, or None for a service that needs no grant.

        Raises:
            PeerError: the grant is not ours.
            Refused: it does not cover this request, or was ended.
        """
        if request.declared is not None and not request.declared.needs_grant:
            return None
        header = request.header
        if not header.grant:
            raise Refused(Kind.SESSION_EXPIRED, "request without grant")
        asked_ms = asked_at(request, now_ms=now_ms)
        grant = self._verified(header.grant, asked_ms)
        grant.check(certificate=header.certificate, window=header.window, service=header.service, now_ms=asked_ms)
        row = states.bindings.get((grant.account, header.certificate.hex()))
        if row is None:
            raise Refused(Kind.CERTIFICATE_NOT_BOUND, "certificate is not bound to the account")
        if row.binding != BindingState.BOUND.value:
            raise Refused(Kind.CERTIFICATE_REVOKED, "binding was ended")
        if asked_ms > row.not_after:
            raise Refused(Kind.CERTIFICATE_EXPIRED, "certificate is past its time")
        if row.state != AccountState.ACTIVE.value:
            raise Refused(Kind.SESSION_EXPIRED, "account disabled")
        if grant.from_ms < row.grants_valid_from <= asked_ms:
            raise Refused(Kind.SESSION_EXPIRED, "password changed since")
        if asked_ms >= states.ended.get(grant.grant_id.hex(), asked_ms + 1):
            raise Refused(Kind.SESSION_EXPIRED, "grant was ended")
        return Caller(grant.account, grant.window, grant.subject, grant.district, grant)

    def check_made_here(self, request: Incoming) -> None:
        """Make sure that a request carries a grant of this core, whatever became of it since.

        Raises:
            PeerError: it carries none, or one that this core has not signed.
        """
        if not request.header.grant:
            raise PeerError(Kind.BAD_SIGNATURE, "request without grant")
        self._verified(request.header.grant, request.header.created_ms)

    def unit_of(self, request: Incoming) -> tuple[str, str | bytes]:
        """Return for whom a request is made, for its share of the core: window and subject of its grant.

        Without a grant of this core it is the client certificate, on the site the worker that passed it on.
        """
        header = request.header
        if header.grant:
            with contextlib.suppress(PeerError):  # `caller` raises it again, where it is answered
                grant = self._verified(header.grant, header.created_ms)
                return grant.window, grant.subject
        return "", header.certificate or header.reply_to

    def _peek(self, requests: Iterable[Incoming]) -> Iterable[Grant]:
        for request in requests:
            try:
                yield self._verified(request.header.grant, request.header.created_ms)
            except PeerError:
                continue  # `caller` raises it again, where it is answered

    def _verified(self, message: bytes, now_ms: int) -> Grant:
        grant = self._known.get(message)
        if grant is None:
            grant = verify_grant(message, self._trust, now_ms=now_ms)
            self._known[message] = grant
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return grant
