"""What the core says to the certificate desk (the `ca` process) over a Unix socket, and its answers.

    frame = length (4 bytes, big-endian) ‖ deterministic CBOR map with the keys 1..n

    1 "download"  2 request id  3 certificate number  4 verification code
    1 "prepare"   2 request id  3 account  4 window  5 display  6 operator
    1 "enable"    2 request id  3 certificate number  4 agreement  5 operator
    1 "revoke"    2 request id  3 certificate number or serial  4 reason  5 operator
    1 "status"    2 request id  3 certificate number

    1 "issued"    2 request id  3 pkcs12  4 fingerprint  5 serial  6 issuer  7 window  8 account  9 not after
    1 "prepared"  2 request id  3 certificate number  4 verification code  5 certificate password  6 code expires
    1 "done"      2 request id  3 state
    1 "entry"     2 request id  3 certificate number  4 window  5 account  6 state  7 tries left
    1 "refused"   2 request id  3 error kind  4 tries left (-1: does not apply)  5 retry after (-1: does not help)

Questions and answers go in turn on one connection. The same request id again brings the same
answer for ten minutes. `repr` of a message shows no code, password or key.

Source: catalogue F1, F3, F5, F6; DESIGN "Wire formats" (one value, one form, or PeerError).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from wire_formats import cbor
from wire_formats.certificate_names import CERTIFICATE_WINDOWS
from wire_formats.errors import Kind, PeerError, kind_of
from wire_formats.header_reader import HeaderReader
from wire_formats.ids import ID_BYTES

LENGTH_BYTES: Final = 4
MAX_QUESTION_BYTES: Final = 1024
MAX_ANSWER_BYTES: Final = 24 * 1024
MAX_PKCS12_BYTES: Final = 16 * 1024
FINGERPRINT_BYTES: Final = 32
STATES: Final = ("not_enabled", "enabled", "downloaded", "revoked")
REASONS: Final = (
    "unspecified",
    "key_compromise",
    "affiliation_changed",
    "superseded",
    "cessation_of_operation",
    "privilege_withdrawn",
)
MAX_TRIES: Final = 5
_MAX_RETRY_S: Final = 86_400

_TYPED: Final = re.compile(r"[!-~ ]{0,64}", re.ASCII)
_NUMBER: Final = re.compile(r"[0-9A-Za-z -]{1,20}", re.ASCII)
_SECRET: Final = re.compile(r"[0-9A-Z]{12,24}", re.ASCII)
_ACCOUNT: Final = re.compile(r"[A-Za-z0-9_-]{1,40}", re.ASCII)
_OPERATOR: Final = re.compile(r"[A-Za-z0-9_.:-]{1,64}", re.ASCII)
_AGREEMENT: Final = re.compile(r"[A-Za-z0-9_/.-]{1,64}", re.ASCII)
_DISPLAY: Final = re.compile(r"[^\x00-\x1f\x7f]{0,64}")
_WHICH: Final = re.compile(r"[0-9A-Za-z -]{1,20}|[0-9a-f]{32}", re.ASCII)
_SERIAL: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)
_ISSUER: Final = re.compile(r"[^\x00-\x1f\x7f]{1,256}")


@dataclass(frozen=True, slots=True)
class Download:
    """Make the PKCS#12 of a slip; number and code as the user typed them."""

    request_id: bytes
    number: str
    code: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Prepare:
    """Make a new slip for an account."""

    request_id: bytes
    account: str
    window: str
    display: str = field(repr=False)
    operator: str


@dataclass(frozen=True, slots=True)
class Enable:
    """Enable a slip; `agreement` is the number of the signed agreement."""

    request_id: bytes
    number: str
    agreement: str
    operator: str


@dataclass(frozen=True, slots=True)
class Revoke:
    """End a slip with its certificates, or one certificate by its serial."""

    request_id: bytes
    which: str
    reason: str
    operator: str


@dataclass(frozen=True, slots=True)
class Status:
    """Ask where a slip stands."""

    request_id: bytes
    number: str


@dataclass(frozen=True, slots=True)
class Issued:
    """The PKCS#12, and what binds the account to its certificate."""

    request_id: bytes
    pkcs12: bytes = field(repr=False)
    fingerprint: bytes
    serial: str
    issuer: str
    window: str
    account: str
    not_after_ms: int


@dataclass(frozen=True, slots=True)
class Prepared:
    """The three texts for the printer; nobody else keeps them."""

    request_id: bytes
    number: str
    code: str = field(repr=False)
    password: str = field(repr=False)
    code_expires_ms: int


