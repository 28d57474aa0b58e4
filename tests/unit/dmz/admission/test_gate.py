"""The gate: who is let in, who waits, what a refusal says, and that what is refused reached nobody."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any, cast

import pytest
from prometheus_client import CollectorRegistry
from twisted.internet.task import Clock

from dmz.admission.gate import LOOK_S, AdmissionGate, Ranks
from dmz.admission.metrics import AdmissionMetrics
from dmz.admission.overloaded import RETRY_S, OverloadedError
from dmz.admission.session_marks import SessionMarks, session_key, table_bytes
from dmz.admission.settings import AdmissionSettings
from dmz.answering import Answering, Cancel, Done
from dmz.edge.error_answers import error_answer
from dmz.messages import ClientIdentity, HallRequest, HallResponse, Method, Upload
from dmz.switch.reactor_port import SwitchReactor
from dmz.switch.wait_queue import Priority
from wire_formats.errors import Kind

HOLDER = ClientIdentity(b"f" * 32, "ca", 1, "urn:ferrygate:account:unit:1", "unit", "1")
ANSWER = HallResponse(200, (), b"ok", None, 600)


class Still:
    def now_ms(self) -> int:
        return 1_700_000_000_000


class Inner(Answering):
    """Keeps every request until a test lets it go."""

    def __init__(self) -> None:
        self.open: dict[str, Done] = {}
        self.seen: list[str] = []
        self.cancelled: list[str] = []

    def begin(self, request: HallRequest, done: Done, /) -> Cancel:
        self.seen.append(request.request_id)
        self.open[request.request_id] = done

        def cancel() -> None:
            del self.open[request.request_id]
            self.cancelled.append(request.request_id)

        return cancel

    def answer(self, name: str, outcome: HallResponse | BaseException = ANSWER) -> None:
        self.open.pop(name)(outcome)


class Bench:
    def __init__(self, **changes: int) -> None:
        self.clock = Clock()
        self.inner, self.registry = Inner(), CollectorRegistry()
        self.marks = SessionMarks(bytearray(table_bytes(64)))
        settings = AdmissionSettings(**{"places_least": 1, "places_calm": 2, "places_most": 2, "burst": 2, **changes})
        self.ranks = Ranks(self.marks, Still())
        self.gate = AdmissionGate(
            self.inner,
            self.ranks,
            settings,
            reactor=cast(SwitchReactor, self.clock),
            metrics=AdmissionMetrics(self.registry),
        )
        self.outcomes: dict[str, HallResponse | BaseException] = {}
        self.numbers: Iterator[int] = count()

    def ask(self, name: str, cookie: str = "", method: Method = "GET", path: str = "/", **parts: Any) -> Cancel:
        cookies = (("__Host-fg-unit", cookie),) if cookie else ()
        request = HallRequest(method, "unit", path, cookies=cookies, client=HOLDER, request_id=name, **parts)
        return self.gate.begin(request, lambda outcome: self.outcomes.__setitem__(name, outcome))

    def sign_in(self, cookie: str) -> None:
        name = f"sign-in-{next(self.numbers)}"
        self.ask(name, cookie)
        self.inner.answer(name)

    def refused(self) -> list[str]:
        return [name for name, outcome in self.outcomes.items() if isinstance(outcome, OverloadedError)]

    def sample(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(name, labels) or 0.0


def test_who_is_signed_in_goes_before_who_only_has_a_cookie():
    bench = Bench()
    bench.sign_in("mine")
    for name in ("first", "second"):
        bench.ask(name, "mine")
    bench.ask("made up", "made-up")
    bench.ask("page", "mine")
    bench.ask("form", "mine", method="POST")
    bench.inner.answer("first")
    bench.inner.answer("second")
    assert bench.inner.seen[-2:] == ["form", "page"]
    bench.inner.answer("form")
    assert bench.inner.seen[-1] == "made up"


def test_overload_refuses_strangers_and_lets_the_signed_in_pass():
    bench = Bench()
    bench.sign_in("mine")
    for number in range(30):
        bench.ask(f"stranger-{number}")
    bench.ask("mine", "mine")
    bench.clock.pump([LOOK_S] * 10)
    assert len(bench.refused()) >= 20 and all(name.startswith("stranger") for name in bench.refused())
    bench.inner.answer("stranger-0")
    bench.inner.answer("stranger-1")
    assert "mine" in bench.inner.seen
    assert bench.sample("dmz_admission_requests_total", priority="certified", entry="shed") == len(bench.refused())
    assert bench.sample("dmz_admission_overloaded_total", priority="certified") == 1
    assert bench.sample("dmz_admission_overloaded_total", priority="page") == 0


def test_batch_is_shed_before_pages_and_pages_before_forms():
    bench = Bench(waiting=3, burst=3)
    bench.sign_in("mine")
    for name in ("inside", "inside 2"):
        bench.ask(name, "mine")
    bench.ask("page", "mine")
    bench.ask("upload", "mine", method="POST", uploads=(Upload("f", "a", "x/y", b""),))
    bench.ask("page 2", "mine")
    bench.ask("form", "mine", method="POST")
    bench.ask("form 2", "mine", method="POST")
    assert bench.refused() == ["upload", "page"]


def test_what_is_refused_reached_nobody_and_every_request_has_one_end():
    bench = Bench()
    for number in range(50):
        bench.ask(f"r{number}", method="POST")
    while bench.inner.open:
        bench.inner.answer(next(iter(bench.inner.open)))
        bench.clock.advance(LOOK_S)
    bench.clock.pump([LOOK_S] * 1_000)
    assert len(bench.outcomes) == 50
    assert not set(bench.refused()) & set(bench.inner.seen)
    assert len(bench.refused()) + len(bench.inner.seen) == 50
    assert bench.sample("dmz_admission_in_flight_total") == bench.sample("dmz_admission_waiting_total") == 0
    assert not bench.clock.getDelayedCalls(), "nothing is left to look at"


def test_a_short_line_waits_its_patience_and_then_is_refused():
    bench = Bench(patience_ms=1_000, parked_ms=60_000)
    for name in ("inside", "inside 2", "waits"):
        bench.ask(name)
    bench.clock.pump([LOOK_S] * 90)
    assert not bench.outcomes
    bench.clock.pump([LOOK_S] * 15)
    assert bench.refused() == ["waits"]


def test_places_of_those_who_only_wait_inside_are_given_away():
    bench = Bench(parked_ms=500)
    for name in ("inside", "inside 2", "waits"):
        bench.ask(name)
    bench.clock.pump([LOOK_S] * 60)
    assert bench.inner.seen == ["inside", "inside 2", "waits"]


def test_who_goes_away_is_forgotten_wherever_he_stands():
    bench = Bench()
    inside, other, waits = bench.ask("inside"), bench.ask("other"), bench.ask("waits")
    waits()
    inside()
    inside()
    assert bench.inner.cancelled == ["inside"]
    bench.ask("next")
    assert bench.inner.seen == ["inside", "other", "next"] and not bench.outcomes
    other()
    assert bench.sample("dmz_admission_requests_total", priority="certified", entry="left") == 1


def test_an_error_passes_and_gives_the_place_back():
    bench = Bench()
    for name in ("a", "b", "c"):
        bench.ask(name)
    bench.inner.answer("a", ZeroDivisionError())
    assert isinstance(bench.outcomes["a"], ZeroDivisionError)
    assert bench.inner.seen == ["a", "b", "c"]


def test_style_sheets_pass_by():
    bench = Bench()
    for number in range(20):
        bench.ask(f"s{number}", path="/static/hall.css")
    assert len(bench.inner.seen) == 20


def test_a_session_is_learnt_from_its_answer_and_forgotten_with_it():
    bench = Bench()
    bench.sign_in("mine")
    request = HallRequest("GET", "unit", "/", cookies=(("__Host-fg-unit", "mine"),), client=HOLDER)
    key = session_key(request)
    assert key is not None and bench.ranks.priority_of(request) is Priority.PAGE
    bench.ask("out", "mine", method="POST", path="/logout")
    bench.inner.answer("out", HallResponse(303, signed_in_s=0))
    assert bench.ranks.priority_of(request) is Priority.CERTIFIED


@pytest.mark.parametrize("priority", list(Priority))
@pytest.mark.parametrize(("language", "nothing_saved"), [("zh-CN", "没有保存任何内容"), ("en", "nothing was saved")])
def test_the_page_says_that_nothing_was_saved_and_when_to_come_back(priority, language, nothing_saved):
    error = OverloadedError(priority, "00112233445566778899aabbccddeeff")
    page = error_answer(error, request_id="ab", language=language)
    text = page.body.decode()
    assert (page.status, error.kind) == (503, Kind.OVERLOADED)
    assert nothing_saved in text and "FG-3009" in text and error.word in text
    assert RETRY_S[priority] <= int(dict(page.headers)["Retry-After"]) <= 2 * RETRY_S[priority]
    assert error.word == f"overload_{priority.name.lower()}"


def test_not_all_come_back_at_once():
    times = {OverloadedError(Priority.STRANGER, f"{number:032x}").retry_after_s for number in range(64)}
    assert len(times) >= 8
