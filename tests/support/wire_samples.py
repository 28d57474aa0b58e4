"""Honest requests, answers and bundles for tests of what crosses the gap."""

from __future__ import annotations

import hashlib
import itertools

from tests.support.machines import NOW_MS
from wire_formats import answer, bundle, request
from wire_formats.canonical import Json, encode_json
from wire_formats.seal import SealPrivateKey, SealPublicKey

HIGH_HALF = SealPrivateKey(bytes(range(32)))
SESSION = SealPrivateKey(bytes(range(1, 33)))
_COUNTER = itertools.count(1)

WAGE_BODY: dict[str, Json] = {"id_number": "11010519491231002X", "name": "张三", "wage": 500_000, "year": 2024}


def fresh_id() -> bytes:
    """Give another 16-byte id at every call."""
    return hashlib.sha256(b"id %d" % next(_COUNTER)).digest()[:16]


def request_item(
    body: dict[str, Json] | None = None,
    *,
    service: str = "wage.declare",
    lane: str = "interactive",
    now_ms: int = NOW_MS,
    seal_to: SealPublicKey | None = HIGH_HALF.public,
    **changes: object,
) -> bundle.Item:
    """Make one request; ``seal_to=None`` leaves its content open, as on the inner side."""
    content, digest = request.make_content(encode_json(WAGE_BODY if body is None else body), fresh_id())
    values: dict[str, object] = {
        "id": fresh_id(),
        "service": service,
        "version": 1,
        "lane": lane,
        "window": "unit",
        "created_ms": now_ms,
        "expires_ms": now_ms + 120_000,
        "certificate": bytes(32),
        "grant": b"",
        "reply_to": "worker-1",
        "reply_key": SESSION.public.raw,
        "body_digest": digest,
        **changes,
    }
    header = request.encode_header(request.RequestHeader(**values))  # type: ignore[arg-type]
    return bundle.Item(header, request.seal_content(content, header, seal_to) if seal_to else content)


def answer_item(request_id: bytes | None = None, body: bytes = b"{}", *, reply_to: str = "worker-1") -> bundle.Item:
    """Make one answer, sealed to ``SESSION``."""
    request_id = request_id or fresh_id()
    content = answer.seal_answer(body, request_id, SESSION.public)
    header = answer.AnswerHeader(
        request_id=request_id,
        service="wage.declare",
        version=1,
        status=answer.AnswerStatus.DONE,
        lane="interactive",
        reply_to=reply_to,
        answered_ms=NOW_MS,
        content_digest=hashlib.sha256(content).digest(),
    )
    return bundle.Item(answer.encode_answer_header(header), content)
