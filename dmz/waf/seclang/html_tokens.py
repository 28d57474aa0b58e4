"""A value read as a piece of HTML, as browsers read it: tags, attributes with their values, comments.

One pass of regular expressions whose every branch is linear; where the text begins is the caller's to say.

Source: WHATWG HTML, section 13.2.5 (tokenization).
"""

from __future__ import annotations

import enum
import re
from collections.abc import Generator, Iterator
from typing import Final, NamedTuple

_MARKUP: Final = re.compile(
    rb"<(?:(?P<tag>/?[A-Za-z][^\x00-\x20/>]*+(?:\x00[^\x00-\x20/>]*+)*+)"
    rb"|!--(?P<comment>.*?)(?:--!?>|\Z)|!\[CDATA\[(?P<data>.*?)(?:\]\]>|\Z)|(?P<declared>[!?%][^>]*+))",
    re.DOTALL,
)
_ATTRIBUTE: Final = re.compile(
    rb"[\x00-\x20/]*+(?P<name>[^\x00-\x20/>=]?[^\x01-\x20/>=]*+)[\x00-\x20]*+"
    rb"(?:=[\x00-\x20]*+(?:\"(?P<double>[^\"]*+)\"?|'(?P<single>[^']*+)'?|`(?P<back>[^`]*+)`?|(?P<bare>[^\x00-\x20>]*+)))?",
    re.DOTALL,
)


class Kind(enum.Enum):
    """What was read."""

    TAG = "tag"
    ATTRIBUTE = "attribute"
    COMMENT = "comment"
    DECLARATION = "declaration"


class Piece(NamedTuple):
    """One piece.

    Attributes:
        kind: see Kind.
        name: a tag's or an attribute's, lower case, without NULs; a closing tag's begins with ``/``. Otherwise empty.
        value: an attribute's value, a comment's or declaration's text.
    """

    kind: Kind
    name: bytes
    value: bytes


def read_text(text: bytes, at: int = 0) -> Iterator[Piece]:
    """Read from a place between tags."""
    while match := _MARKUP.search(text, at):
        at = match.end()
        name, comment, declared = match["tag"], match["comment"], match["declared"]
        if name is not None:
            yield Piece(Kind.TAG, _name(name), b"")
            at = yield from read_tag(text, at)
        elif comment is not None:
            yield Piece(Kind.COMMENT, b"", comment)
        elif declared is not None:
            yield Piece(Kind.DECLARATION, b"", declared)


def read_tag(text: bytes, at: int) -> Generator[Piece, None, int]:
    """Read a tag's attributes; gives the place behind it.

    Yields:
        Attributes; one without a value has an empty one.
    """
    while at < len(text):
        match = _ATTRIBUTE.match(text, at)
        if match is None:
            return len(text)
        end = match.end()
        if match["name"]:
            value = match["double"] or match["single"] or match["back"] or match["bare"] or b""
            yield Piece(Kind.ATTRIBUTE, _name(match["name"]), value)
        if end < len(text) and text[end] == 0x3E:
            return end + 1
        at = end if end > at else at + 1
    return at


def _name(raw: bytes) -> bytes:
    return raw.replace(b"\0", b"").lower()
