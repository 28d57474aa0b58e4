"""Last stage: an answer leaves only with declared headers, within its size, and without the inside of a program.

Rule ids: ``answer.status  answer.header  answer.location  answer.too_large  answer.trace``.
"""

from __future__ import annotations

import re
from typing import Final

from dmz.messages import HallResponse
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
#: Text that only the inside of a program writes.
_TRACES: Final = (
    b"Traceback (most recent call last)",
    b"sqlalchemy.exc.",
    b"sqlite3.OperationalError",
    b"psycopg.errors.",
    b"twisted.internet.defer",
    b'File "/',
    b"File &#34;/",
    b"File &quot;/",
    b"jinja2.exceptions.",
    b"-----BEGIN PRIVATE KEY-----",
    b"-----BEGIN EC PRIVATE KEY-----",
)


def judge_answer(response: HallResponse, most_bytes: int) -> Verdict | None:
    """Give a refusal, or None.

    Args:
        response: what a worker answered.
        most_bytes: largest body.
    """
    if response.status not in STATUSES:
        return refusal(Stage.RESPONSE, "answer.status", kind=Kind.BUG)
    if len(response.body) > most_bytes:
        return refusal(Stage.RESPONSE, "answer.too_large", kind=Kind.BUG)
    return _headers(response) or _body(response)


def _headers(response: HallResponse) -> Verdict | None:
    seen: set[str] = set()
    for raw_name, value in response.headers:
        name = raw_name.lower()
        if name not in DECLARED_HEADERS or (name in seen and name not in _REPEATABLE):
            return refusal(Stage.RESPONSE, "answer.header", kind=Kind.BUG)
        seen.add(name)
        if name == "location" and not _LOCATION.fullmatch(value):
            return refusal(Stage.RESPONSE, "answer.location", kind=Kind.BUG)
    return None


def _body(response: HallResponse) -> Verdict | None:
    kind = next((value for name, value in response.headers if name.lower() == "content-type"), "text/html")
    if kind.startswith("text/") and any(trace in response.body for trace in _TRACES):
        return refusal(Stage.RESPONSE, "answer.trace", kind=Kind.BUG)
    return None
