"""Last stage: an answer leaves only as the hall writes answers, and without the inside of a program.

Everything has a closed form: status, names of headers, address of a redirect, shape of a cookie and of a file's name,
media type, size. The text of pages is searched for what only the inside of the hall's own programs writes, whichever
rule set is chosen; rules on answers (``pipeline``) look for what other programs write. A page that the hall did not
mean to send becomes a 500 with an error code, and an audit line.

Rule ids: ``answer.status  answer.header  answer.location  answer.cookie  answer.file_name  answer.type
answer.too_large  answer.trace``.

Source: firewall research, section 5 (response against its declaration); OWASP CRS 950 to 954 name the classes.
"""

from __future__ import annotations

import re
from typing import Final

from dmz.hall.language import COOKIE as LANGUAGE_COOKIE
from dmz.messages import HallResponse
from dmz.waf.seclang.patterns import compile_pattern
from dmz.waf.verdict import Stage, Verdict, refusal
from wire_formats.errors import Kind

DECLARED_HEADERS: Final = frozenset(
    {
        "accept-ranges",
        "allow",
        "cache-control",
        "content-disposition",
        "content-encoding",
        "content-language",
        "content-type",
        "etag",
        "last-modified",
        "location",
        "refresh",
        "retry-after",
        "set-cookie",
        "vary",
    }
)
STATUSES: Final = frozenset({
    200, 206, 302, 303, 304, 400, 401, 403, 404, 405, 406, 408, 409, 410, 411, 413, 414, 415, 416, 417, 421, 422, 429,
    431, 500, 502, 503, 504,
})  # fmt: skip
_REPEATABLE: Final = frozenset({"set-cookie"})
_LOCATION: Final = re.compile(r"/(?![/\\])[!-~]{0,2000}")
#: Sessions end with the browser or are dropped; the language lasts. No cookie goes to another host or to a script.
_COOKIE: Final = re.compile(
    rf"(?:__Host-fg-[a-z]{{1,16}}=[A-Za-z0-9_-]{{0,256}}; Path=/; (?:Max-Age=0; )?Secure; HttpOnly; SameSite=Strict"
    rf"|{LANGUAGE_COOKIE}=[A-Za-z-]{{2,8}}; Path=/; Max-Age=[0-9]{{1,9}}; Secure; HttpOnly; SameSite=Lax)",
    re.ASCII,
)
_FILE_NAME: Final = re.compile(r'attachment; filename="[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}"', re.ASCII)
_PAGE: Final = "text/html; charset=utf-8"
_PACKABLE: Final = frozenset({"text/css; charset=utf-8", "text/plain; charset=utf-8", "image/svg+xml"})
#: Types whose text is searched; the others are files that no browser shows as a page of the hall.
_TEXTS: Final = _PACKABLE | {_PAGE}
_FILES: Final = frozenset(
    {
        "application/pdf",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "application/x-pkcs12",
        "font/woff2",
        "image/png",
        "image/vnd.microsoft.icon",
        "image/webp",
    }
)
MEDIA_TYPES: Final = _TEXTS | _FILES
#: Far more than the longest list of the hall; what is longer is a file.
MAX_TEXT_BYTES: Final = 4 * 1024 * 1024
#: Text that only the inside of the hall's programs, their libraries and databases writes.
_INSIDES: Final = (
    "Traceback (most recent call last)",
    '.py", line ',
    ".py&#34;, line ",
    ".py&quot;, line ",
    "/site-packages/",
    " object at 0x",
    "sqlalchemy.exc.",
    "sqlalche.me/e/",
    "sqlite3.OperationalError",
    "sqlite3.IntegrityError",
    "UNIQUE constraint failed: ",
    "psycopg.errors.",
    "duplicate key value violates",
    "syntax error at or near ",
    "twisted.internet.",
    "jinja2.exceptions.",
    "PRIVATE KEY-----",
    "root:x:0:0:",
)
_INSIDE: Final = compile_pattern("|".join(re.escape(text) for text in _INSIDES))


def judge_answer(response: HallResponse, most_bytes: int) -> Verdict | None:
    """Give a refusal, or None.

    Args:
        response: what a worker answered.
        most_bytes: largest body.
    """
    if response.status not in STATUSES:
        return _wrong("status")
    return _headers(response) or _body(response, most_bytes)


def has_text(response: HallResponse) -> bool:
    """Say whether an answer has a text that can be searched: neither a file nor packed."""
    headers = {name.lower(): value for name, value in response.headers}
    return bool(response.body) and headers.get("content-type") in _TEXTS and "content-encoding" not in headers


def _headers(response: HallResponse) -> Verdict | None:
    seen: set[str] = set()
    for raw_name, value in response.headers:
        name = raw_name.lower()
        if name not in DECLARED_HEADERS or (name in seen and name not in _REPEATABLE):
            return _wrong("header")
        seen.add(name)
        form = _FORMS.get(name)
        if form is not None and not form[0].fullmatch(value):
            return _wrong(form[1])
    return None


def _body(response: HallResponse, most_bytes: int) -> Verdict | None:
    if not response.body:
        return None
    headers = {name.lower(): value for name, value in response.headers}
    media_type = headers.get("content-type", "")
    packed = "content-encoding" in headers
    if media_type not in MEDIA_TYPES or (packed and media_type not in _PACKABLE):
        return _wrong("type")
    is_text = media_type in _TEXTS
    if len(response.body) > (min(most_bytes, MAX_TEXT_BYTES) if is_text else most_bytes):
        return _wrong("too_large")
    if is_text and _INSIDE.search(response.body) is not None:
        return _wrong("trace")
    return None


def _wrong(rule: str) -> Verdict:
    return refusal(Stage.RESPONSE, f"answer.{rule}", kind=Kind.BUG)


#: Headers whose whole value has a form, with the rule it breaks otherwise.
_FORMS: Final = {
    "location": (_LOCATION, "location"),
    "set-cookie": (_COOKIE, "cookie"),
    "content-disposition": (_FILE_NAME, "file_name"),
    "content-encoding": (re.compile("gzip"), "type"),
}
