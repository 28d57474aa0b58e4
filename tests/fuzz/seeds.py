"""Real requests of the hall, made from its routes: what a browser would send, in parts that can be mutated."""

from __future__ import annotations

import functools
import random
import re
from dataclasses import dataclass, field
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any, Final, cast
from urllib.parse import quote, quote_plus

from dmz.messages import Window
from dmz.waf.hall_routes import hall_route_table
from dmz.waf.routes import ParamRule, RouteRule
from dmz.waf.structure import Shape
from tests.support.waf_corpus import BENIGN, COMMAND, PATH, SCRIPT, SQL, texts

BOUNDARY: Final = b"----hall0123456789"
_WORDS: Final = texts(BENIGN)
_ATTACKS: Final = [text for block in (SQL, SCRIPT, PATH, COMMAND) for text in texts(block)]
_LONGEST: Final = 12


@dataclass
class Message:
    """One request in parts; ``raw`` puts it together.

    Attributes:
        first: the request line, without its end.
        headers: whole lines, without their ends, framing excluded.
        framing: lines that say how long the body is.
        body: as it goes over the wire.
        end: what ends a line.
    """

    first: bytes
    headers: list[bytes]
    framing: list[bytes] = field(default_factory=list)
    body: bytes = b""
    end: bytes = b"\r\n"

    def copy(self) -> Message:
        """Give another one with the same content."""
        return Message(self.first, list(self.headers), list(self.framing), self.body, self.end)

    def raw(self) -> bytes:
        """Give the bytes of the request."""
        return self.end.join([self.first, *self.headers, *self.framing, b"", b""]) + self.body


@dataclass(frozen=True)
class Door:
    """A window and one of its routes."""

    window: Window
    route: RouteRule


def doors() -> list[Door]:
    """Give every route at every window where it exists; those that take files are there four times."""
    table = hall_route_table()
    exact = [Door(cast("Window", at), rule) for (at, _), rules in table.exact.items() for rule in rules.values()]
    shaped = [Door(cast("Window", at), rule) for at, rules in table.shaped.items() for rule in rules]
    with_files = [door for door in exact + shaped if door.route.uploads]
    return exact + shaped + 3 * with_files


def request(door: Door, chance: random.Random) -> Message:
    """Make a request that a browser could send through a door."""
    route = door.route
    places = {place.name: matching(place.pattern, chance) for place in route.places}
    path = re.sub(r"\{([a-z_]+)\}", lambda found: places[found[1]], route.path)
    target = quote(path, safe="/")
    query = _some(route.query, chance)
    if query:
        target += "?" + "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in query)
    if route.method == "POST":
        return _post(route, target, chance)
    method = "HEAD" if chance.random() < 0.1 else "GET"
    return Message(f"{method} {target} HTTP/1.1".encode(), _browser(chance, linked=chance.random() < 0.1))


def matching(pattern: str, chance: random.Random) -> str:
    """Make a text that a pattern of the routes matches."""
    return _sequence(_tree(pattern), chance)


@functools.cache
def _tree(pattern: str) -> Any:
    return parser.parse(pattern)


def _post(route: RouteRule, target: str, chance: random.Random) -> Message:
    first = f"POST {target} HTTP/1.1".encode()
    headers = [*_browser(chance, linked=False), b"Origin: https://localhost"]
    pairs = _some(route.form, chance)
    if route.uploads:
        headers.append(b"Content-Type: multipart/form-data; boundary=" + BOUNDARY)
        body = multipart(pairs, [(name, chance.randbytes(chance.randint(0, 300))) for name in route.uploads])
    else:
        headers.append(b"Content-Type: application/x-www-form-urlencoded")
        body = "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in pairs).encode()
    if chance.random() < 0.3:
        return Message(first, headers, [b"Transfer-Encoding: chunked"], chunked(body, chance))
    return Message(first, headers, [b"Content-Length: %d" % len(body)], body)


def multipart(pairs: list[tuple[str, str]], files: list[tuple[str, bytes]]) -> bytes:
    """Write a multipart body."""
    parts = [
        b'--%b\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n' % (BOUNDARY, name.encode(), value.encode())
        for name, value in pairs
    ]
    parts += [
        b'--%b\r\nContent-Disposition: form-data; name="%b"; filename="a.xlsx"\r\n'
        b"Content-Type: application/octet-stream\r\n\r\n%b\r\n" % (BOUNDARY, name.encode(), data)
        for name, data in files
    ]
    return b"".join(parts) + b"--" + BOUNDARY + b"--\r\n"


def chunked(body: bytes, chance: random.Random) -> bytes:
    """Cut a body into chunks."""
    pieces, at = [], 0
    while at < len(body):
        size = chance.randint(1, max(1, len(body)))
        piece = body[at : at + size]
        pieces.append(b"%x\r\n%b\r\n" % (len(piece), piece))
        at += size
    return b"".join(pieces) + b"0\r\n\r\n"


def _browser(chance: random.Random, *, linked: bool) -> list[bytes]:
    headers = [
        b"Host: localhost",
        b"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/126.0 Safari/537.36",
        b"Accept: text/html,application/xhtml+xml;q=0.9,*/*;q=0.8",
        b"Accept-Language: zh-CN,zh;q=0.9,en;q=0.8",
        b"Accept-Encoding: gzip, deflate, br",
        b"Cookie: __Host-fg-unit=" + b"aB3_" * 10 + b"; lang=en; theirs=1",
        b"Sec-Fetch-Site: same-origin",
        b"Connection: keep-alive",
    ]
    if linked:  # from a page of another host, which may link to a page and send no form
        headers.remove(b"Sec-Fetch-Site: same-origin")
        headers[1:1] = [b"Sec-Fetch-Site: cross-site", b"Sec-Fetch-Mode: navigate", b"Sec-Fetch-Dest: document"]
    return headers[: chance.randint(4 if linked else 1, len(headers))]


def _some(rules: tuple[ParamRule, ...], chance: random.Random) -> list[tuple[str, str]]:
    chosen = [rule for rule in rules if chance.random() < 0.7][:_LONGEST]
    return [(rule.name, _value(rule, chance)) for rule in chosen]


def _value(rule: ParamRule, chance: random.Random) -> str:
    draw = chance.random()
    if draw < 0.05:
        return chance.choice(_ATTACKS)
    if rule.pattern and (draw < 0.9 or rule.shape in (Shape.EXACT, Shape.CLOSED)):
        return matching(rule.pattern, chance)
    return chance.choice(_WORDS)


def _sequence(items: Any, chance: random.Random) -> str:
    return "".join(_item(code, argument, chance) for code, argument in items)


def _item(code: Any, argument: Any, chance: random.Random) -> str:
    if code is codes.LITERAL:
        return chr(argument)
    if code is codes.IN:
        return _of_set(argument, chance)
    if code in (codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT):
        least, most, inner = argument
        count = chance.randint(least, min(most, least + 8))
        return "".join(_sequence(inner, chance) for _ in range(count))
    if code is codes.SUBPATTERN:
        return _sequence(argument[3], chance)
    if code is codes.BRANCH:
        return _sequence(chance.choice(argument[1]), chance)
    return "0"


def _of_set(argument: Any, chance: random.Random) -> str:
    code, value = chance.choice(argument)
    if code is codes.LITERAL:
        return chr(value)
    if code is codes.RANGE:
        return chr(chance.randint(*value))
    return "0"
