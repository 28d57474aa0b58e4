r"""A rule file's text → directives: comments, continued lines, quoted and bare arguments.

    # a comment ends with its line
    SecRule ARGS|!ARGS:id "@rx \"[a-z]" \      <- one directive: the backslash joins the lines
        "id:10,\                               <- also inside quotes
        phase:2,deny"

Inside double quotes ``\"`` stands for the quote.  A backslash before a backslash only keeps the next character from
being escaped; both stay in the argument, for the regular expression that most arguments are.  Blanks at the start of a
continued line stay, too: whoever reads the argument knows whether they matter.

Limits: MOST_FILE_BYTES, MOST_DIRECTIVE_CHARS, MOST_ARGUMENTS.

Source: ModSecurity reference manual v3, configuration directives; behaviour of libmodsecurity 3.0.9 for ``\\``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn

from dmz.waf.seclang.model import Place, RuleSetError

MOST_FILE_BYTES = 4 * 1024 * 1024
MOST_DIRECTIVE_CHARS = 64 * 1024
MOST_ARGUMENTS = 64

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*+(?=[ \t]|\Z)", re.ASCII)
_ARGUMENT = re.compile(r'[ \t]++(?:"((?:[^"\\]++|\\.)*)"|([^ \t"]++))(?=[ \t]|\Z)')
_END_BACKSLASHES = re.compile(r"\\+\Z")
# Tab and line feed are what a text needs; anything else invisible would hide something from a reader.
_INVISIBLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class Directive:
    """One directive.

    Attributes:
        name: as written.
        arguments: without their quotes.
        place: file and first line.
    """

    name: str
    arguments: tuple[str, ...]
    place: Place


def fail(place: Place, what: str) -> NoReturn:
    """Refuse a rule file.

    Raises:
        RuleSetError: always; its text begins with "file:line: ".
    """
    raise RuleSetError(f"{place.file}:{place.line}: {what}")


def read_directives(data: bytes, file: str) -> Iterator[Directive]:
    """Give the directives of one file, in order.

    Raises:
        RuleSetError: too large, not UTF-8, control characters, an open quote, a continued line at the end of the file,
            or text that is no directive.

    Source: as at the head of this module.
    """
    for line, text in _joined(_text(data, file), file):
        yield _directive(text, Place(file, line))


def _text(data: bytes, file: str) -> str:
    if len(data) > MOST_FILE_BYTES:
        fail(Place(file, 1), f"the file has {len(data)} bytes; {MOST_FILE_BYTES} are allowed")
    try:
        text = data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        fail(Place(file, data.count(b"\n", 0, error.start) + 1), "not UTF-8")
    if found := _INVISIBLE.search(text):
        line = text.count("\n", 0, found.start()) + 1
        fail(Place(file, line), f"control character U+{ord(found[0]):04X}")
    return text


def _joined(text: str, file: str) -> Iterator[tuple[int, str]]:
    """Give the lines that say something, with the number of their first line; continued lines are one."""
    parts: list[str] = []
    first = length = 0
    for number, line in enumerate(text.split("\n"), 1):
        if not parts:
            # A comment is never continued: the next line would vanish without anybody seeing it.
            stripped = line.lstrip(" \t")
            if not stripped or stripped[0] == "#":
                continue
            first, length = number, 0
            line = stripped  # noqa: PLW2901
        length += len(line)
        if length > MOST_DIRECTIVE_CHARS:
            fail(Place(file, first), f"a directive has more than {MOST_DIRECTIVE_CHARS} characters")
        if line.endswith("\\") and _goes_on(line):
            parts.append(line[:-1])
            continue
        parts.append(line)
        yield first, "".join(parts).rstrip(" \t")
        parts.clear()
    if parts:
        fail(Place(file, first), "the file ends within a continued line")


def _goes_on(line: str) -> bool:
    """Tell whether the last backslash is free: an even number of them are escaped backslashes."""
    found = _END_BACKSLASHES.search(line)
    return found is not None and len(found[0]) % 2 == 1


def _directive(text: str, place: Place) -> Directive:
    name = _NAME.match(text)
    if name is None:
        what = "sections in <…> belong to a web server" if text.startswith("<") else "no directive"
        fail(place, f"{what}: {text[:40]!r}")
    arguments: list[str] = []
    at = name.end()
    while at < len(text):
        found = _ARGUMENT.match(text, at)
        if found is None:
            fail(place, f"{name[0]}: {_trouble(text[at:].lstrip())}")
        if len(arguments) == MOST_ARGUMENTS:
            fail(place, f"{name[0]} has more than {MOST_ARGUMENTS} arguments")
        quoted, bare = found.groups()
        # Every quote inside a quoted argument has an odd number of backslashes before it, so this takes the right one.
        arguments.append(bare if quoted is None else quoted.replace('\\"', '"'))
        at = found.end()
    return Directive(name[0], tuple(arguments), place)


def _trouble(rest: str) -> str:
    """Say what is wrong with an argument that does not end where it should."""
    if not rest.startswith('"'):
        return f"a quote within {rest[:40]!r}"
    if re.match(r'"(?:[^"\\]++|\\.)*"', rest):
        return f"text right after the closing quote of {rest[:40]!r}"
    return f"a quote is not closed: {rest[:40]!r}"
