"""What an edge and a worker say to each other, and how it is written on the Unix socket.

One frame's payload is one MessagePack array, by position::

    request   [2, method, window, path, [[name, value]…], [[name, value]…], [upload…], [[header, value]…],
               [[cookie, value]…], client | nil, address, request id, resumed]
    upload    [name, file name, content type, bytes]
    client    [fingerprint(32), issuer common name, serial (big-endian bytes), account URI, window, account]
    response  [2, status, [[header, value]…], bytes, offence | nil, signed in for seconds | nil]

The first item is the format's version. In version 1 the response ends with the offence; a worker answers a request in
the request's version, so that an older edge understands it. The edge has parsed the HTTP request once and completely; a
worker never sees HTTP bytes, so the two cannot disagree about where a request ends (DESIGN, "The edge in one
paragraph").

The decoders are strict: a frame is exactly the shape above, within the limits below, or ``PeerError``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Annotated, Final, Literal, TypeAlias

import msgspec
from msgspec import Meta

from wire_formats.errors import Kind, PeerError, Refused, Unavailable

Window: TypeAlias = Literal["unit", "community", "person", "site"]
Method: TypeAlias = Literal["GET", "HEAD", "POST"]
Pair: TypeAlias = tuple[str, str]
#: What a worker tells the edge's intrusion watch about a request (see ``dmz.intrusion.offences``).
Offending: TypeAlias = Literal["login_failed", "locked_out", "code_failed"]

FORMAT: Final = 2
_FORMAT_WITHOUT_MARK: Final = 1
#: A session's mark says at most this (a day).
MAX_SIGNED_IN_S: Final = 86_400
MAX_REQUEST_FRAME_BYTES: Final = 16 * 1024 * 1024
MAX_RESPONSE_FRAME_BYTES: Final = 16 * 1024 * 1024
MAX_QUERY_PAIRS: Final = 64
MAX_FORM_PAIRS: Final = 2_048
MAX_UPLOADS: Final = 8
MAX_COOKIES: Final = 16
#: What the name of every session cookie begins with; ``__Host-`` makes browsers refuse one that is not secure, or that
#: another host has set (RFC 6265bis section 4.1.3).
SESSION_COOKIE_PREFIX: Final = "__Host-fg-"
MAX_RESPONSE_HEADERS: Final = 64

FORWARDED_HEADERS: Final = frozenset(
    {
        "accept",
        "accept-encoding",
        "accept-language",
        "content-type",
        "host",
        "if-modified-since",
        "if-none-match",
        "origin",
        "range",
        "referer",
        "sec-fetch-mode",
        "sec-fetch-site",
        "user-agent",
        "x-csrf-token",
        "x-requested-with",
    }
)
"""The request headers a worker gets to see (lower case); everything else stays at the edge."""


@dataclass(frozen=True, slots=True)
class ClientIdentity:
    """Who holds the client certificate of a connection: all of it read from the verified certificate.

    Attributes:
        fingerprint: SHA-256 over the certificate's DER, 32 bytes.
        issuer_cn: common name of the issuing CA.
        serial: the certificate's serial number, up to 160 bits.
        account_uri: ``urn:ferrygate:account:<window>:<account id>`` from the subjectAltName.
        window: the window part of ``account_uri``; the edge has checked that it is this port's.
        account: the account id part of ``account_uri``.
    """

    fingerprint: bytes
    issuer_cn: str
    serial: int
    account_uri: str
    window: str
    account: str
    #: As it stands in a request; written once for all requests of a connection.
    written: list[msgspec.Raw] = field(default_factory=list, init=False, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Upload:
    """One file of a multipart form: the field's name, the client's file name (a label, never a path), type, bytes."""

    name: str
    filename: str
    content_type: str
    data: bytes


class HallRequest(msgspec.Struct, frozen=True):
    """One HTTP request, fully parsed by the edge.

    Attributes:
        method: GET, HEAD or POST.
        window: the entrance it came through, by port.
        path: canonical, decoded, begins with ``/``, no ``..``, no ``//``.
        query: decoded pairs in the order sent; names may repeat.
        form: decoded fields of an urlencoded or multipart body, in the order sent.
        uploads: the files of a multipart body.
        headers: those of FORWARDED_HEADERS that were sent; lower-case names.
        cookies: pairs of the Cookie header, in the order sent.
        client: the certificate's holder; None only on the site.
        address: the peer's IP address, as text.
        request_id: the edge's name for this exchange (32 hex digits), for logs and error pages.
        resumed: True when the TLS session was resumed.
        takes_mark: whether the edge understands an answer's ``signed_in_s``.
    """

    method: Method
    window: Window
    path: str
    query: tuple[Pair, ...] = ()
    form: tuple[Pair, ...] = ()
    uploads: tuple[Upload, ...] = ()
    headers: Mapping[str, str] = msgspec.field(default_factory=lambda: MappingProxyType({}))
    cookies: tuple[Pair, ...] = ()
    client: ClientIdentity | None = None
    address: str = ""
    request_id: str = ""
    resumed: bool = False
    takes_mark: bool = True


@dataclass(frozen=True, slots=True)
class FormBack:
    """A refused form on its way back to whoever filled it in.

    Attributes:
        path: of the form.
        fields: hidden fields of a form whose only button leads there.
    """

    path: str
    fields: tuple[Pair, ...]


class GivesFormBack:
    """An error that may give a form back.

    Attributes:
        form: the form; None: there is none to give.
    """

    form: FormBack | None = None


class FormRefusedError(Refused, GivesFormBack):
    """A form was refused."""


class FormUnansweredError(Unavailable, GivesFormBack):
    """A form could not be answered now.

    Args:
        cause: why.
        form: given back to the user.
    """

    def __init__(self, cause: Unavailable, form: FormBack) -> None:
        super().__init__(cause.kind, cause.private, cause.retry_after_s)
        self.detail, self.field, self.form = cause.detail, cause.field, form
        self._word = cause.word

    @property
    def word(self) -> str:
        """The reason in a log: the cause's."""
        return self._word


