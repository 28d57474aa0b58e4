"""Bodies of forms: urlencoded here, multipart in ``body_multipart``; each yields values or a refusal.

Fields keep the order in which they were sent and may repeat (the worker's form check decides); files may not.

Source: WHATWG URL (application/x-www-form-urlencoded); RFC 7578; firewall research, section 6.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from dmz.edge.refusals import Reason, RefusalError
from dmz.edge.target import decode_value
from dmz.messages import MAX_FORM_PAIRS, MAX_UPLOADS, Pair, Upload

URLENCODED: Final = "application/x-www-form-urlencoded"
MULTIPART: Final = "multipart/form-data"

_BODY_BYTES: Final = re.compile(rb"[!$-~]*")  # visible ASCII without the quotation mark and '#'
_PARAMETER: Final = re.compile(r'[ \t]*;[ \t]*(?P<name>[A-Za-z-]+)=(?P<value>[!#$%&\'*+.^_`|~0-9A-Za-z-]+|"[^"\\]*")')
_MEDIA_TYPE: Final = re.compile(r"[A-Za-z0-9.+-]{1,64}/[A-Za-z0-9.+-]{1,64}")
MAX_NAME_CHARACTERS: Final = 128


@dataclass(frozen=True, slots=True)
class FormLimits:
    """How much a form may hold.

    Attributes:
        fields: number of fields.
        field_bytes: size of one field's value.
        uploads: number of files.
        upload_bytes: size of one file.
    """

    fields: int = 512
    field_bytes: int = 64 * 1024
    uploads: int = 4
    upload_bytes: int = 12 * 1024 * 1024

    def __post_init__(self) -> None:
        """Refuse limits that the frame to the worker could not carry."""
        if self.fields > MAX_FORM_PAIRS or self.uploads > MAX_UPLOADS:
            raise ValueError(f"at most {MAX_FORM_PAIRS} fields and {MAX_UPLOADS} uploads fit a frame")


@dataclass(frozen=True, slots=True)
class Form:
    """What a body held."""

    fields: tuple[Pair, ...] = ()
    uploads: tuple[Upload, ...] = ()


@dataclass(frozen=True, slots=True)
class ContentType:
    """A media type in lower case with its parameters; names in lower case."""

    media_type: str
    parameters: dict[str, str]


def parse_content_type(value: str) -> ContentType:
    """Read a Content-Type field.

    Raises:
        RefusalError: CONTENT_TYPE; not the grammar of RFC 9110 8.3, or a parameter twice.
    """
    media_type, mark, _ = value.partition(";")
    if not _MEDIA_TYPE.fullmatch(media_type.rstrip(" \t")):
        raise RefusalError(Reason.CONTENT_TYPE)
    parameters: dict[str, str] = {}
    at = len(media_type.rstrip(" \t")) if mark else len(value)
    while at < len(value):
        match = _PARAMETER.match(value, at)
        if match is None or match["name"].lower() in parameters:
            raise RefusalError(Reason.CONTENT_TYPE)
        parameters[match["name"].lower()] = match["value"].strip('"')
        at = match.end()
    return ContentType(media_type.rstrip(" \t").lower(), parameters)


def check_charset(parameters: dict[str, str]) -> None:
    """Make sure that nothing but UTF-8 is announced.

    Raises:
        RefusalError: CONTENT_TYPE.
    """
    if parameters.get("charset", "utf-8").lower() != "utf-8":
        raise RefusalError(Reason.CONTENT_TYPE, "charset")


def parse_urlencoded(body: bytes, limits: FormLimits) -> tuple[Pair, ...]:
    """Read an urlencoded body.

    Raises:
        RefusalError: bytes outside the grammar, invalid percent-encoding or UTF-8, too many or too long.
    """
    if not body:
        return ()
    if not _BODY_BYTES.fullmatch(body):
        raise RefusalError(Reason.FORM_SYNTAX)
    pieces = body.split(b"&", limits.fields)
    if len(pieces) > limits.fields:
        raise RefusalError(Reason.TOO_MANY_FIELDS)
    pairs = []
    for piece in pieces:
        raw_name, equals, raw_value = piece.decode("ascii").partition("=")
        if not equals:
            raise RefusalError(Reason.FORM_SYNTAX)
        name = decode_value(raw_name, plus=True)
        value = decode_value(raw_value, plus=True)
        check_field_name(name)
        if len(value.encode()) > limits.field_bytes:
            raise RefusalError(Reason.FIELD_TOO_LARGE)
        pairs.append((name, value))
    return tuple(pairs)


def check_field_name(name: str) -> None:
    """Make sure that a field has a usable name.

    Raises:
        RefusalError: FORM_SYNTAX; empty, too long, or with line breaks.
    """
    if not name or len(name) > MAX_NAME_CHARACTERS or not name.isprintable():
        raise RefusalError(Reason.FORM_SYNTAX, "field name")
