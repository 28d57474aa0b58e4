"""What a refusal leads to: a page for the client, a count, and a word to the intrusion watch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from dmz.edge.caller import Caller
from dmz.edge.error_answers import error_answer, page_language
from dmz.edge.http_fields import RequestHead
from dmz.edge.refusals import Reason
from dmz.edge.surroundings import Surroundings
from dmz.edge.watch_port import Trace, accountable, is_foreign
from dmz.messages import HallResponse
from wire_formats.errors import HallError


class Refused(NamedTuple):
    """A refused request.

    Attributes:
        error: why; the edge's own RefusalError, or one from behind it.
        request_id: the edge's name of the exchange.
        caller: the other end.
        head: of the request, if it was read.
        fields: of the head, as far as it was read: a refusal in the middle of it has a language too.
        at_hand: fields besides that have come and are sound: they tell whose page it was.
    """

    error: HallError
    request_id: str
    caller: Caller
    head: RequestHead | None
    fields: Mapping[str, str]
    at_hand: Mapping[str, str]


def refusal_page(refused: Refused, around: Surroundings) -> HallResponse:
    """Make the page of a refusal."""
    head, fields, port = refused.head, refused.fields, around.site_port
    return error_answer(
        refused.error,
        request_id=refused.request_id,
        language=page_language(fields.get("cookie"), fields.get("accept-language")),
        site_url=f"https://{head.host.name}:{port}/" if head is not None and port else "",
    )


def tell_refusal(reason: Reason, refused: Refused, around: Surroundings) -> None:
    """Count a refusal by the edge itself, and let the watch hear of it."""
    caller = refused.caller
    around.metrics.refused(reason)
    fingerprint = None if caller.client is None else caller.client.identity.fingerprint
    told = refused.at_hand
    foreign = is_foreign(told) if told else None
    trace = Trace(caller.address, accountable(fingerprint, told), caller.entrance, refused.request_id, foreign)
    around.watch.refused(reason, trace)
