"""A form that was refused or met a busy hall is given back: what was typed travels through that page to its form again.

It rests nowhere: the edge packs it into a hidden field of its page (``kept_input``), the button sends it to the form's
own address, and the worker shows the form with it. Sent again from there it is judged again, as any form. Secret fields
are never among the texts; what is too large to carry is not given back.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from dmz.hall import kept_input
from dmz.hall.markup.service_form import texts_of
from dmz.hall.route_table import ROUTES, Route
from dmz.messages import SESSION_COOKIE_PREFIX, FormBack, HallRequest
from wire_formats.catalogue import SERVICES
from wire_formats.errors import PeerError

#: From the page of a refusal by the firewall, and from that of a hall too busy to answer.
ACTION: Final = "back"
UNANSWERED: Final = "again"
ACTIONS: Final = (ACTION, UNANSWERED)
_FORMS: Final[Mapping[tuple[str, str], Route]] = {
    (window, route.path): route for route in ROUTES if route.handler == "form_post" for window in route.windows
}
#: What makes the form the same form again.
_CARRIED: Final = ("csrf", "form_token", "draft")


def form_back(request: HallRequest, refused: str = "", *, action: str = ACTION) -> FormBack | None:
    """Make what gives a form back to a user who is signed in. A form on its way back is given back once more.

    Args:
        request: as the edge parsed it; its texts are hostile.
        refused: the declared field that was refused, or anything else.
        action: why it comes back.

    Returns:
        Values that need escaping and hold nothing but letters, digits, ``-`` and ``_``; None: no such form, nobody
        signed in, or too large.
    """
    route = _FORMS.get((request.window, request.path)) if request.method == "POST" else None
    signed_in = request.client is not None and any(
        name.startswith(SESSION_COOKIE_PREFIX) for name, _ in request.cookies
    )
    if route is None or not signed_in:
        return None
    service = SERVICES[route.service]
    typed = dict(reversed(request.form))
    on_its_way = typed.get("action") in ACTIONS
    texts = kept_texts(service.code, typed.get("kept", "")) if on_its_way else texts_of(service, request.form)
    kept = kept_input.pack(kept_input.KeptInput(service.code, texts)) if texts is not None else ""
    if not kept:
        return None
    carried = [(param.name, typed.get(param.name, "")) for param in route.form if param.name in _CARRIED]
    sound = [(name, text) for name, text in carried if re.fullmatch(_pattern(route, name), text)]
    field = refused if any(declared.name == refused for declared in service.form_fields) else ""
    return FormBack(request.path, (*sound, ("refused", field), ("kept", kept), ("action", action)))


def kept_texts(service: str, kept: str) -> Mapping[str, str] | None:
    """Read the texts of a form that comes back; None: they are another service's, or none."""
    try:
        found = kept_input.unpack(kept)
    except PeerError:
        return None
    return texts_of(SERVICES[service], found.texts.items()) if found.service == service else None


def _pattern(route: Route, name: str) -> str:
    return next(param.pattern for param in route.form if param.name == name)
