"""``@detectXSS``: would a value, put into a page, run a script or change the page's structure?

The value is read (``html_tokens``) as text between tags, and as if it stood in an attribute's value without quotes, in
single, double or back quotes.  It is an attack when it opens a tag that runs or loads something, sets an attribute that
runs a script or holds a script's address, or holds a comment or declaration that old browsers obey.

Outside of a tag an attribute is only believed when something else than prose could have made it: words like *online* or
*style* stand before an equals sign in remarks too.

Source: the description of libinjection's method; WHATWG HTML; OWASP XSS filter evasion cheat sheet.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable
from typing import Final

from dmz.waf.seclang.html_tokens import Kind, Piece, read_tag, read_text
from dmz.waf.seclang.steps import finished
from dmz.waf.seclang.web_text import html_entity_decode

#: What lies beyond is not looked at.
MAX_TEXT: Final = 131_072

_TAGS: Final = frozenset(
    b"""applet audio base bgsound body button comment details dialog embed form frame frameset handler html iframe
    ilayer import input isindex keygen layer link listener marquee math meta noembed noscript object portal script style
    svg template video vmlframe xml xss""".split()
)
#: Of these only attributes make an attack; texts about forms and pages name them.
_QUIET_TAGS: Final = frozenset(
    b"audio bgsound body button details dialog form html input keygen marquee math template video layer".split()
)
_TAG_BEGINNINGS: Final = (b"svg", b"xsl", b"xss", b"?xml")
_ADDRESSES: Final = frozenset(
    b"""action background by data dynsrc folder formaction from handler href lowsrc poster src srcdoc srcset to values
    xlink:href content ping codebase classid code cite manifest profile usemap longdesc icon""".split()
)
_STYLES: Final = frozenset(b"style filter".split())
_HARMFUL: Final = frozenset(b"dataformatas datasrc attributename fscommand seeksegmenttime srcdoc".split())
#: English words that look like names of events.
_NO_EVENTS: Final = frozenset(
    b"""oneself oneness onerous ongoing onions online only onlooker onlookers onset onshore onside onstage ontario
    onward onwards onboard onboarding oncology oncoming onsite ontology onyx""".split()
)
_EVENT: Final = re.compile(rb"on[a-z]{3,30}")
_SCHEME: Final = re.compile(rb"(?:javascript|vbscript|livescript|mocha|view-source|feed|jar)[^a-z0-9]{0,9}:|data:")
_IGNORED: Final = re.compile(rb"[\x00-\x20\x7f-\xff]+")
_NAMED: Final = re.compile(rb"&(?:tab|newline|nbsp);", re.IGNORECASE)
_STYLE_VALUE: Final = re.compile(
    rb"expression|url\s{0,9}\(|@import|behaviou?r|-moz-binding|javascript|-o-link", re.IGNORECASE
)
_OLD_COMMENT: Final = re.compile(rb"`|\A\s*\[if|\A\s*xml|\A\s*import|\A\s*entity", re.IGNORECASE)
_DECLARED: Final = re.compile(rb"\A!(?:doctype|entity|attlist)|\A[?]\s{0,9}(?:import|xml)|`", re.IGNORECASE)
#: A value without one of these cannot be an attack: a tag, a NUL (which browsers leave out of names), an attribute that
#: runs something, or one that holds an address with a scheme behind it.
XSS_NEEDS: Final = (
    r"(?i)<|\x00|(?:on[a-z]{3,30}|(?:xmlns|xlink)[^\x00-\x20/>=]*|"
    + "|".join(sorted(name.decode() for name in _STYLES | _HARMFUL))
    + r")[\x00-\x20]*=|(?:"
    + "|".join(sorted(name.decode() for name in _ADDRESSES))
    + r")[\x00-\x20]*=.*[:&]"
)
_POSSIBLE: Final = re.compile(rb"[<=]")
_BARE_VALUE: Final = re.compile(rb"[^\x00-\x20>]*+")
_BREAKS: Final = (b'"', b"'", b"`")


#: Pieces that are judged in one step.
STEP_PIECES: Final = 256

#: Gives whether a value is an attack, in steps between which the caller may do other work.
Judging = Generator[None, None, bool]


def is_xss(value: bytes) -> bool:
    """Say whether a value is an attack on a page's readers. Linear in its length, never fails."""
    return finished(judge_xss(value))


def judge_xss(value: bytes) -> Judging:
    """Say the same as ``is_xss``, in steps of STEP_PIECES pieces."""
    if not _POSSIBLE.search(value):
        return False
    text = value[:MAX_TEXT]
    if b"<" in text and (yield from _judge(read_text(text), in_tag=True)):
        return True
    if b"=" not in text:
        return (yield from _breaks_into_text(text))
    if (yield from _from(text, 0, in_tag=False)):
        return True
    start = _BARE_VALUE.match(text)
    if start is not None and start.end() < len(text) and (yield from _from(text, start.end(), in_tag=False)):
        return True
    for quote in _BREAKS:
        if quote in text and (yield from _from(text, text.index(quote) + 1, in_tag=True)):
            return True
    return False


def _breaks_into_text(text: bytes) -> Judging:
    """Read on behind the end of a tag that the value might stand in."""
    end = text.find(b">")
    return end >= 0 and b"<" in text[end:] and (yield from _judge(read_text(text, end + 1), in_tag=True))


def _from(text: bytes, at: int, *, in_tag: bool) -> Judging:
    """Judge what follows an attribute's value: attributes, then text."""
    reading = read_tag(text, at)
    count = 0
    while True:
        try:
            piece = next(reading)
        except StopIteration as end:
            at = end.value
            break
        if _is_harmful(piece, in_tag=in_tag):
            return True
        count += 1
        if count % STEP_PIECES == 0:
            yield
    return at < len(text) and (yield from _judge(read_text(text, at), in_tag=True))


def _judge(pieces: Iterable[Piece], *, in_tag: bool) -> Judging:
    for number, piece in enumerate(pieces, 1):
        if _is_harmful(piece, in_tag=in_tag):
            return True
        if number % STEP_PIECES == 0:
            yield
    return False


def _is_harmful(piece: Piece, *, in_tag: bool) -> bool:
    if piece.kind is Kind.TAG:
        return _runs(piece.name)
    if piece.kind is Kind.COMMENT:
        return _OLD_COMMENT.search(piece.value) is not None
    if piece.kind is Kind.DECLARATION:
        return _DECLARED.search(piece.value) is not None
    return bool(piece.value) and _sets_script(piece.name, piece.value, in_tag=in_tag)


def _runs(name: bytes) -> bool:
    plain = name.rpartition(b":")[2]
    return (plain in _TAGS and plain not in _QUIET_TAGS) or name.startswith(_TAG_BEGINNINGS)


def _sets_script(name: bytes, value: bytes, *, in_tag: bool) -> bool:
    if _EVENT.fullmatch(name):
        return name not in _NO_EVENTS
    if name in _HARMFUL or name.startswith((b"xmlns", b"xlink")):
        return in_tag
    if name in _STYLES:
        return in_tag or _STYLE_VALUE.search(value) is not None
    if name in _ADDRESSES:
        # Browsers leave out white space and controls inside a scheme.
        address = _IGNORED.sub(b"", html_entity_decode(_NAMED.sub(b"", value))).lower()
        return _SCHEME.match(address.replace(b"&colon;", b":")) is not None
    return False
