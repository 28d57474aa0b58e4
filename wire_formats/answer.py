"""An answer: what the core says to one request.

    1 request_id      16 bytes, of the request
    2 service         code in the catalogue
    3 version         of the service's declaration
    4 status          see AnswerStatus
    5 lane            "interactive" or "bulk"
    6 reply_to        worker name
    7 answered        ms since 1970
    8 content_digest  SHA-256 of the sealed content
    9 error           number of an errors.Kind, or 0

Content: canonical JSON of the service's answer fields, sealed to the request's reply key
(``seal.ANSWER_INFO``, bound to request id).  The header tells the DMZ no more than that there is an
answer and of what sort.  A REJECTED answer is written by the ferry's high half for a request that
failed inspection; its content is empty.

The plain content is one JSON object: ``{"answer": {...fields...}, "errors": [...], "hops": {...}}``.

Source: DESIGN "Wire formats", invariant 5.
"""

from __future__ import annotations

import enum
import hashlib
from dataclasses import dataclass
from typing import Final

from wire_formats import cbor, merkle
from wire_formats.errors import Kind, PeerError, kind_of
from wire_formats.header_reader import HeaderReader
from wire_formats.ids import ID_BYTES
from wire_formats.request import LANES, SERVICE_CODE, WORKER_NAME
from wire_formats.seal import ANSWER_INFO, OVERHEAD_BYTES, SealPrivateKey, SealPublicKey

MAX_HEADER_BYTES: Final = 1024
MAX_CONTENT_BYTES: Final = 1024 * 1024


class AnswerStatus(enum.IntEnum):
    """What became of a request."""

    DONE = 1
    """Executed; for a query, here is the answer."""
    ACCEPTED = 2
    """Accepted; a reviewer decides (审核)."""
    REFUSED = 3
    """Understood and refused by a rule; content says why."""
    REJECTED = 4
    """Failed inspection in the ferry; no content."""
    PARTLY = 5
    """Some rows were executed, the others are listed in the content."""


@dataclass(frozen=True, slots=True)
class AnswerHeader:
    """The header of an answer; see the module for each field."""

    request_id: bytes
    service: str
    version: int
    status: AnswerStatus
    lane: str
    reply_to: str
    answered_ms: int
    content_digest: bytes
    error: Kind | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A header with its sealed content."""

    header: AnswerHeader
    header_bytes: bytes
    content: bytes


def encode_answer_header(header: AnswerHeader) -> bytes:
    """Encode a header in its one form."""
    return cbor.encode(
        {
            1: header.request_id,
            2: header.service,
            3: header.version,
            4: header.status.value,
            5: header.lane,
            6: header.reply_to,
            7: header.answered_ms,
            8: header.content_digest,
            9: header.error.value if header.error else 0,
        }
    )


def parse_answer_header(data: bytes) -> AnswerHeader:
    """Parse a header.

    Raises:
        PeerError: anything but the one form of a header inside its limits.
    """
    reader = HeaderReader(data, keys=9, limit=MAX_HEADER_BYTES, depth=1)
    error = reader.integer(9, least=0, most=9999)
    return AnswerHeader(
        request_id=reader.exact_bytes(1, ID_BYTES),
        service=reader.text(2, SERVICE_CODE),
        version=reader.integer(3, least=1, most=9999),
        status=AnswerStatus(reader.integer(4, least=1, most=len(AnswerStatus))),
        lane=reader.choice(5, LANES),
        reply_to=reader.text(6, WORKER_NAME),
        answered_ms=reader.instant(7),
        content_digest=reader.exact_bytes(8, merkle.DIGEST_BYTES),
        error=kind_of(error) if error else None,
    )


def check_answer_content(header: AnswerHeader, content: bytes) -> None:
    """Check sealed content against its header.

    Raises:
        PeerError: TOO_LARGE or DIGEST_MISMATCH; MALFORMED for content where none belongs.
    """
    if len(content) > MAX_CONTENT_BYTES + OVERHEAD_BYTES:
        raise PeerError(Kind.TOO_LARGE, "answer content too large")
    if hashlib.sha256(content).digest() != header.content_digest:
        raise PeerError(Kind.DIGEST_MISMATCH, "answer content is not the one its header names")
    if (header.status is AnswerStatus.REJECTED) != (content == b""):
        raise PeerError(Kind.MALFORMED, "only a rejected answer is empty")


def seal_answer(body: bytes, request_id: bytes, reply_key: SealPublicKey) -> bytes:
    """Seal an answer's body to the session that asked."""
    return reply_key.seal(body, info=ANSWER_INFO, aad=request_id)


def open_answer(content: bytes, request_id: bytes, session_key: SealPrivateKey) -> bytes:
    """Open an answer's content with the session's key.

    Raises:
        PeerError: BAD_SEAL.
    """
    return session_key.open(content, info=ANSWER_INFO, aad=request_id)
