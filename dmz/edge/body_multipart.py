r"""multipart/form-data, strict: exactly what browsers send, and nothing a second parser could read differently.

::

    --boundary CRLF  part-header CRLF … CRLF  bytes  CRLF --boundary CRLF … CRLF --boundary-- [CRLF]

Refused: bytes before the first or after the last boundary, a boundary outside RFC 2046 or longer than 70, a part
without exactly one Content-Disposition, any part header besides Content-Disposition and Content-Type, ``filename*``,
a name twice among files, more or larger parts than allowed.

Source: RFC 7578 sections 4 and 5; RFC 2046 section 5.1.1; WHATWG HTML multipart/form-data encoding.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from dmz.edge.body_forms import Form, FormLimits, check_charset, check_field_name, parse_content_type
from dmz.edge.refusals import Reason, RefusalError
from dmz.messages import Pair, Upload

MAX_PART_HEAD_BYTES: Final = 2 * 1024
MAX_FILE_NAME_BYTES: Final = 255

#: At most 70 characters, the last no space (RFC 2046, 5.1.1).
_BOUNDARY: Final = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")
_PART_HEADER: Final = re.compile(rb"([A-Za-z-]{1,64}):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*)")
_DISPOSITION: Final = re.compile(
    r'form-data;[ \t]*name="(?P<name>[^"\\]*)"(?:;[ \t]*filename="(?P<filename>[^"]*)")?[ \t]*', re.ASCII
)
_ESCAPES: Final = (("%22", '"'), ("%0D", "\r"), ("%0A", "\n"))
_TEXT_FORBIDDEN: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_FILE_NAME_FORBIDDEN: Final = re.compile(r'[\x00-\x1f\x7f-\x9f/\\:*?"<>|]')


class _PartHead(NamedTuple):
    name: str
    filename: str | None
    content_type: str


def boundary_of(parameters: dict[str, str]) -> bytes:
    """Give the boundary of a multipart content type.

    Raises:
        RefusalError: BOUNDARY; missing, too long, or outside RFC 2046.
    """
    boundary = parameters.get("boundary", "")
    if not _BOUNDARY.fullmatch(boundary) or set(parameters) - {"boundary", "charset"}:
        raise RefusalError(Reason.BOUNDARY)
    check_charset(parameters)
    return boundary.encode("ascii")


def parse_multipart(body: bytes, boundary: bytes, limits: FormLimits) -> Form:
    """Read a multipart body.

    Args:
        body: the whole body.
        boundary: 1 to 70 characters, from ``boundary_of``.
        limits: how much it may hold.

    Raises:
        RefusalError: the reason says which rule it breaks.
    """
    delimiter = b"\r\n--" + boundary
    if not body.startswith(delimiter[2:]):
        raise RefusalError(Reason.PART_SYNTAX, "bytes before the first boundary")
    at = len(delimiter) - 2
    fields: list[Pair] = []
    uploads: list[Upload] = []
    names: set[str] = set()
    while body[at : at + 2] != b"--":
        if body[at : at + 2] != b"\r\n":
            raise RefusalError(Reason.PART_SYNTAX, "after a boundary")
        end = body.find(delimiter, at)
        if end < 0:
            raise RefusalError(Reason.PART_SYNTAX, "no closing boundary")
        head, start = _part_head(body, at + 2, end)
        if head.filename is None:
            fields.append((head.name, _text(body[start:end], limits)))
            _check_counts(fields, uploads, limits)
        else:
            _add_upload(uploads, names, Upload(head.name, head.filename, head.content_type, body[start:end]), limits)
        at = end + len(delimiter)
    if body[at + 2 :] not in {b"", b"\r\n"}:
        raise RefusalError(Reason.PART_SYNTAX, "bytes after the last boundary")
    if not names.isdisjoint(name for name, _ in fields):
        raise RefusalError(Reason.UPLOAD_REPEATED, "one name for a field and a file")
    return Form(tuple(fields), tuple(uploads))


def _check_counts(fields: list[Pair], uploads: list[Upload], limits: FormLimits) -> None:
    if len(fields) > limits.fields:
        raise RefusalError(Reason.TOO_MANY_FIELDS)
    if len(uploads) > limits.uploads:
        raise RefusalError(Reason.TOO_MANY_UPLOADS)


def _add_upload(uploads: list[Upload], names: set[str], upload: Upload, limits: FormLimits) -> None:
    if upload.name in names:
        raise RefusalError(Reason.UPLOAD_REPEATED)
    names.add(upload.name)
    if not upload.filename and not upload.data:
        return  # a file field in which nothing was chosen
    if len(upload.data) > limits.upload_bytes:
        raise RefusalError(Reason.BODY_TOO_LARGE)
    uploads.append(upload)
    _check_counts([], uploads, limits)


def _part_head(body: bytes, start: int, end: int) -> tuple[_PartHead, int]:
    stop = body.find(b"\r\n\r\n", start, min(end, start + MAX_PART_HEAD_BYTES))
    if stop < 0:
        raise RefusalError(Reason.PART_HEADER, "no end of the part's head")
    headers: dict[bytes, bytes] = {}
    for line in body[start:stop].split(b"\r\n"):
        match = _PART_HEADER.fullmatch(line)
        name = match[1].lower() if match else b""
        if match is None or name in headers:
            raise RefusalError(Reason.PART_HEADER)
        headers[name] = match[2]
    disposition = headers.pop(b"content-disposition", None)
    if disposition is None:
        raise RefusalError(Reason.PART_DISPOSITION, "missing")
    content_type = _content_type(headers.pop(b"content-type", b"text/plain"))
    if headers:
        raise RefusalError(Reason.PART_HEADER, "only Content-Disposition and Content-Type")
    name, filename = _disposition(disposition)
    return _PartHead(name, filename, content_type), stop + 4


def _disposition(raw: bytes) -> tuple[str, str | None]:
    match = _DISPOSITION.fullmatch(_utf8(raw))
    if match is None:
        raise RefusalError(Reason.PART_DISPOSITION)
    name = _unescape(match["name"])
    check_field_name(name)
    if match["filename"] is None:
        return name, None
    filename = _unescape(match["filename"])
    if _FILE_NAME_FORBIDDEN.search(filename) or len(filename.encode()) > MAX_FILE_NAME_BYTES:
        raise RefusalError(Reason.PART_FILE_NAME)
    return name, filename


def _content_type(raw: bytes) -> str:
    if not raw.isascii():
        raise RefusalError(Reason.CONTENT_TYPE)
    content_type = parse_content_type(raw.decode("ascii"))
    if content_type.parameters.keys() - {"charset"}:
        raise RefusalError(Reason.PART_HEADER, "parameters of a part's type")
    check_charset(content_type.parameters)
    return content_type.media_type


def _text(raw: bytes, limits: FormLimits) -> str:
    if len(raw) > limits.field_bytes:
        raise RefusalError(Reason.FIELD_TOO_LARGE)
    text = _utf8(raw)
    if _TEXT_FORBIDDEN.search(text):
        raise RefusalError(Reason.CONTROL_CHARACTER)
    return text


def _utf8(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise RefusalError(Reason.NOT_UTF8) from None


def _unescape(text: str) -> str:
    for escape, plain in _ESCAPES:
        text = text.replace(escape, plain)
    return text
