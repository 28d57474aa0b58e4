"""The decoded forms of a text that negative rules look at; every step is linear in its length.

    raw       as sent, lower case
    folded    decoded up to ROUNDS times (percent, HTML entities, escapes of JavaScript and C), full-width signs made
              plain, invisible characters removed, runs of white space made one space
    joined    folded, with each SQL comment made a space; a rule on "folded" looks at this one too, so that neither a
              comment inside an attack nor an attack inside a comment is overlooked
    stripped  folded, without the signs that shells and concatenations ignore ("c'a't" is cat)
    tight     folded, without any white space ("java script:")

A worker never decodes what the edge decoded; these forms exist only for judging.
"""

from __future__ import annotations

import base64
import binascii
import html
import re
import unicodedata
from dataclasses import dataclass
from functools import cached_property
from typing import Final
from urllib.parse import unquote

ROUNDS: Final = 3

_ESCAPE: Final = re.compile(
    r"\\u\{([0-9a-f]{1,6})\}|\\u([0-9a-f]{4})|\\x([0-9a-f]{2})|%u([0-9a-f]{4})|\\([0-7]{3})", re.IGNORECASE
)
_INVISIBLE: Final = re.compile(r"[\x00-\x08\x0e-\x1f\x7f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
_SPACE: Final = re.compile(r"\s+")
_IGNORED_BY_SHELLS: Final = re.compile(r"['\"\\^`]|\$[@*]")
_FIELD_SEPARATOR: Final = re.compile(r"\$\{?ifs(?:%\?|:0:1)?\}?")
_CONCATENATION: Final = re.compile(r"['\"] ?(?:\+|\|\||\.) ?['\"]")
_VERSION: Final = re.compile(r"!\d{0,6}")
_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]{16,4096}={0,2}", re.ASCII)


@dataclass(frozen=True)
class Forms:
    """One text with its decoded forms, each made when it is first asked for."""

    text: str

    @cached_property
    def raw(self) -> str:
        """As sent, lower case."""
        return self.text.lower()

    @cached_property
    def folded(self) -> str:
        """Decoded and folded."""
        return _SPACE.sub(" ", decode(self.text).lower())

    @cached_property
    def joined(self) -> str:
        """Folded, with comments made spaces; the same object as ``folded`` when there are none."""
        if "/*" not in self.folded:
            return self.folded
        return _SPACE.sub(" ", _without_comments(self.folded))

    @property
    def has_comments(self) -> bool:
        """True when ``joined`` differs from ``folded``."""
        return self.joined is not self.folded

    @cached_property
    def stripped(self) -> str:
        """Folded, without signs that shells ignore."""
        whole = _CONCATENATION.sub("", _FIELD_SEPARATOR.sub(" ", self.folded))
        return _IGNORED_BY_SHELLS.sub("", whole)

    @cached_property
    def tight(self) -> str:
        """Folded, without white space."""
        return self.folded.replace(" ", "")


def decode(text: str) -> str:
    """Decode until nothing changes, at most ROUNDS times."""
    for _ in range(ROUNDS):
        decoded = _decode_once(text)
        if decoded == text:
            break
        text = decoded
    return text


def hidden_text(text: str) -> str:
    """Give what a text that is wholly Base64 says in plain ASCII, or ""."""
    if not _BASE64.fullmatch(text):
        return ""
    body = text.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        plain = base64.b64decode(body + "=" * (-len(body) % 4), validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        return ""
    return plain if plain.isprintable() else ""


def _decode_once(text: str) -> str:
    if "&" in text:
        text = html.unescape(text)
    if "\\" in text or "%u" in text or "%U" in text:
        text = _ESCAPE.sub(_character, text)
    if "%" in text:
        text = unquote(text, errors="replace")
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    return _INVISIBLE.sub("", text)


def _character(match: re.Match[str]) -> str:
    octal = match[5]
    number = int(octal, 8) if octal else int(next(group for group in match.groups() if group), 16)
    return chr(number) if number < 0x110000 and not 0xD800 <= number < 0xE000 else ""


def _without_comments(text: str) -> str:
    """Make each SQL comment a space; what MySQL executes inside ``/*! … */`` stays."""
    pieces = []
    at = 0
    while True:
        start = text.find("/*", at)
        if start < 0:
            pieces.append(text[at:])
            return "".join(pieces)
        pieces.append(text[at:start])
        stop = text.find("*/", start + 2)
        inner = text[start + 2 :] if stop < 0 else text[start + 2 : stop]
        executed = _VERSION.match(inner)
        pieces.append(f" {inner[executed.end() :]} " if executed else " ")
        if stop < 0:
            return "".join(pieces)
        at = stop + 2
