"""How answers are written: pages, redirects, downloads, cookies. No policy here.

The edge adds the security headers (CSP, HSTS, nosniff …); what depends on the page is set here.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final
from urllib.parse import quote

from dmz.hall import language as languages
from dmz.hall.backend_port import Download
from dmz.hall.visit import session_cookie_name
from dmz.messages import HallResponse, Pair
from wire_formats.bilingual import Language

SEE_OTHER: Final = 303
_PAGE_HEADERS: Final[tuple[Pair, ...]] = (
    ("Content-Type", "text/html; charset=utf-8"),
    ("Cache-Control", "no-store"),
)


def page(body: str, language: Language, *, status: int = 200, headers: tuple[Pair, ...] = ()) -> HallResponse:
    """Answer with a page. Pages are never stored by browsers or proxies: they hold people's data."""
    vary: tuple[Pair, ...] = (("Content-Language", language), ("Vary", "Accept-Language, Cookie"))
    return HallResponse(status, _PAGE_HEADERS + vary + headers, body.encode("utf-8"))


def redirect(path: str, *, headers: tuple[Pair, ...] = ()) -> HallResponse:
    """Send the browser to a path of this window with GET (post/redirect/get)."""
    location = quote(path, safe="/?&=#%-._~")
    return HallResponse(SEE_OTHER, (("Location", location), ("Cache-Control", "no-store"), *headers))


def download(file: Download) -> HallResponse:
    """Answer with a file to keep."""
    return HallResponse(
        200,
        (
            ("Content-Type", file.media_type),
            ("Content-Disposition", f'attachment; filename="{safe_file_name(file.name)}"'),
            ("Cache-Control", "no-store"),
        ),
        file.content,
    )


def safe_file_name(name: str) -> str:
    """Give a name that needs no quoting in a header and no thought on any disk."""
    kept = "".join(c if c.isascii() and (c.isalnum() or c in "-_.") else "-" for c in name)
    return kept.lstrip(".-")[:100] or "download"


def session_cookie(window: str, value: str) -> Pair:
    """Hand out a session cookie; it ends with the browser, the session itself ends on the server."""
    return ("Set-Cookie", f"{session_cookie_name(window)}={value}; Path=/; Secure; HttpOnly; SameSite=Strict")


def signed_out(answer: HallResponse, window: str) -> HallResponse:
    """Take the session cookie back with an answer, and tell the edge that the session is over."""
    name = session_cookie_name(window)
    dropped = ("Set-Cookie", f"{name}=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Strict")
    return replace(answer, headers=(*answer.headers, dropped), signed_in_s=0)


def language_cookie(language: Language) -> Pair:
    """Keep the visitor's choice of language, for all windows of this host."""
    life = languages.COOKIE_LIFE_S
    return ("Set-Cookie", f"{languages.COOKIE}={language}; Path=/; Max-Age={life}; Secure; HttpOnly; SameSite=Lax")
