"""Around firewall and content switch: hears what is refused and what the workers answer."""

from __future__ import annotations

from dmz.answering import Answerer, Answering, Cancel, Done, answerer_of
from dmz.edge.watch_port import Trace, accountable, is_foreign
from dmz.intrusion.offences import Offence, of_answer, of_firewall
from dmz.intrusion.watch import IntrusionWatch
from dmz.messages import SESSION_COOKIE_PREFIX, HallRequest, HallResponse, Handler
from dmz.waf.refused import FirewallRefusedError
from wire_formats.errors import Refused


class WatchedHandler(Answering):
    """A handler whose refusals and answers are watched; it changes none of them.

    Args:
        inner: the firewall, and all behind it.
        watch: of this process.
    """

    def __init__(self, inner: Handler | Answerer, watch: IntrusionWatch) -> None:
        self._inner = answerer_of(inner)
        self._watch = watch

    def begin(self, request: HallRequest, done: Done, /) -> Cancel:
        """Have a request answered; errors are those of ``inner``."""

        def noted(outcome: HallResponse | BaseException) -> None:
            if isinstance(outcome, HallResponse):
                self._note(of_answer(outcome), request)
            elif isinstance(outcome, FirewallRefusedError):
                verdict, typed = outcome.verdict, outcome.field is not None and _signed_in(request)
                self._note(of_firewall(outcome.kind, verdict.rule, verdict.score, typed=typed), request)
            elif isinstance(outcome, Refused):
                self._note(of_firewall(outcome.kind, "", 0), request)
            done(outcome)

        return self._inner.begin(request, noted)

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
