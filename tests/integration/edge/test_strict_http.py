"""Every bad request at a real edge: status, page, one line in the log, the connection closed, no worker reached.

Each message is followed by a good request for ``/smuggled`` on the same connection: it must never be answered.
"""

from __future__ import annotations

import contextlib
import html
import selectors
import ssl
import time
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest

from dmz.edge.refusals import Reason
from tests.support.bad_requests import HEADS, MULTIPART_BODIES, TARGETS, URLENCODED_BODIES, lines
from tests.support.edge_bench import WAIT_S, Answer, EdgeBench, get, post, read_answer
from wire_formats.bilingual import Language
from wire_formats.error_texts import text
from wire_formats.errors import Kind, code_of

#: The limits for which the tables of bad requests are made, and no rates: all of them come from one certificate.
SETTINGS = """children = 1
form_bytes = 1024
upload_bytes = 1024
form_fields = 8
uploads = 2
head_s = 10
address_connections = 2000
certificate_connections = 1000
address_new_per_s = 100000
address_requests_per_s = 100000
certificate_requests_per_s = 100000
"""
SMUGGLED = get("/smuggled")
#: Refused before the first field is read: the page's language is not known yet.
_FIRST_LINE = {
    Reason.REQUEST_LINE,
    Reason.REQUEST_LINE_TOO_LONG,
    Reason.METHOD,
    Reason.VERSION,
    Reason.TARGET_FORM,
    Reason.TARGET_BYTES,
    Reason.PERCENT,
    Reason.DOUBLE_ENCODING,
    Reason.PATH_DOTS,
    Reason.PATH_EMPTY_SEGMENT,
    Reason.PATH_CHARACTER,
    Reason.TOO_MANY_PARAMETERS,
}
HOST = "Host: localhost"
URLENCODED = "Content-Type: application/x-www-form-urlencoded"


@dataclass
class Case:
    """One bad request, and what came of it."""

    name: str
    message: bytes
    word: str
    status: int
    kind: Kind
    language: Language = "zh-CN"
    closes: bool = True
    rule: str = ""  # of the firewall; "" for any of its negative rules
    told: str = ""  # on the page: the reason, or the firewall's rule and the declared field
    received: bytes = b""
    closed: bool = False
    answer: Answer = field(init=False, repr=False)


