"""A body becomes a request: secrets sealed to the core, content sealed to the high half. Pure.

Source: wire_formats.request; DESIGN "The road of one request" and invariant 5.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from dmz.workers.request_store import Outgoing
from wire_formats.answer import Answer, AnswerStatus, open_answer
from wire_formats.canonical import Json, JsonLimits, decode_object, encode_json
from wire_formats.catalogue import Service, ServiceKind
from wire_formats.checking import check_answer, check_body
from wire_formats.collaborators import Randomness
from wire_formats.errors import Bug, HallError, Kind, PeerError, Refused, Unavailable
from wire_formats.fields import Secret
from wire_formats.ids import new_id
from wire_formats.request import (
    MAX_CONTENT_BYTES,
    SALT_BYTES,
    Batch,
    RequestHeader,
    encode_header,
    make_content,
    seal_content,
)
from wire_formats.seal import SealPrivateKey, SealPublicKey, seal_secret

ANSWER_LIMITS = JsonLimits(size_bytes=1024 * 1024, depth=8)
_FAMILIES: dict[int, type[HallError]] = {1: PeerError, 2: Refused, 3: Unavailable}
RETRY_AFTER_S = 10


@dataclass(frozen=True, slots=True)
class SealKeys:
    """Public keys of those who may read: the high half all content, the core the secrets in it."""

    high_half: SealPublicKey
    core: SealPublicKey


@dataclass(frozen=True, slots=True)
class Asker:
    """For whom a request is made.

    Attributes:
        window: The window it came through.
        account: Account id; empty on the site.
        certificate: SHA-256 of the client certificate; empty on the site.
        grant: The core's grant; empty before login.
        session: What its credits are counted by: session id, or a digest before login.
        reply_key: Opens the answer.
        unit: Mark of the unit, community or person for whom it is asked; before login what its credits are counted by.
    """

    window: str
    account: str
    certificate: bytes
    grant: bytes = field(repr=False)
    session: bytes
    reply_key: SealPrivateKey = field(repr=False)
    unit: bytes


@dataclass(frozen=True, slots=True)
class Frame:
    """What a request has around its body.

    Attributes:
        created_ms: Now.
        expires_ms: After it the core refuses.
        reply_to: The worker's name.
        keys: Whom to seal to.
        batch: Which chunk of a batch it is.
    """

    created_ms: int
    expires_ms: int
    reply_to: str
    keys: SealKeys
    batch: Batch | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """An opened answer: status, the declared fields, and who decided when."""

    status: AnswerStatus
    answer: Mapping[str, Json]
    answered_ms: int
    hops: Mapping[str, Json]
    errors: tuple[Mapping[str, Json], ...] = ()


def check_window(entry: Service, window: str) -> None:
    """Check that a window offers a service.

    Raises:
        Refused: WRONG_WINDOW.
    """
    if window not in entry.windows:
        raise Refused(Kind.WRONG_WINDOW, f"{entry.code} is not offered in this window")


def wire_body(entry: Service, body: Mapping[str, object], core_key: SealPublicKey) -> dict[str, Json]:
    """The body as it crosses: secret fields sealed to the core, everything else checked by the declaration.

    Raises:
        PeerError: BAD_FIELD: a value that ``check_form`` would not have given.
    """
    wire: dict[str, Json] = {}
    for name, value in body.items():
        wire[name] = value  # type: ignore[assignment]  # check_body judges it below
        declared = entry.field(name)
        if isinstance(declared, Secret):
            if not isinstance(value, str):
                raise PeerError(Kind.BAD_FIELD, f"{entry.code}.{name}: not text")
            wire[name] = seal_secret(core_key, value, field=name)
    check_body(entry, wire)
    return wire


def build_request(
    entry: Service,
    wire: Mapping[str, Json],
    asker: Asker,
    *,
    frame: Frame,
    randomness: Randomness,
) -> Outgoing:
    """Make the header, salt and seal the content.

    Args:
        entry: The service.
        wire: From ``wire_body``.
        asker: For whom.
        frame: Times, return address, keys, chunk.
        randomness: For id, salt and nothing else.

    Raises:
        Refused: BODY_TOO_LARGE.
    """
    content, digest = make_content(encode_json(dict(wire)), randomness.bytes(SALT_BYTES))
    if len(content) > MAX_CONTENT_BYTES:
        raise Refused(Kind.BODY_TOO_LARGE, "request body too large")
    header = RequestHeader(
        id=new_id(randomness),
        service=entry.code,
        version=entry.version,
        lane=entry.lane,
        window=asker.window,
        created_ms=frame.created_ms,
        expires_ms=frame.expires_ms,
        certificate=asker.certificate,
        grant=asker.grant,
        reply_to=frame.reply_to,
        reply_key=asker.reply_key.public.raw,
        body_digest=digest,
        batch=frame.batch,
    )
    encoded = encode_header(header)
    tracked = entry.kind is ServiceKind.TRANSACTION
    sealed = seal_content(content, encoded, frame.keys.high_half)
    return Outgoing(header.id, entry.lane, encoded, sealed, tracked, asker.unit)


def open_and_check(entry: Service, answer: Answer, key: SealPrivateKey) -> Opened:
    """Open an answer and check it by the service's declaration; a refusal has no declared fields.

    Raises:
        PeerError: another service's answer, another key's seal, or content of another form.
    """
    header = answer.header
    if header.service != entry.code or header.version != entry.version:
        raise PeerError(Kind.MALFORMED, "answer to another service")
    if header.status is AnswerStatus.REJECTED:
        return Opened(header.status, {}, header.answered_ms, {})
    content = decode_object(open_answer(answer.content, header.request_id, key), limits=ANSWER_LIMITS)
    body, hops = content.get("answer"), content.get("hops")
    if not isinstance(body, dict):
        raise PeerError(Kind.MALFORMED, "answer without its fields")
    if header.status is not AnswerStatus.REFUSED:
        check_answer(entry, body)
    listed = content.get("errors")
    errors = tuple(one for one in listed if isinstance(one, dict)) if isinstance(listed, list) else ()
    return Opened(header.status, body, header.answered_ms, hops if isinstance(hops, dict) else {}, errors)


class RefusedAnswer(Refused):
    """A refusal from behind the gap, with the opened answer that holds its reasons."""

    def __init__(self, kind: Kind, private: str, retry_after_s: int | None, opened: Opened) -> None:
        super().__init__(kind, private, retry_after_s)
        self.opened = opened


def refusal(kind: Kind | None, opened: Opened) -> HallError:
    """The error a refusing answer stands for, in its family, with the time to wait if it names one."""
    if kind is None:
        return RefusedAnswer(Kind.RULE, "refused by the core without a kind", None, opened)
    family = _FAMILIES.get(kind // 1000, Bug)
    waits = (one.get("value") for one in opened.errors if one.get("code") == "retry_after")
    wait = next((value for value in waits if isinstance(value, int)), None)
    if wait is None and family is Unavailable:
        wait = RETRY_AFTER_S
    private = "said behind the gap"
    return RefusedAnswer(kind, private, wait, opened) if family is Refused else family(kind, private, wait)


def is_refusal(status: AnswerStatus) -> bool:
    """Whether nothing took effect."""
    return status in (AnswerStatus.REFUSED, AnswerStatus.REJECTED)
