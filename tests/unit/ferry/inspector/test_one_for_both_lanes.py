"""One inspector serves both lanes: what kills it counts against the question it was working on, and no other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.error import ConnectionDone, ConnectionRefusedError
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from ferry.inspection import Inspector
from ferry.inspector.client import FarInspector
from ferry.inspector.frames import Answer, FrameReader, Question, encode_answer, parse_question
from ferry.inspector.port import InspectorLostError, NotReachedError, look
from tests.support.ferry_kit import bundles_in, request_ids, requests, worker_author
from tests.support.machines import NOW_MS
from tests.support.wire_samples import HIGH_HALF
from tests.unit.ferry.driving import Driven
from wire_formats.bundle import Item
from wire_formats.catalogue import SERVICES
from wire_formats.errors import Kind, Unavailable
from wire_formats.request import parse_header

SECONDS_PER_QUESTION = 0.005
SECONDS_TO_DIE = 0.05
#: The small form in both lanes.
_SERVICE_OF = {"interactive": "wage.declare", "bulk": "wage.batch"}
_SERVICES = {**SERVICES, "wage.batch": replace(SERVICES["wage.declare"], lane="bulk")}


class _Wire(StringTransport):
    """What a half writes to its inspector, heard at once."""

    def __init__(self, machine: FragileMachine) -> None:
        super().__init__()
        self._machine = machine

    def write(self, data: bytes) -> None:
        self._machine.heard(data)

    def abortConnection(self) -> None:
        self._machine.end(self)


class FragileMachine(Clock):
    """A reactor with one inspector behind its Unix socket, which takes time, dies over some requests, and comes again.

    It works as the real one does: one question after the other, in the order in which they came.
    """

    def __init__(self) -> None:
        super().__init__()
        self.deadly: set[bytes] = set()
        self.deaths = 0
        self.down_s = 0.0
        self._up_at = 0.0
        self._talk: Any = None
        self._wire: _Wire | None = None
        self._reader = FrameReader()
        self._questions: list[Question] = []
        self._inspector = Inspector(_SERVICES, HIGH_HALF)

    def connectUNIX(self, _address: str, factory: Any, **_others: Any) -> None:
        if self.seconds() < self._up_at:
            factory.clientConnectionFailed(None, Failure(ConnectionRefusedError()))
            return
        self._talk, self._wire, self._reader = factory.buildProtocol(None), _Wire(self), FrameReader()
        self._questions = []
        self._talk.makeConnection(self._wire)

    def heard(self, data: bytes) -> None:
        for content in self._reader.feed(data):
            self._questions.append(parse_question(content))
            if len(self._questions) == 1:
                self._begin()

    def end(self, wire: _Wire | None) -> None:
        if wire is self._wire is not None:
            talk, self._wire = self._talk, None
            self._up_at = self.seconds() + self.down_s
            talk.connectionLost(Failure(ConnectionDone()))

    def _begin(self) -> None:
        ids = {parse_header(item.header).id for item in self._questions[0].items}
        deadly = bool(self.deadly & ids)
        self.callLater(SECONDS_TO_DIE if deadly else SECONDS_PER_QUESTION, self._work, self._wire, deadly)

    def _work(self, wire: _Wire, deadly: bool) -> None:
        if wire is not self._wire:
            return
        question = self._questions[0]
        if deadly:
            self.deaths += 1
            self.end(wire)
            return
        found = look(self._inspector, None, question.items, now_ms=question.now_ms)
        del self._questions[0]
        if self._questions:
            self._begin()
        self._talk.dataReceived(encode_answer(Answer(question.ticket, found)))


@pytest.fixture
def machine() -> FragileMachine:
    return FragileMachine()


@pytest.fixture
def far(machine: FragileMachine) -> FarInspector:
    far = FarInspector(Path("inspector.sock"), machine)
    far.start()
    return far


@pytest.fixture
def ferry(tmp_path: Path, machine: FragileMachine, far: FarInspector) -> Iterator[Driven]:
    driven = Driven(tmp_path, inspector=far)
    yield driven
    driven.stop()


def asked(count: int, lane: str) -> list[Item]:
    return requests(count, now_ms=NOW_MS, lane=lane, service=_SERVICE_OF[lane])


def run(ferry: Driven, machine: FragileMachine, seconds: float) -> None:
    for _ in range(round(seconds / 0.01)):
        ferry.run(0.01)
        machine.advance(0.01)


def delivered(ferry: Driven, lane: str) -> set[bytes]:
    bundles = bundles_in(ferry.kit.core_inbox / lane)
    return {parse_header(item.header).id for bundle in bundles for item in bundle.items if item.content}


def held(ferry: Driven) -> list[Path]:
    return list((ferry.kit.root / "ferry_high" / "quarantine" / "held").glob("*-poison.bundle"))


def test_only_the_question_that_was_worked_on_is_lost(machine: FragileMachine, far: FarInspector) -> None:
    deadly, honest = requests(1, now_ms=NOW_MS), requests(1, now_ms=NOW_MS)
    machine.deadly = set(request_ids(deadly))
    woken: list[str] = []
    first = far.ask(deadly, now_ms=NOW_MS, wake=lambda: woken.append("first"))
    second = far.ask(honest, now_ms=NOW_MS, wake=lambda: woken.append("second"))
    machine.advance(SECONDS_TO_DIE)
    assert woken == ["first", "second"]
    with pytest.raises(InspectorLostError):
        first.verdicts()
    with pytest.raises(NotReachedError):
        second.verdicts()


def test_what_was_answered_before_is_not_lost(machine: FragileMachine, far: FarInspector) -> None:
    honest, deadly = requests(1, now_ms=NOW_MS), requests(1, now_ms=NOW_MS)
    machine.deadly = set(request_ids(deadly))
    first = far.ask(honest, now_ms=NOW_MS, wake=lambda: None)
    second = far.ask(deadly, now_ms=NOW_MS, wake=lambda: None)
    machine.pump([SECONDS_PER_QUESTION, SECONDS_TO_DIE])
    assert first.verdicts() is not None
    with pytest.raises(InspectorLostError):
        second.verdicts()


def test_whoever_is_not_reached_may_ask_again() -> None:
    assert issubclass(NotReachedError, Unavailable)
    assert NotReachedError().kind is Kind.BUSY


@pytest.mark.parametrize("honest_lane", ["interactive", "bulk"])
def test_what_kills_in_one_lane_holds_nothing_of_the_other(
    ferry: Driven, machine: FragileMachine, honest_lane: str
) -> None:
    deadly_lane = "bulk" if honest_lane == "interactive" else "interactive"
    poison = asked(1, deadly_lane)
    machine.deadly = set(request_ids(poison))
    worker_author(ferry.kit, lane=deadly_lane).send(poison, now_ms=NOW_MS)
    honest_worker = worker_author(ferry.kit, lane=honest_lane)
    honest = []
    for _ in range(10):
        items = asked(1, honest_lane)
        honest_worker.send(items, now_ms=NOW_MS)
        honest += request_ids(items)
    run(ferry, machine, 6)
    assert delivered(ferry, honest_lane) == set(honest)
    assert machine.deaths == 3
    assert len(held(ferry)) == 1


def test_what_kills_in_both_lanes_is_found_in_both(ferry: Driven, machine: FragileMachine) -> None:
    honest = []
    for lane in ("interactive", "bulk"):
        worker = worker_author(ferry.kit, lane=lane)
        poison, items = asked(1, lane), asked(3, lane)
        machine.deadly |= set(request_ids(poison))
        worker.send([*items[:1], *poison, *items[1:]], now_ms=NOW_MS)
        honest += [(lane, one) for one in request_ids(items)]
    run(ferry, machine, 12)
    assert {(lane, one) for lane in ("interactive", "bulk") for one in delivered(ferry, lane)} == set(honest)
    assert len(held(ferry)) == 2


def test_an_inspector_that_starts_slowly_does_not_make_its_deaths_forgotten(
    ferry: Driven, machine: FragileMachine
) -> None:
    machine.down_s = 1.5
    worker = worker_author(ferry.kit)
    poison, good = requests(1, now_ms=NOW_MS), requests(2, now_ms=NOW_MS)
    machine.deadly = set(request_ids(poison))
    worker.send(poison, now_ms=NOW_MS)
    worker.send(good, now_ms=NOW_MS)
    run(ferry, machine, 20)
    assert delivered(ferry, "interactive") == set(request_ids(good))
    assert machine.deaths == 3
    assert len(held(ferry)) == 1