def _edge_cases() -> list[Case]:
    """The tables for the parsers, as whole messages."""
    found = [(message.replace(b"Host: a\r\n", b"Host: localhost\r\n"), reason) for message, reason in HEADS]
    found += [(b"GET " + raw + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", reason) for raw, reason in TARGETS]
    for body, reason in URLENCODED_BODIES:
        # A field has the same limit as a whole form, so that such a form is too large already.
        found.append((post("/", body), Reason.BODY_TOO_LARGE if reason is Reason.FIELD_TOO_LARGE else reason))
    found += [(post("/", body, "multipart/form-data; boundary=b"), reason) for body, reason in MULTIPART_BODIES if body]
    found += [
        (post("/", b"a=1", kind), reason)
        for kind, reason in (
            ("application/json", Reason.CONTENT_TYPE),
            ("text/xml", Reason.CONTENT_TYPE),
            ("application/x-www-form-urlencoded; charset=utf-7", Reason.CONTENT_TYPE),
            ("multipart/form-data", Reason.BOUNDARY),
            ("multipart/form-data; boundary=" + "b" * 71, Reason.BOUNDARY),
            ("multipart/form-data; boundary=b; boundary=c", Reason.CONTENT_TYPE),
        )
    ]
    found += [
        (post("/", b"\x1f\x8b", "application/x-www-form-urlencoded", f"Content-Encoding: {coding}"), reason)
        for coding, reason in (
            ("gzip", Reason.CONTENT_ENCODING),
            ("deflate", Reason.CONTENT_ENCODING),
            ("br, identity", Reason.CONTENT_ENCODING),
        )
    ]
    found.append((get("/", host="other.example"), Reason.HOST_UNKNOWN))
    return [
        Case(f"{number}-{reason.word}", message, reason.word, reason.status, reason.kind, told=reason.word)
        for number, (message, reason) in enumerate(found)
    ]


def _in_english(case: Case) -> Case:
    first, end, rest = case.message.partition(b"\r\n")
    message = first + end + b"Accept-Language: en\r\n" + rest
    return replace(case, name=f"{case.name}-en", message=message, language="en")


def _asks_in_english(case: Case) -> bool:
    early = case.word in {reason.word for reason in _FIRST_LINE}
    return not early and case.message.startswith((b"GET / HTTP/1.1\r\nHost", b"POST / HTTP/1.1\r\nHost"))


EDGE_CASES = _edge_cases()
EDGE_CASES += [_in_english(case) for case in EDGE_CASES if _asks_in_english(case) and "many_headers" not in case.name]


def _firewall_case(name: str, message: bytes, rule: str, kind: Kind, status: int, declared: str = "") -> Case:
    told = f"{rule}: {declared}" if declared else rule
    return Case(name, message, kind.name.lower(), status, kind, closes=False, rule=rule, told=told)


def _login(body: bytes, *headers: str) -> bytes:
    return post("/login", body, "application/x-www-form-urlencoded", *headers)


FIREWALL_CASES = [
    _firewall_case("unknown path", get("/no-such-page"), "route.unknown", Kind.NOT_FOUND, 404),
    _firewall_case("unknown method", post("/help", b""), "route.method", Kind.METHOD_NOT_ALLOWED, 405),
    *(
        _firewall_case(f"{rule or 'negative rule'} {number}", message, rule, Kind.FIREWALL, 403, declared)
        for number, (message, rule, declared) in enumerate(
            [
                (get("/login?evil=1"), "param.unknown", ""),
                (_login(b"evil=1"), "param.unknown", ""),
                (_login(b"user_name=a&user_name=b"), "param.twice", "user_name"),
                (_login(b"user_name=" + b"a" * 900), "param.too_long", "user_name"),
                (_login(b"next=//evil.example"), "param.pattern", "next"),
                (_login(b"user_name=a%0Ab"), "param.control_character", "user_name"),
                (_login(b"user_name='%20or%201%3D1--"), "", ""),
                (get("/login", "Cookie: __Host-fg-unit=a/b"), "cookie.value", ""),
                (post("/login", b"--b\r\nContent-Disposition: form-data; name=\"user_name\"\r\n\r\na\r\n--b--",
                      "multipart/form-data; boundary=b"), "body.type", ""),
                (post("/b/wage.batch", b"--b\r\nContent-Disposition: form-data; name=\"evil\"; filename=\"a.xlsx\"\r\n"
                      b"\r\nPK\r\n--b--", "multipart/form-data; boundary=b"), "upload.unknown", ""),
            ]
        )
    ),
]  # fmt: skip


def _run(bench: EdgeBench, cases: list[Case], batch: int = 100) -> None:
    """Send all cases, many connections at a time, and read until the edge closes or has answered for good."""
    client = bench.authority.client()
    context = bench.context(client)
    for at in range(0, len(cases), batch):
        with contextlib.ExitStack() as stack:
            open_cases: dict[ssl.SSLSocket, Case] = {}
            for case in cases[at : at + batch]:
                connection = stack.enter_context(contextlib.closing(bench.connect("unit", context=context)))
                connection.sendall(case.message + (SMUGGLED if case.closes else b""))
                connection.setblocking(False)
                open_cases[connection] = case
            _read_all(open_cases)
    for case in cases:
        head, _, body = case.received.partition(b"\r\n\r\n")
        case.answer = Answer(head, body)


def _read_all(open_cases: dict[ssl.SSLSocket, Case]) -> None:
    end = time.monotonic() + WAIT_S
    with selectors.DefaultSelector() as selector:
        for connection, case in open_cases.items():
            selector.register(connection, selectors.EVENT_READ, case)
        while selector.get_map() and time.monotonic() < end:
            for key, _ in selector.select(0.5):
                case, connection = key.data, cast("ssl.SSLSocket", key.fileobj)
                with contextlib.suppress(ssl.SSLWantReadError):
                    part = connection.recv(65_536)
                    case.received += part
                    case.closed = not part
                if case.closed or (not case.closes and case.received.endswith(b"</html>\n")):
                    selector.unregister(connection)


@pytest.fixture(scope="module")
def benches(tmp_path_factory):
    with contextlib.ExitStack() as stack:
        found = {}
        for name, cases in (("edge", EDGE_CASES), ("firewall", FIREWALL_CASES)):
            bench = EdgeBench(tmp_path_factory.mktemp(name), SETTINGS, guarded=name == "firewall")
            stack.callback(bench.stop)
            bench.start()
            _run(bench, cases)
            lines_of: dict[str, list[dict[str, Any]]] = {}
            for event in bench.events("request_answered"):
                lines_of.setdefault(event["request_id"], []).append(event)
            found[name] = bench, lines_of
        yield found


def _check(case: Case, bench: EdgeBench, lines_of: dict[str, list[dict[str, Any]]]) -> None:
    assert case.answer.status == case.status
    page = case.answer.body.decode()
    assert page.count("<html ") == 1, "one answer only"
    assert f'lang="{case.language}"' in page
    assert html.escape(text(case.kind).of(case.language)) in page
    assert code_of(case.kind) in page
    found = [number for number in lines_of if number in page]
    assert len(found) == 1, "the page names its request"
    assert (f'<span class="code">{case.told}</span>' in page) is bool(case.told), "and the reason"
    assert [(line["reason"], line["status"]) for line in lines_of[found[0]]] == [(case.word, case.status)]
    reached = [event["request_id"] for event in bench.events("worker_reached")]
    assert found[0] not in reached


@pytest.mark.parametrize("case", EDGE_CASES, ids=lambda case: case.name)
def test_the_edge_refuses(benches, case):
    bench, lines_of = benches["edge"]
    _check(case, bench, lines_of)
    assert case.answer.headers["connection"] == "close"
    assert case.closed


@pytest.mark.parametrize("case", FIREWALL_CASES, ids=lambda case: case.name)
def test_the_firewall_refuses(benches, case):
    bench, lines_of = benches["firewall"]
    _check(case, bench, lines_of)
    audits = [each for each in bench.events("firewall_refused") if each["request_id"] in case.answer.body.decode()]
    assert len(audits) == 1
    assert case.rule in ("", audits[0]["rule"])


def test_no_worker_was_reached_by_anything_refused(benches):
    for bench, _ in benches.values():
        assert bench.events("worker_reached") == []
        assert bench.log().count("Traceback") == 0


def test_good_requests_pass_both(benches):
    for name, path in (("edge", "/anything"), ("firewall", "/login")):
        bench, _ = benches[name]
        seen = len(bench.events("worker_reached"))
        with contextlib.closing(bench.connect("unit", bench.authority.client())) as connection:
            connection.sendall(get(path) + get(path))
            assert read_answer(connection).status == 200
        bench.wait_for(lambda seen=seen, bench=bench: len(bench.events("worker_reached")) == seen + 2)


def test_a_body_longer_than_announced_is_the_next_request_and_refused_as_such(benches):
    bench, _ = benches["edge"]
    with contextlib.closing(bench.connect("unit", bench.authority.client())) as connection:
        connection.sendall(lines("POST /announced HTTP/1.1", HOST, URLENCODED, "Content-Length: 3") + b"a=1&b=2\r\n")
        assert read_answer(connection).told["form"] == [["a", "1"]]
        with pytest.raises(ConnectionError, match="closed after b''"):
            _second_answer(connection)


def _second_answer(connection: ssl.SSLSocket) -> None:
    """Read the refusal of the rest, then find the connection closed."""
    assert read_answer(connection).status == 400
    read_answer(connection)
