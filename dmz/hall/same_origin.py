"""Whether a POST comes from one of our own pages, and whether its token fits its session.

Two nets: browsers say where a POST was made (`Sec-Fetch-Site`, `Origin`), and forms of a session carry the session's
token. Before login there is no token; but there a forged POST gains nothing, since the account that can sign in is
fixed by the client certificate.

Source: W3C Fetch Metadata; RFC 6454 section 7; OWASP CSRF prevention.
"""

from __future__ import annotations

import hmac

from dmz.hall.visit import Visit
from dmz.messages import HallRequest
from wire_formats.errors import Kind, Refused


def check_origin(request: HallRequest) -> None:
    """Refuse a POST that another site has made.

    Raises:
        Refused: CSRF_MISMATCH.
    """
    made_by = request.headers.get("sec-fetch-site")
    if made_by is not None and made_by not in ("same-origin", "none"):
        raise Refused(Kind.CSRF_MISMATCH, "sec-fetch-site tells of another site")
    origin = request.headers.get("origin")
    if origin is not None and origin != f"https://{request.headers.get('host', '')}":
        raise Refused(Kind.CSRF_MISMATCH, "origin is not this window")


def token_fits(visit: Visit) -> bool:
    """Tell whether the form carries this session's token (compared in constant time)."""
    token = visit.field("csrf").encode("utf-8", "replace")
    return hmac.compare_digest(token, visit.signed_in.csrf_token.encode("ascii"))


def check_token(visit: Visit) -> None:
    """Refuse a form without this session's token.

    Raises:
        Refused: CSRF_MISMATCH, or SESSION_EXPIRED without a session.
    """
    if not token_fits(visit):
        raise Refused(Kind.CSRF_MISMATCH, "form token is not this session's")
