"""Checks grants: the core's own signature, certificate, window, time, rights, and that nothing ended it.

Signatures are remembered (bounded), states are not: every group of requests asks the database anew, in two queries.
Source: DESIGN invariant 6; wire_formats.grant.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, select

from core.db.any_row import AnyRow
from core.db.states import AccountState, BindingState
from core.db.tables import account, account_certificate, ended_grant
from core.intake.verify import Incoming
from core.services.handler import Caller
from wire_formats.errors import Kind, PeerError, Refused
from wire_formats.grant import Grant, verify_grant
from wire_formats.trust import TrustStore

REMEMBERED: Final = 20_000
"""Grants whose signature is remembered: about 10 MB."""


@dataclass(frozen=True, slots=True)
class GrantStates:
    """What the database knows about the accounts, certificates and grants of one group of requests."""

    bindings: dict[tuple[str, str], AnyRow]
    ended: frozenset[str]


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
            return GrantStates({}, frozenset())
        rows = connection.execute(
            select(
                account.c.account_id,
                account.c.state,
                account.c.grants_valid_from,
                account_certificate.c.certificate_sha256,
                account_certificate.c.state.label("binding"),
                account_certificate.c.not_after,
            )
            .join(account_certificate, account_certificate.c.account_id == account.c.account_id)
            .where(account_certificate.c.certificate_sha256.in_(certificates))
        )
        bindings = {(row.account_id, row.certificate_sha256): row for row in rows}
        ids = {grant.grant_id.hex() for grant in self._peek(requests)}
        ended = connection.scalars(select(ended_grant.c.grant_id).where(ended_grant.c.grant_id.in_(ids)))
        return GrantStates(bindings, frozenset(ended))

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
        grant = self._verified(header.grant, now_ms)
        grant.check(certificate=header.certificate, window=header.window, service=header.service, now_ms=now_ms)
        row = states.bindings.get((grant.account, header.certificate.hex()))
        if row is None:
            raise Refused(Kind.CERTIFICATE_NOT_BOUND, "certificate is not bound to the account")
        if row.binding != BindingState.BOUND.value:
            raise Refused(Kind.CERTIFICATE_REVOKED, "binding was ended")
        if now_ms > row.not_after:
            raise Refused(Kind.CERTIFICATE_EXPIRED, "certificate is past its time")
        if row.state != AccountState.ACTIVE.value or grant.from_ms < row.grants_valid_from:
            raise Refused(Kind.SESSION_EXPIRED, "account disabled, or its password changed since")
        if grant.grant_id.hex() in states.ended:
            raise Refused(Kind.SESSION_EXPIRED, "grant was ended")
        return Caller(grant.account, grant.window, grant.subject, grant.district, grant)

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
