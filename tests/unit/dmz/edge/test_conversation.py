"""A conversation over a wire in memory and a clock that tests hold: order, deadlines, back-pressure, draining."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import capturedLogs

from dmz.edge.answer_flow import SLICE_BYTES
from dmz.edge.body_buffer import MemoryBudget
from dmz.edge.caller import Caller
from dmz.edge.client_identity import CertifiedClient
from dmz.edge.connection_limits import Admission, AdmissionLimits, Rate
from dmz.edge.conversation import Conversation
from dmz.edge.deny_set import DenyPlaces, DenySet
from dmz.edge.http_response import ResponseWriter
from dmz.edge.metrics import EdgeMetrics
from dmz.edge.refusals import Reason, RefusalError
from dmz.edge.request_ids import RequestIds
from dmz.edge.surroundings import Pace, Surroundings
from dmz.edge.watch_port import Unwatched
from dmz.messages import ClientIdentity, HallResponse
from tests.support.machines import NOW_MS, MachineAuthority
from wire_formats.errors import Kind, Unavailable

LARGE = 600_000


class MemoryWire:
    """Keeps what was written; says when it is congested."""

    def __init__(self):
        self.sent, self.verbs, self.congested, self.congests = b"", [], False, False

    def write(self, parts):
        self.sent += b"".join(parts)
        self.congested = self.congests

    def drain(self, talk):
        self.congested = False
        talk.drained()

    def pause(self):
        self.verbs.append("pause")

    def resume(self):
        self.verbs.append("resume")

    def close(self):
        self.verbs.append("close")

    def abort(self):
        self.verbs.append("abort")

    @property
    def statuses(self):
        return [int(part[:3]) for part in self.sent.split(b"HTTP/1.1 ")[1:]]


class Still:
    def now_ms(self):
        return NOW_MS

    def bytes(self, count):
        return b"\x01" * count


class Bench:
    def __init__(self, tmp_path, pipeline=None, **changes):
        self.clock, self.wire, self.requests, self.waiting = Clock(), MemoryWire(), [], []
        metrics = EdgeMetrics(CollectorRegistry())
        places = DenyPlaces(tmp_path, tmp_path, keeper=False)
        self.budget = MemoryBudget(100_000)
        self.answers = MemoryBudget(1_000_000, Reason.ANSWER_MEMORY)
        self.deny = DenySet(places, MachineAuthority().trust([]), clock=Still(), metrics=metrics, limit_ms=1)
        self.around = Surroundings(
            pipeline=pipeline or self.pipeline,
            body_limit=lambda _window, _path, _kind: 50_000,
            admission=Admission(AdmissionLimits(certificate_requests=Rate(1.0, 50), address_requests=Rate(1.0, 60))),
            deny=self.deny,
            metrics=metrics,
            clock=Still(),
            seconds=self.clock.seconds,
            request_ids=RequestIds(Still()),
            writer=ResponseWriter(Still()),
            budget=self.budget,
            answers=self.answers,
            pace=Pace(),
            **changes,
        )
        identity = ClientIdentity(b"f" * 32, "ca", 5, "urn", "unit", "U1")
        client = CertifiedClient(identity, NOW_MS - 1, NOW_MS + 1)
        self.talk = Conversation(self.wire, Caller("unit", "unit", "10.0.0.1", True, client=client), self.around)

    async def pipeline(self, request):
        self.requests.append(request)
        if request.path == "/wait":
            self.waiting.append(Deferred())
            return await self.waiting[-1]
        if request.path == "/large":
            return HallResponse(200, (), b"x" * LARGE)
        return HallResponse(200, (), request.path.encode())

    def advance(self, seconds):
        self.clock.advance(seconds)
        self.talk.check(self.clock.seconds())


def get(path="/"):
    return f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode()


class Listening(Unwatched):
    """Writes down what it is told."""

    def __init__(self):
        self.told = []

    def refused(self, reason, trace):
        self.told.append((reason.word, trace.certificate is not None, trace.foreign))


LINK = ("Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document")


@pytest.mark.parametrize("site", ["cross-site", "same-site", "unheard-of"])
@pytest.mark.parametrize(
    ("method", "lines", "comes_in"),
    [
        ("GET", LINK, True),
        ("HEAD", LINK, True),
        ("POST", LINK, False),
        ("GET", (), False),
        ("GET", ("Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: image"), False),
        ("GET", ("Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: iframe"), False),
        ("GET", ("Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty"), False),
        ("GET", (*LINK, "Sec-Purpose: prefetch"), False),
    ],
)
def test_a_page_of_others_may_link_to_us_and_no_more(tmp_path, site, method, lines, comes_in):
    watch = Listening()
    bench = Bench(tmp_path, watch=watch)
    head = [f"{method} / HTTP/1.1", "Host: a", *(("Content-Length: 0",) if method == "POST" else ())]
    bench.talk.received("\r\n".join([*head, f"Sec-Fetch-Site: {site}", *lines, "", ""]).encode())
    assert bench.wire.statuses == ([200] if comes_in else [403])
    assert watch.told == ([] if comes_in else [("foreign_page", False, True)])
    assert len(bench.requests) == comes_in


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_our_own_pages_and_what_is_typed_may_do_everything(tmp_path, site):
    bench = Bench(tmp_path)
    bench.talk.received(f"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nSec-Fetch-Site: {site}\r\n\r\n".encode())
    assert bench.wire.statuses == [200]


@pytest.mark.parametrize(
    ("behind", "told"),
    [
        (b"Host: a\r\nCookie: x\xff\r\nsec-fetch-site: cross-site\r\n\r\n", ("percent", False, True)),
        (b"broken\r\nSec-Fetch-Site: cross-site\r\n", ("percent", False, True)),
        (b"Host: a\r\nSec-Fetch-Site: same-origin\r\n\r\n", ("percent", True, False)),
        (b"Host: a\r\n\r\nSec-Fetch-Site: cross-site\r\n\r\n", ("percent", True, False)),
        (b"", ("percent", True, None)),
    ],
)
@pytest.mark.parametrize("before", [b"", get("/x")])
def test_behind_a_refused_line_the_fields_tell_whose_page_it_was(tmp_path, before, behind, told):
    watch = Listening()
    bench = Bench(tmp_path, watch=watch)
    bench.talk.received(before + b"GET /%zz HTTP/1.1\r\n" + behind)
    assert bench.wire.statuses[-1] == 400
    assert watch.told == [told]


def test_many_pipelined_requests_need_no_recursion(tmp_path):
    bench = Bench(tmp_path)
    bench.talk.received(get("/x") * 40)
    assert bench.wire.statuses == [200] * 40


def test_requests_wait_for_the_answer_before_and_reading_pauses(tmp_path):
    bench = Bench(tmp_path)
    bench.talk.received(get("/wait"))
    bench.talk.received(get("/next"))
    assert (bench.wire.statuses, bench.wire.verbs, len(bench.requests)) == ([], ["pause"], 1)
    bench.waiting[0].callback(HallResponse(200))
    assert (bench.wire.statuses, bench.wire.verbs) == ([200, 200], ["pause", "resume"])


def test_a_congested_wire_holds_back_the_next_request(tmp_path):
    bench = Bench(tmp_path)
    bench.wire.congests = True
    bench.talk.received(get("/1") + get("/2"))
    assert [request.path for request in bench.requests] == ["/1"]
    bench.wire.drain(bench.talk)
    assert [request.path for request in bench.requests] == ["/1", "/2"]
    bench.advance(25)
    assert bench.wire.verbs == ["abort"]


def test_a_large_answer_goes_out_no_faster_than_it_is_taken(tmp_path):
    bench = Bench(tmp_path)
    bench.wire.congests = True
    bench.talk.received(get("/large") + get("/after"))
    assert len(bench.wire.sent) < SLICE_BYTES + 2_000
    assert bench.answers.held_bytes == LARGE
    rounds = 0
    while bench.answers.held_bytes:
        before = len(bench.wire.sent)
        bench.wire.drain(bench.talk)
        assert len(bench.wire.sent) - before <= SLICE_BYTES + 2_000
        rounds += 1
    assert rounds == -(-LARGE // SLICE_BYTES)
    assert bench.wire.sent.partition(b"\r\n\r\n")[2].startswith(b"x" * LARGE + b"HTTP/1.1 200 ")
    assert [request.path for request in bench.requests] == ["/large", "/after"]


def test_a_client_that_does_not_take_its_answer_is_cut_and_its_memory_given_back(tmp_path):
    bench = Bench(tmp_path)
    bench.wire.congests = True
    bench.talk.received(get("/large"))
    bench.advance(20 + LARGE / 4096 - 1)
    assert bench.wire.verbs == []
    bench.advance(1)
    assert bench.wire.verbs == ["abort"]
    bench.talk.lost()
    assert bench.answers.held_bytes == 0


def test_an_answer_before_a_close_may_take_as_long_as_any_other(tmp_path):
    bench = Bench(tmp_path)
    bench.wire.congests = True
    bench.talk.received(b"GET /large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    for _ in range(4):
        bench.advance(20)
        bench.wire.drain(bench.talk)
    assert bench.wire.verbs == []
    bench.wire.drain(bench.talk)
    assert (bench.wire.verbs, bench.answers.held_bytes) == (["close"], 0)


def test_too_many_large_answers_under_way_are_a_503_with_a_time_and_small_ones_still_go(tmp_path):
    bench = Bench(tmp_path)
    bench.wire.congests = True
    bench.talk.received(get("/large"))
    others = [MemoryWire(), MemoryWire(), MemoryWire()]
    for wire, sent in zip(others, (get("/large"), get("/small"), get("/large").replace(b"GET", b"HEAD")), strict=True):
        Conversation(wire, bench.talk._caller, bench.around).received(sent)
    assert [wire.statuses for wire in others] == [[503], [200], [200]]
    assert b"Retry-After: 5\r\n" in others[0].sent
    assert others[0].verbs == ["close"]


def test_a_connection_ends_after_its_number_of_requests(tmp_path):
    bench = Bench(tmp_path, requests_per_connection=3)
    bench.talk.received(get() * 5)
    assert bench.wire.statuses == [200] * 3
    assert bench.wire.sent.count(b"Connection: close\r\n") == 1
    assert bench.wire.verbs == ["close"]


def test_a_client_that_leaves_inside_its_body_is_logged(tmp_path):
    bench = Bench(tmp_path)
    with capturedLogs() as lines:
        bench.talk.received(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc")
        bench.talk.lost()
    assert [(line["log_format"], line["reason"], line["status"]) for line in lines] == [
        ("request_answered", "client_left", 499)
    ]
    assert not bench.requests


@pytest.mark.parametrize(
    ("sent", "seconds", "status"),
    [
        (b"G", 5.1, 408),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc", 6, 408),
        (get("/wait"), 41, 504),
    ],
)
def test_deadlines(tmp_path, sent, seconds, status):
    bench = Bench(tmp_path)
    bench.talk.received(sent)
    bench.advance(seconds - 1.5)
    assert bench.wire.statuses == []
    bench.advance(1.5)
    assert bench.wire.statuses == [status]
    bench.advance(2.1)
    assert "close" in bench.wire.verbs
    bench.advance(6)
    assert bench.wire.verbs[-1] == "abort"


def test_idle_connections_are_closed_without_a_word(tmp_path):
    bench = Bench(tmp_path)
    bench.advance(61)
    assert (bench.wire.sent, bench.wire.verbs) == (b"", ["close"])


def test_a_refused_client_may_not_send_for_ever(tmp_path):
    bench = Bench(tmp_path)
    bench.talk.received(b"BAD\r\n" + b"x" * 100)
    assert bench.wire.statuses == [400]
    for _ in range(20):
        bench.talk.received(b"y" * 65_536)
    assert bench.wire.verbs[0] == "abort"
    assert bench.wire.statuses == [400]


def test_revocation_and_expiry_are_looked_at_for_every_request(tmp_path):
    bench = Bench(tmp_path)
    bench.talk.received(get())
    bench.deny._table.serials.add(5)
    bench.talk.received(get())
    assert bench.wire.statuses == [200, 403]
    assert b"FG-2009" in bench.wire.sent


def test_rates_are_refused_with_a_time_to_retry(tmp_path):
    bench = Bench(tmp_path)
    bench.talk.received(get() * 51)
    assert bench.wire.statuses == [200] * 50 + [429]
    assert b"Retry-After: 1\r\n" in bench.wire.sent


def test_an_unavailable_worker_is_a_503_and_the_connection_stays(tmp_path):
    async def pipeline(_request):
        raise Unavailable(Kind.NO_WORKER, "none", 7)

    bench = Bench(tmp_path, pipeline)
    bench.talk.received(get() + get())
    assert bench.wire.statuses == [503, 503]
    assert b"Retry-After: 7\r\n" in bench.wire.sent
    assert bench.wire.verbs == []


def test_draining_answers_close_the_connection(tmp_path):
    bench = Bench(tmp_path)
    bench.talk.received(get("/wait"))
    bench.around.drain.draining = True
    bench.talk.leave()
    bench.waiting[0].callback(HallResponse(200))
    assert b"Connection: close" in bench.wire.sent
    assert bench.wire.verbs == ["close"]


def test_a_lost_client_cancels_the_work_and_gives_memory_back(tmp_path):
    bench = Bench(tmp_path)
    bench.talk.received(b"POST /wait HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n")
    bench.talk.received(b"Content-Type: application/x-www-form-urlencoded\r\n\r\na=1")
    assert bench.budget.held_bytes > 0
    bench.talk.lost()
    assert (bench.budget.held_bytes, bench.wire.sent) == (0, b"")
    bench.talk.cut(Reason.CERTIFICATE_REVOKED)


def test_without_certificate_only_the_style_sheet_comes_and_the_page_shows_the_way_to_the_site(tmp_path):
    bench = Bench(tmp_path, site_port=8443)
    for path in ("/static/hall.css", "/static/other.css", "/login"):
        wire = MemoryWire()
        Conversation(wire, Caller("unit", "unit", "10.0.0.1", True), bench.around).received(get(path))
        assert wire.statuses == [200 if path == "/static/hall.css" else 403], path
    assert [request.path for request in bench.requests] == ["/static/hall.css"]
    assert bench.requests[0].client is None
    assert b'<a href="https://a:8443/">' in wire.sent
    assert b'href="/static/hall.css"' in wire.sent


class Watching(Unwatched):
    """Bans everybody, or nobody, and writes down what it hears."""

    def __init__(self, *, bans):
        self.heard, self.bans = [], bans

    def check(self, address, certificate):
        if self.bans:
            raise RefusalError(Reason.BANNED, retry_after_s=90)

    def welcome(self, address):
        self.heard.append(("welcome", address))

    def refused(self, reason, trace):
        self.heard.append((reason, trace.address, trace.certificate, trace.window, trace.request_id))


def test_whoever_is_banned_gets_a_page_and_its_style_sheet(tmp_path):
    watch = Watching(bans=True)
    bench = Bench(tmp_path, watch=watch)
    bench.talk.received(get("/static/hall.css") + get("/"))
    assert bench.wire.statuses == [200, 403]
    assert [request.path for request in bench.requests] == ["/static/hall.css"]
    assert b"Retry-After: 90\r\n" in bench.wire.sent and "请在 90 秒后重试".encode() in bench.wire.sent
    (heard,) = watch.heard
    assert heard[:4] == (Reason.BANNED, "10.0.0.1", b"f" * 32, "unit")
    assert heard[4].encode() in bench.wire.sent, "the page names the request as the watch heard it"


def test_valid_certificates_are_welcome_and_refusals_are_told(tmp_path):
    watch = Watching(bans=False)
    bench = Bench(tmp_path, watch=watch)
    bench.talk.received(get("/") + b"BAD\r\n\r\n")
    assert watch.heard[0] == ("welcome", "10.0.0.1")
    assert watch.heard[1][0] is Reason.REQUEST_LINE


# --- the client sends no more ------------------------------------------------------


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


@pytest.mark.parametrize(
    "before", [b"", b"GET / HT", get()[:-2], b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf"]
)
def test_an_end_before_a_whole_request_closes_the_connection(bench, before):
    bench.talk.received(before)
    bench.talk.input_ended()
    assert (bench.wire.verbs, bench.wire.sent, bench.requests) == (["close"], b"", [])
    assert bench.budget.held_bytes == 0
    bench.talk.lost()


def test_an_end_in_a_body_leaves_a_line_in_the_log_once(bench):
    with capturedLogs() as events:
        bench.talk.received(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf")
        bench.talk.input_ended()
        bench.talk.lost()
    assert [event["reason"] for event in events] == ["client_left"]


def test_what_was_asked_before_the_end_is_answered(bench):
    bench.talk.received(get("/wait"))
    bench.talk.input_ended()
    assert bench.wire.verbs == []
    bench.waiting[0].callback(HallResponse(200, (), b"late"))
    assert bench.wire.statuses == [200]
    assert bench.wire.sent.endswith(b"late")
    assert bench.wire.verbs == ["close"]


def test_pipelined_requests_before_the_end_are_all_answered(bench):
    bench.talk.received(get("/wait") + get("/second") + get("/wait") + get("/last")[:10])
    bench.talk.input_ended()
    bench.waiting[0].callback(HallResponse(200, (), b"1"))
    assert bench.wire.statuses == [200, 200]
    assert "close" not in bench.wire.verbs
    bench.waiting[1].callback(HallResponse(200, (), b"3"))
    assert bench.wire.statuses == [200, 200, 200]
    assert bench.wire.verbs[-1] == "close"
    assert [request.path for request in bench.requests] == ["/wait", "/second", "/wait"]


def test_a_refused_client_that_ends_is_not_waited_for(bench):
    bench.talk.received(b"nonsense\r\n\r\n")
    assert bench.wire.statuses == [400]
    bench.talk.input_ended()
    assert bench.wire.verbs == ["close"]


def test_an_answer_that_is_being_taken_when_the_input_ends_goes_out_whole(bench):
    bench.wire.congests = True
    bench.talk.received(get("/large"))
    bench.talk.input_ended()
    for _ in range(LARGE // SLICE_BYTES + 2):
        bench.wire.drain(bench.talk)
    assert bench.wire.sent.endswith(b"x" * LARGE)
    assert bench.wire.verbs == ["close"]