@dataclass(frozen=True, slots=True)
class HallResponse:
    """A worker's answer; the edge adds Content-Length, Date, Connection and the security headers.

    Attributes:
        status: HTTP status.
        headers: what the worker decides.
        body: of the answer.
        offence: for the edge's intrusion watch; it never leaves to the client.
        signed_in_s: for the edge's admission control: how many seconds the session still lives, whose cookie came with
            the request or goes with this answer; 0: it is over; None: nothing is said. It never leaves to the client.
    """

    status: int
    headers: tuple[Pair, ...] = ()
    body: bytes = b""
    offence: Offending | None = None
    signed_in_s: int | None = None


Handler: TypeAlias = Callable[[HallRequest], Awaitable[HallResponse]]

_Name = Annotated[str, Meta(max_length=256)]
_Text = Annotated[str, Meta(max_length=MAX_REQUEST_FRAME_BYTES)]
_Line = Annotated[str, Meta(max_length=16 * 1024)]
_Pairs = list[tuple[_Name, _Text]]
_WireUpload = tuple[_Name, _Line, _Name, bytes]
_WireClient = tuple[
    Annotated[bytes, Meta(min_length=32, max_length=32)],
    _Name,
    Annotated[bytes, Meta(min_length=1, max_length=20)],
    _Line,
    Annotated[str, Meta(max_length=16)],
    _Name,
]
_WireRequest = tuple[
    Literal[1, 2],
    Method,
    Window,
    Annotated[str, Meta(min_length=1, max_length=8 * 1024)],
    Annotated[_Pairs, Meta(max_length=MAX_QUERY_PAIRS)],
    Annotated[_Pairs, Meta(max_length=MAX_FORM_PAIRS)],
    Annotated[list[_WireUpload], Meta(max_length=MAX_UPLOADS)],
    Annotated[list[tuple[_Name, _Line]], Meta(max_length=len(FORWARDED_HEADERS))],
    Annotated[list[tuple[_Name, _Line]], Meta(max_length=MAX_COOKIES)],
    _WireClient | None,
    Annotated[str, Meta(max_length=64)],
    Annotated[str, Meta(max_length=64)],
    bool,
]


class _WireResponse(msgspec.Struct, array_like=True, forbid_unknown_fields=True, frozen=True, gc=False):
    """By position; the last item is absent in version 1."""

    format: Literal[1, 2]
    status: Annotated[int, Meta(ge=200, le=599)]
    headers: Annotated[list[tuple[_Name, _Line]], Meta(max_length=MAX_RESPONSE_HEADERS)]
    body: bytes
    offence: Offending | None
    signed_in_s: Annotated[int, Meta(ge=0, le=MAX_SIGNED_IN_S)] | msgspec.UnsetType | None = msgspec.UNSET


_ENCODER: Final = msgspec.msgpack.Encoder()
_REQUESTS: Final = msgspec.msgpack.Decoder(_WireRequest)
_RESPONSES: Final = msgspec.msgpack.Decoder(_WireResponse)
_HEADER_NAME: Final = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")


def encode_request(request: HallRequest) -> bytes:
    """Write a request as one frame's payload.

    Raises:
        PeerError: it holds more than the format allows.
    """
    client = request.client
    payload = _ENCODER.encode(
        (
            FORMAT if request.takes_mark else _FORMAT_WITHOUT_MARK,
            request.method,
            request.window,
            request.path,
            request.query,
            request.form,
            request.uploads
            and [(upload.name, upload.filename, upload.content_type, upload.data) for upload in request.uploads],
            tuple(request.headers.items()),
            request.cookies,
            None if client is None else _written(client),
            request.address,
            request.request_id,
            request.resumed,
        )
    )
    if len(payload) > MAX_REQUEST_FRAME_BYTES:
        raise PeerError(Kind.TOO_LARGE, f"request frame of {len(payload)} bytes")
    return payload


