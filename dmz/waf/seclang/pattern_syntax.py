r"""A pattern of PCRE's, said in ways that RE2, Hyperscan and Python's ``re`` understand alike.

    \s \S     PCRE counts the vertical tab as white space, RE2 does not: written out
    \h \H     horizontal white space: written out
    [:alpha:] classes of POSIX, inside […]: written out
    \z \Z     the end; RE2 says \z, Python says \Z
    \x{41}    Python has only \x41
    \Q…\E     text that stands for itself: each sign escaped
    (?<!a|bc) look-behinds of several lengths: see ``look_behind`` (RE2 has none)
    \v        the vertical tab, as the rule set means it (PCRE: also line ends and byte 133, which is a part of many
              Chinese signs in UTF-8)

Everything else is passed on as it stands.  Pure text work, linear in the pattern.

Source: PCRE 8.39, pcrepattern(3); RE2 syntax page; Python manual, "re".
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from dmz.waf.seclang.look_behind import split_look_behinds
from dmz.waf.seclang.model import RuleSetError

MAX_PATTERN: Final = 65_536

_NAMED: Final = {
    b"alnum": rb"0-9A-Za-z",
    b"alpha": rb"A-Za-z",
    b"ascii": rb"\x00-\x7f",
    b"blank": rb"\x20\t",
    b"cntrl": rb"\x00-\x1f\x7f",
    b"digit": rb"0-9",
    b"graph": rb"\x21-\x7e",
    b"lower": rb"a-z",
    b"print": rb"\x20-\x7e",
    b"punct": rb"\x21-\x2f\x3a-\x40\x5b-\x60\x7b-\x7e",
    b"space": rb"\x20\t-\r",
    b"upper": rb"A-Z",
    b"word": rb"0-9A-Za-z_",
    b"xdigit": rb"0-9A-Fa-f",
}
_WRITTEN_OUT: Final = {
    b"s": rb"\x20\t-\r",
    b"S": rb"\x00-\x08\x0e-\x1f\x21-\xff",
    b"h": rb"\x20\t\xa0",
    b"H": rb"\x00-\x08\x0a-\x1f\x21-\x9f\xa1-\xff",
    b"v": rb"\x0b",
}
_ITEM: Final = re.compile(
    rb"\\x\{([0-9a-fA-F]{1,6})\}|\\x([0-9a-fA-F]{0,2})|\\(.)|\[:(\^?)([a-z]{1,6}):\]|(\[\^?\]?)|(.)", re.DOTALL
)
_LITERAL: Final = re.compile(rb"\\Q(.*?)(?:\\E|\Z)|\\[^Q]", re.DOTALL)
_LATE_FLAGS: Final = re.compile(rb"\A(\^|\\A)(\(\?[ims]+\))")


class Spoken(NamedTuple):
    """One pattern in two dialects."""

    re2: bytes
    python: bytes


def translate(source: str) -> Spoken:
    """Write a pattern in both dialects; its signs beyond ASCII stand for their UTF-8 bytes.

    Raises:
        RuleSetError: longer than MAX_PATTERN, a code beyond one byte, or a class of POSIX that does not exist.
    """
    raw = source.encode("utf-8", "surrogateescape")
    if len(raw) > MAX_PATTERN:
        raise RuleSetError(f"a pattern of {len(raw)} bytes; at most {MAX_PATTERN}")
    raw = _LITERAL.sub(lambda match: match[0] if match[1] is None else re.escape(match[1]), raw)
    re2: list[bytes] = []
    python: list[bytes] = []
    inside = False
    for match in _ITEM.finditer(raw):
        said = _say(match, inside=inside)
        if match[6] is not None:
            inside = not (inside and match[6].endswith(b"]"))
        elif match[7] == b"]":
            inside = False
        re2.append(said.re2)
        python.append(said.python)
    # Python wants flags for the whole pattern before everything else.
    whole = split_look_behinds(b"".join(python))
    return Spoken(b"".join(re2), _LATE_FLAGS.sub(rb"\2\1", whole, count=1))


def _say(match: re.Match[bytes], *, inside: bool) -> Spoken:
    wide, narrow, escaped, negated, name, opens, _ = match.groups()
    if wide is not None or narrow is not None:
        code = int(wide or narrow or b"0", 16)
        if code > 0xFF:
            raise RuleSetError(f"a code beyond one byte in a pattern: {code:x}")
        return _same(b"\\x%02x" % code)
    if escaped is not None:
        return _escape(escaped, inside=inside)
    if name is not None:
        return _posix(name, negated=bool(negated), inside=inside, raw=match[0])
    if opens is not None and inside:
        # A bracket inside a class is plain; Python would warn of it.
        return _same(opens.replace(b"[", rb"\["))
    if opens is not None and opens.endswith(b"]"):
        return _same(opens[:-1] + rb"\]")
    return _same(match[0])


def _escape(letter: bytes, *, inside: bool) -> Spoken:
    spelled = _WRITTEN_OUT.get(letter)
    if spelled is not None:
        return _same(spelled if inside else b"[%b]" % spelled)
    if letter == b"z" and not inside:
        return Spoken(rb"\z", rb"\Z")
    if letter == b"Z" and not inside:
        return Spoken(rb"\Z", rb"(?=\n?\Z)")  # RE2 refuses it: it has no look-ahead
    if letter == b"e":
        return _same(rb"\x1b")
    if letter >= b"\x80" or letter in b"_ \"'/<>%&,;:=@!~#`\n":
        return _same(letter if letter not in b"\n" else rb"\n")
    return _same(b"\\" + letter)


def _posix(name: bytes, *, negated: bool, inside: bool, raw: bytes) -> Spoken:
    if not inside:
        # "[:a:]" outside of a class is a class of these signs.
        return _same(rb"[" + re.escape(raw[1:-1]) + rb"]")
    spelled = _NAMED.get(name)
    if spelled is None:
        raise RuleSetError(f"no such class: {raw.decode('latin-1')}")
    if negated:
        raise RuleSetError(f"a negated class is not taken: {raw.decode('latin-1')}")
    return _same(spelled)


def _same(text: bytes) -> Spoken:
    return Spoken(text, text)
