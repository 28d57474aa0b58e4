"""Overload at a real edge of two children: strangers are refused honestly, who is signed in gets his pages (E11)."""

from __future__ import annotations

import contextlib
import ssl
import threading
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.support.edge_bench import Answer, EdgeBench, get, post, read_answer

#: So little that a few dozen connections are a crowd.
ADMISSION = "places_least = 1\nplaces_calm = 2\nplaces_most = 2\nburst = 3\nnarrow = 1\nparked_ms = 60000\n"
CROWD = 32
COOKIE = "Cookie: __Host-fg-unit=a-session-of-this-test"


@pytest.fixture
def bench(tmp_path):
    bench = EdgeBench(tmp_path, "children = 2\ncertificate_connections = 100")
    (tmp_path / "admission.toml").write_text(ADMISSION)
    try:
        yield bench.start()
    finally:
        assert bench.stop() == 0


class Crowd:
    """Strangers with certificates who ask one request after the other, each on a connection of his own."""

    def __init__(self, bench: EdgeBench, request: bytes) -> None:
        self.answers: list[Answer] = []
        self._bench, self._request = bench, request
        self._going = True
        context = bench.context(bench.authority.client("unit", "9" * 32))
        connections = [bench.connect("unit", context=context) for _ in range(CROWD)]
        self._threads = [threading.Thread(target=self._ask, args=(connection,)) for connection in connections]

    def _ask(self, connection: ssl.SSLSocket) -> None:
        with contextlib.closing(connection):
            while self._going:
                connection.sendall(self._request)
                self.answers.append(read_answer(connection))

    def statuses(self) -> Counter[int]:
        return Counter(answer.status for answer in self.answers)

    @contextlib.contextmanager
    def at_the_door(self) -> Iterator[None]:
        for thread in self._threads:
            thread.start()
        try:
            self._bench.wait_for(lambda: self.statuses()[503] >= 20)
            yield
        finally:
            self._going = False
            for thread in self._threads:
                thread.join(60)
        assert not any(thread.is_alive() for thread in self._threads), "every request had an answer"


def test_a_crowd_is_shed_and_who_is_signed_in_is_not(bench):
    client = bench.authority.client()
    assert bench.ask("unit", client, get("/session", COOKIE)).body == b"signed in"
    crowd = Crowd(bench, get("/brief"))
    with crowd.at_the_door():
        # Each on a new connection, so that both children are asked; one of them has learnt the session.
        mine = [bench.ask("unit", client, get("/ok", COOKIE)).status for _ in range(12)]
        sent = bench.ask("unit", client, post("/ok", b"a=1", "application/x-www-form-urlencoded", COOKIE)).status
    assert (mine, sent) == ([200] * 12, 200)
    assert crowd.statuses().keys() == {200, 503}, "served or refused, on a connection that stays"
    assert crowd.statuses()[200] > 0
    lines = bench.events("request_answered")
    shed = [line for line in lines if line["reason"] == "overload_certified"]
    assert len(shed) == crowd.statuses()[503] == len({line["request_id"] for line in shed}), "one line for each"
    reached = {line["request_id"] for line in bench.events("worker_reached")}
    assert not reached & {line["request_id"] for line in shed}, "what was refused was not handed on"
    changes = [(line["reason"], line["state"]) for line in bench.events("admission_overload_changed")]
    assert ("certified", "overloaded") in changes
    assert not [change for change in changes if change[0] in ("submission", "page", "upload")]


@pytest.mark.parametrize(
    ("language", "told"), [("zh", ["没有保存任何内容", "秒后重试"]), ("en", ["nothing was saved", "Try again in"])]
)
def test_a_refused_form_says_that_nothing_was_saved_and_a_made_up_cookie_helps_nobody(bench, language, told):
    form = post(
        "/brief", b"a=1", "application/x-www-form-urlencoded", f"Accept-Language: {language}",
        "Cookie: __Host-fg-unit=made-up",
    )  # fmt: skip
    crowd = Crowd(bench, form)
    with crowd.at_the_door():
        pass
    refused = [answer for answer in crowd.answers if answer.status == 503]
    for answer in refused:
        page = answer.body.decode()
        assert "FG-3009" in page and "overload_certified" in page and all(words in page for words in told)
        assert 10 <= int(answer.headers["retry-after"]) <= 20
        assert "close" not in answer.headers.get("connection", "")
    assert len(bench.events("worker_reached")) == len(crowd.answers) - len(refused)