@dataclass(frozen=True, slots=True)
class Done:
    """It was done; the slip's state now."""

    request_id: bytes
    state: str


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a slip stands."""

    request_id: bytes
    number: str
    window: str
    account: str
    state: str
    tries_left: int


@dataclass(frozen=True, slots=True)
class DeskRefusal:
    """It was not done.

    Attributes:
        tries_left: verification codes that may still be tried; -1 when that does not apply.
        retry_after_s: when to try again; -1 when that does not help.
    """

    request_id: bytes
    kind: Kind
    tries_left: int = -1
    retry_after_s: int = -1


Question: TypeAlias = Download | Prepare | Enable | Revoke | Status
DeskAnswer: TypeAlias = Issued | Prepared | Done | Entry | DeskRefusal


def encode_question(question: Question) -> bytes:
    """Encode a question, without the frame's length.

    Raises:
        ValueError: a field outside its grammar (our own fault, not a peer's).
    """
    return _encode(question, _QUESTIONS, MAX_QUESTION_BYTES)


def encode_answer(answer: DeskAnswer) -> bytes:
    """Encode an answer, without the frame's length.

    Raises:
        ValueError: a field outside its grammar (our own fault, not a peer's).
    """
    return _encode(answer, _ANSWERS, MAX_ANSWER_BYTES)


def framed(message: bytes) -> bytes:
    """Put the length before an encoded message."""
    return len(message).to_bytes(LENGTH_BYTES, "big") + message


def parse_question(data: bytes) -> Question:
    """Parse a question.

    Raises:
        PeerError: anything but the one form of a question.
    """
    message = _parse(data, _QUESTIONS, MAX_QUESTION_BYTES)
    if not isinstance(message, Question):
        raise PeerError(Kind.MALFORMED, "not a question")
    return message


def parse_answer(data: bytes) -> DeskAnswer:
    """Parse an answer.

    Raises:
        PeerError: anything but the one form of an answer.
    """
    message = _parse(data, _ANSWERS, MAX_ANSWER_BYTES)
    if not isinstance(message, DeskAnswer):
        raise PeerError(Kind.MALFORMED, "not an answer")
    return message


_Message: TypeAlias = Question | DeskAnswer
_Read: TypeAlias = Callable[[HeaderReader, int], object]


def _text(pattern: re.Pattern[str]) -> _Read:
    return lambda reader, key: reader.text(key, pattern)


def _choice(choices: tuple[str, ...]) -> _Read:
    return lambda reader, key: reader.choice(key, choices)


def _integer(least: int, most: int) -> _Read:
    return lambda reader, key: reader.integer(key, least=least, most=most)


def _kind(reader: HeaderReader, key: int) -> Kind:
    return kind_of(reader.integer(key, least=1000, most=9999))


def _request_id(reader: HeaderReader, key: int) -> bytes:
    return reader.exact_bytes(key, ID_BYTES)


def _instant(reader: HeaderReader, key: int) -> int:
    return reader.instant(key)


_Row: TypeAlias = tuple[type[_Message], Mapping[str, _Read]]
_QUESTIONS: Final[Mapping[str, _Row]] = {
    "download": (Download, {"number": _text(_TYPED), "code": _text(_TYPED)}),
    "prepare": (
        Prepare,
        {
            "account": _text(_ACCOUNT),
            "window": _choice(CERTIFICATE_WINDOWS),
            "display": _text(_DISPLAY),
            "operator": _text(_OPERATOR),
        },
    ),
    "enable": (Enable, {"number": _text(_NUMBER), "agreement": _text(_AGREEMENT), "operator": _text(_OPERATOR)}),
    "revoke": (Revoke, {"which": _text(_WHICH), "reason": _choice(REASONS), "operator": _text(_OPERATOR)}),
    "status": (Status, {"number": _text(_NUMBER)}),
}
_ANSWERS: Final[Mapping[str, _Row]] = {
    "issued": (
        Issued,
        {
            "pkcs12": lambda reader, key: reader.bytes_up_to(key, MAX_PKCS12_BYTES),
            "fingerprint": lambda reader, key: reader.exact_bytes(key, FINGERPRINT_BYTES),
            "serial": _text(_SERIAL),
            "issuer": _text(_ISSUER),
            "window": _choice(CERTIFICATE_WINDOWS),
            "account": _text(_ACCOUNT),
            "not_after_ms": _instant,
        },
    ),
    "prepared": (
        Prepared,
        {
            "number": _text(_NUMBER),
            "code": _text(_SECRET),
            "password": _text(_SECRET),
            "code_expires_ms": _instant,
        },
    ),
    "done": (Done, {"state": _choice(STATES)}),
    "entry": (
        Entry,
        {
            "number": _text(_NUMBER),
            "window": _choice(CERTIFICATE_WINDOWS),
            "account": _text(_ACCOUNT),
            "state": _choice(STATES),
            "tries_left": _integer(0, MAX_TRIES),
        },
    ),
    "refused": (
        DeskRefusal,
        {"kind": _kind, "tries_left": _integer(-1, MAX_TRIES), "retry_after_s": _integer(-1, _MAX_RETRY_S)},
    ),
}


def _encode(message: _Message, table: Mapping[str, _Row], limit: int) -> bytes:
    for name, (kind, fields) in table.items():
        if isinstance(message, kind):
            value: dict[int | str, cbor.Value] = {1: name, 2: message.request_id}
            for key, attribute in enumerate(fields, start=3):
                raw = getattr(message, attribute)
                value[key] = int(raw) if isinstance(raw, int) else raw
            data = cbor.encode(value)
            try:
                _parse(data, table, limit)
            except PeerError as error:
                raise ValueError(f"desk message: {error.private}") from None
            return data
    raise ValueError("not a message of this direction")


def _parse(data: bytes, table: Mapping[str, _Row], limit: int) -> _Message:
    if len(data) > limit:
        raise PeerError(Kind.TOO_LARGE, "desk message too large")
    value = cbor.decode(data, max_depth=1)
    name = value.get(1) if isinstance(value, dict) else None
    row = table.get(name) if isinstance(name, str) else None
    if row is None:
        raise PeerError(Kind.MALFORMED, "unknown desk message")
    kind, fields = row
    reader = HeaderReader(data, keys=2 + len(fields), limit=limit, depth=1)
    values = {attribute: read(reader, key) for key, (attribute, read) in enumerate(fields.items(), start=3)}
    return kind(request_id=_request_id(reader, 2), **values)  # type: ignore[arg-type]  # the table fits the classes
