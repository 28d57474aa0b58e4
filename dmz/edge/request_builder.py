"""Head, body and identity → the ``HallRequest`` that the firewall and a worker get.

Only headers of ``dmz.messages.FORWARDED_HEADERS`` go on; whatever a client sends to look like a proxy's identity
header ends here.

Source: DESIGN, road of one request; RFC 6265 section 4.2 (cookies).
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Final, NamedTuple, cast

from dmz.edge.body_forms import MULTIPART, URLENCODED, Form, FormLimits, check_charset, parse_content_type
from dmz.edge.body_forms import parse_urlencoded as _parse_urlencoded
from dmz.edge.body_multipart import boundary_of, parse_multipart
from dmz.edge.http_fields import RequestHead
from dmz.edge.refusals import Reason, RefusalError
from dmz.hall.language import COOKIE as LANGUAGE_COOKIE
from dmz.messages import (
    FORWARDED_HEADERS,
    MAX_COOKIES,
    SESSION_COOKIE_PREFIX,
    ClientIdentity,
    HallRequest,
    Method,
    Pair,
    Window,
)

_COOKIE: Final = re.compile(
    r"(?P<name>[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64})=(?P<value>\"[!#-+\--:<-\[\]-~]*\"|[!#-+\--:<-\[\]-~]*)"
)


_NO_FORM: Final = Form()


class Peer(NamedTuple):
    """Who is at the other end of a connection, and through which entrance.

    Attributes:
        window: by port.
        address: IP address as text.
        client: the certificate's holder, or None on the site.
        resumed: whether the TLS session was resumed.
    """

    window: Window
    address: str
    client: ClientIdentity | None
    resumed: bool


def build_request(head: RequestHead, body: bytes, peer: Peer, request_id: str, limits: FormLimits) -> HallRequest:
    """Put a request together.

    Args:
        head: the checked head.
        body: the complete body, empty for GET and HEAD.
        peer: the connection's other end.
        request_id: 32 hex digits.
        limits: how much a form may hold.

    Raises:
        RefusalError: the body is not acceptable.
    """
    fields = head.fields
    form = parse_body(fields.get("content-type"), body, limits) if head.method == "POST" else _NO_FORM
    cookie = fields.get("cookie")
    window, address, client, resumed = peer
    path, query, _ = head.target
    return HallRequest(
        cast("Method", head.method),
        window,
        path,
        query,
        form.fields,
        form.uploads,
        MappingProxyType({name: value for name, value in fields.items() if name in FORWARDED_HEADERS}),
        () if cookie is None else parse_cookies(cookie),
        client,
        address,
        request_id,
        resumed,
    )


def parse_body(content_type: str | None, body: bytes, limits: FormLimits) -> Form:
    """Read the body of a POST by its content type.

    Raises:
        RefusalError: another type than the two forms, or a body that its parser refuses.
    """
    if not body:
        return Form()
    if content_type is None:
        raise RefusalError(Reason.CONTENT_TYPE)
    kind = parse_content_type(content_type)
    if kind.media_type == URLENCODED:
        check_charset(kind.parameters)
        return Form(fields=_parse_urlencoded(body, limits))
    if kind.media_type == MULTIPART:
        return parse_multipart(body, boundary_of(kind.parameters), limits)
    raise RefusalError(Reason.CONTENT_TYPE)


def parse_cookies(value: str) -> tuple[Pair, ...]:
    """Read a Cookie field; the hall's own cookies in the order sent, the first of each name, at most MAX_COOKIES.

    Browsers send along what any host of the parent domain has set, for whatever grammar and number. That is nobody's
    input here, so it is passed over: refusing it would let a neighbour keep a visitor out of the hall.
    """
    own: dict[str, str] = {}
    for piece in value.split(";"):
        match = _COOKIE.fullmatch(piece.strip(" \t"))
        if match is None:
            continue
        name, text = match.groups()
        if name.startswith(SESSION_COOKIE_PREFIX) or name == LANGUAGE_COOKIE:
            own.setdefault(name, text.strip('"'))
    return tuple(own.items())[:MAX_COOKIES]
