"""The outflow guard: what may leave the core in an answer, and nothing else.

    content = canonical JSON { "answer": {declared fields}, "errors": [{field, code, value?}], "hops": {party: ms} }

A field that the service does not declare as its answer, a fault code or field name that nobody declared, a hop of an
unknown party: none of them leaves. A mistake in a handler becomes an answer without content, never a leak.
Source: DESIGN "outflow guard", invariant 7; wire_formats.answer.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Final

from core.services.handler import Note, ServiceAnswer
from wire_formats.answer import MAX_CONTENT_BYTES, Answer, AnswerHeader, AnswerStatus, encode_answer_header, seal_answer
from wire_formats.canonical import Json, encode_json
from wire_formats.catalogue import Service
from wire_formats.checking import check_answer
from wire_formats.errors import Bug, Kind, PeerError
from wire_formats.field_faults import FAULTS
from wire_formats.request import RequestHeader
from wire_formats.seal import SealPublicKey

HOPS: Final = ("worker", "ferry_low", "ferry_high", "core_in", "core_out")
RETRY_AFTER: Final = "retry_after"
"""Code of the note that tells after how many seconds to try again; it belongs to no field."""
MOST_NOTES: Final = 64


def guard_answer(declared: Service | None, answer: ServiceAnswer) -> None:
    """Check an answer against its service's declaration, before its effect is kept.

    Raises:
        Bug: something undeclared would leave; the private reason names the field, never its value.
    """
    try:
        if answer.status is AnswerStatus.REFUSED:
            _check_partial(declared, answer.fields)
        elif declared is None:
            raise Bug(Kind.BUG, "answer of an unknown service")
        else:
            check_answer(declared, answer.fields)
    except PeerError as error:
        raise Bug(Kind.BUG, f"answer not as declared: {error.private}") from None
    if len(answer.notes) > MOST_NOTES:
        raise Bug(Kind.BUG, "too many notes")
    for note in answer.notes:
        _check_note(declared, note)


def _check_partial(declared: Service | None, fields: dict[str, Json]) -> None:
    """A refusal may carry some of the declared fields, each as declared."""
    if not fields:
        return
    if declared is None:
        raise Bug(Kind.BUG, "answer of an unknown service")
    present = tuple(field for field in declared.answer if field.name in fields)
    check_answer(replace(declared, answer=present), fields)


def _check_note(declared: Service | None, note: Note) -> None:
    names = {field.name for field in declared.fields} if declared else set()
    if note.code not in FAULTS and note.code != RETRY_AFTER:
        raise Bug(Kind.BUG, "undeclared fault code")
    if note.field and note.field not in names:
        raise Bug(Kind.BUG, "fault of an undeclared field")


def seal_outgoing(header: RequestHeader, answer: ServiceAnswer, *, hops: dict[str, int], now_ms: int) -> Answer:
    """Seal a guarded answer to the session that asked, and make its header.

    Raises:
        PeerError: BAD_SEAL, the session's key cannot be sealed to.
        Bug: the answer is too large.
    """
    sealed = seal_answer(_content(answer, hops), header.id, SealPublicKey(header.reply_key))
    outgoing = AnswerHeader(
        request_id=header.id,
        service=header.service,
        version=header.version,
        status=answer.status,
        lane=header.lane,
        reply_to=header.reply_to,
        answered_ms=now_ms,
        content_digest=hashlib.sha256(sealed).digest(),
        error=answer.error,
    )
    return Answer(outgoing, encode_answer_header(outgoing), sealed)


def _content(answer: ServiceAnswer, hops: dict[str, int]) -> bytes:
    errors: list[Json] = [_note(note) for note in answer.notes]
    known: dict[str, Json] = {party: hops[party] for party in HOPS if party in hops}
    content = encode_json({"answer": dict(answer.fields), "errors": errors, "hops": known})
    if len(content) > MAX_CONTENT_BYTES:
        raise Bug(Kind.BUG, "answer too large")
    return content


def _note(note: Note) -> dict[str, Json]:
    entry: dict[str, Json] = {"field": note.field, "code": note.code}
    if note.value is not None:
        entry["value"] = note.value
    return entry
