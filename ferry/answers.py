"""The answer to a request that failed inspection, written by the high half.

Its content is empty: the high half knows no session, and tells the DMZ only the public kind of error.

Source: wire_formats.answer (REJECTED).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import NamedTuple

from wire_formats.answer import AnswerHeader, AnswerStatus, encode_answer_header
from wire_formats.bundle import MAX_ITEMS, Item
from wire_formats.errors import Kind
from wire_formats.request import RequestHeader

_NOTHING = hashlib.sha256(b"").digest()


class Rejection(NamedTuple):
    """One request that failed inspection, and the public kind of its fault."""

    header: RequestHeader
    kind: Kind


def rejected_answer(rejection: Rejection, *, now_ms: int) -> Item:
    """Make the answer to a rejected request."""
    request = rejection.header
    header = AnswerHeader(
        request_id=request.id,
        service=request.service,
        version=request.version,
        status=AnswerStatus.REJECTED,
        lane=request.lane,
        reply_to=request.reply_to,
        answered_ms=now_ms,
        content_digest=_NOTHING,
        error=rejection.kind,
    )
    return Item(encode_answer_header(header), b"")


def by_worker(rejections: Iterable[Rejection]) -> dict[str, list[Rejection]]:
    """Group rejections so that each bundle answers one worker; at most 256 by construction."""
    groups: dict[str, list[Rejection]] = {}
    for rejection in rejections:
        groups.setdefault(rejection.header.reply_to, []).append(rejection)
    assert all(len(group) <= MAX_ITEMS for group in groups.values())
    return groups