def decode_request(payload: bytes | memoryview) -> HallRequest:
    """Read one frame's payload as a request.

    Raises:
        PeerError: it is not exactly a request of this format, within its limits.
    """
    _check_size(payload, MAX_REQUEST_FRAME_BYTES)
    try:
        wire = _REQUESTS.decode(payload)
    except (ValueError, RecursionError) as error:
        raise PeerError(Kind.MALFORMED, f"request frame: {error}") from error
    (version, method, window, path, query, form, uploads, headers, cookies, client, address, request_id, resumed) = wire
    named = dict(headers)
    if len(named) != len(headers) or not named.keys() <= FORWARDED_HEADERS:
        raise PeerError(Kind.MALFORMED, "request frame: a header twice, or one that is not forwarded")
    return HallRequest(
        method=method,
        window=window,
        path=path,
        query=tuple(query),
        form=tuple(form),
        uploads=tuple(Upload(*upload) for upload in uploads),
        headers=MappingProxyType(named),
        cookies=tuple(cookies),
        client=None if client is None else _client_from_wire(client),
        address=address,
        request_id=request_id,
        resumed=resumed,
        takes_mark=version == FORMAT,
    )


def encode_response(response: HallResponse, *, marked: bool = True) -> bytes:
    """Write a response as one frame's payload.

    Args:
        response: the answer.
        marked: whether the edge takes the mark of the session.

    Raises:
        PeerError: it is larger than MAX_RESPONSE_FRAME_BYTES.
    """
    told = (response.status, response.headers, response.body, response.offence)
    parts = (FORMAT, *told, response.signed_in_s) if marked else (_FORMAT_WITHOUT_MARK, *told)
    payload = _ENCODER.encode(parts)
    if len(payload) > MAX_RESPONSE_FRAME_BYTES:
        raise PeerError(Kind.TOO_LARGE, f"response frame of {len(payload)} bytes")
    return payload


def decode_response(payload: bytes | memoryview) -> HallResponse:
    """Read one frame's payload as a response; header names are tokens and values hold no control characters.

    Raises:
        PeerError: it is not exactly a response of this format, within its limits.
    """
    _check_size(payload, MAX_RESPONSE_FRAME_BYTES)
    try:
        wire = _RESPONSES.decode(payload)
    except (ValueError, RecursionError) as error:
        raise PeerError(Kind.MALFORMED, f"response frame: {error}") from error
    mark = wire.signed_in_s
    if (mark is msgspec.UNSET) is not (wire.format == _FORMAT_WITHOUT_MARK):
        raise PeerError(Kind.MALFORMED, "response frame: items of another version")
    for name, value in wire.headers:
        check_header(name, value)
    return HallResponse(
        wire.status, tuple(wire.headers), wire.body, wire.offence, None if mark is msgspec.UNSET else mark
    )


def check_header(name: str, value: str) -> None:
    """Make sure that a header can be written without changing the shape of the message (RFC 9110 section 5).

    Raises:
        PeerError: the name is not a token, or the value holds anything but visible ASCII, space and tab.
    """
    if not name or not _HEADER_NAME.issuperset(name):
        raise PeerError(Kind.MALFORMED, "response header name")
    if not value.isascii() or not value.replace("\t", " ").isprintable():
        raise PeerError(Kind.MALFORMED, f"value of response header {name}")


def _check_size(payload: bytes | memoryview, limit: int) -> None:
    if len(payload) > limit:
        raise PeerError(Kind.TOO_LARGE, f"frame of {len(payload)} bytes")


def _written(client: ClientIdentity) -> msgspec.Raw:
    if not client.written:
        client.written.append(msgspec.Raw(_ENCODER.encode(_client_to_wire(client))))
    return client.written[0]


def _client_to_wire(client: ClientIdentity) -> tuple[bytes, str, bytes, str, str, str]:
    size = max(1, (client.serial.bit_length() + 7) // 8)
    serial = client.serial.to_bytes(size, "big")
    return (client.fingerprint, client.issuer_cn, serial, client.account_uri, client.window, client.account)


def _client_from_wire(wire: tuple[bytes, str, bytes, str, str, str]) -> ClientIdentity:
    fingerprint, issuer_cn, serial, account_uri, window, account = wire
    return ClientIdentity(fingerprint, issuer_cn, int.from_bytes(serial, "big"), account_uri, window, account)
