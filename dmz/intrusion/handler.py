"""Around firewall and content switch: hears what is refused and what the workers answer."""

from __future__ import annotations

from dmz.edge.watch_port import Trace, accountable, is_foreign
from dmz.intrusion.offences import Offence, of_answer, of_firewall
from dmz.intrusion.watch import IntrusionWatch
from dmz.messages import SESSION_COOKIE_PREFIX, HallRequest, HallResponse, Handler
from dmz.waf.refused import FirewallRefusedError
from wire_formats.errors import Refused


class WatchedHandler:
    """A handler whose refusals and answers are watched; it changes none of them.

    Args:
        inner: the firewall, and all behind it.
        watch: of this process.
    """

    def __init__(self, inner: Handler, watch: IntrusionWatch) -> None:
        self._inner = inner
        self._watch = watch

    async def __call__(self, request: HallRequest) -> HallResponse:
        """Have a request answered.

        Raises:
            HallError: whatever ``inner`` raises.
        """
        try:
            response = await self._inner(request)
        except FirewallRefusedError as error:
            typed = error.field is not None and _signed_in(request)
            self._note(of_firewall(error.kind, error.verdict.rule, error.verdict.score, typed=typed), request)
            raise
        except Refused as error:
            self._note(of_firewall(error.kind, "", 0), request)
            raise
        self._note(of_answer(response), request)
        return response

    def _note(self, offence: Offence | None, request: HallRequest) -> None:
        if offence is None:
            return
        certificate = None if request.client is None else accountable(request.client.fingerprint, request.headers)
        foreign = is_foreign(request.headers)
        self._watch.note(offence, Trace(request.address, certificate, request.window, request.request_id, foreign))


def _signed_in(request: HallRequest) -> bool:
    """Tell whether a certificate answers for a request that carries a session."""
    if request.client is None or is_foreign(request.headers):
        return False
    return any(name.startswith(SESSION_COOKIE_PREFIX) for name, _ in request.cookies)
