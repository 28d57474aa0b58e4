"""A multiplexed connection on a lean reactor: what a turn has to send goes at once, and nothing is lost when it does not."""

from __future__ import annotations

import time
from typing import Any

import pytest
from twisted.internet.protocol import ClientFactory, Factory

from dmz.switch.multiplex import Multiplexer
from dmz.switch.mux_events import MessageReceived, MuxLimits
from dmz.switch.mux_protocol import MuxProtocol
from ops.runtime.lean_reactor import LeanReactor


class Wire:
    """An edge's and a worker's end; the worker sends back what it gets."""

    def __init__(self, path: str):
        self.reactor: Any = LeanReactor()
        self.answers: dict[int, bytes] = {}
        self.lost: list[str] = []
        self._made = False
        limits = MuxLimits(streams=1_000, budget_bytes=256 * 1024 * 1024)
        self.worker = MuxProtocol(Multiplexer(at_edge=False, limits=limits), self._echo, self._note("worker"))
        self.edge = MuxProtocol(Multiplexer(at_edge=True, limits=limits), self._answer, self._note("edge"), self._up)
        server = Factory.forProtocol(lambda: self.worker)
        client = ClientFactory.forProtocol(lambda: self.edge)
        server.noisy = client.noisy = False
        self.port = self.reactor.listenUNIX(path, server)
        self.reactor.connectUNIX(path, client)
        self.until(lambda: self._made and self.worker.transport is not None)

    def _up(self, _protocol):
        self._made = True

    def _note(self, who):
        return lambda wrong: self.lost.append(who if wrong is None else f"{who}: {wrong.private}")

    def _echo(self, event):
        self.worker.mux.answer(event.stream, event.message)
        self.worker.flush()

    def _answer(self, event):
        assert isinstance(event, MessageReceived)
        self.answers[event.stream] = event.message

    def until(self, condition):
        end = time.monotonic() + 20
        while not condition():
            assert time.monotonic() < end
            self.reactor.iterate(0.01)

    def ask(self, message: bytes) -> int:
        stream = self.edge.mux.open(message)
        self.edge.flush()
        return stream


@pytest.fixture
def wire(tmp_path):
    wire = Wire(str(tmp_path / "s"))
    yield wire
    wire.edge.abort()
    wire.port.stopListening()
    wire.reactor.iterate(0.01)
    wire.reactor.removeAll()


def test_messages_of_all_sizes_come_back(wire):
    sizes = [1, 100, 40_000, 65_536, 65_537, 300_000, 3_000_000, 9, 1_000_000] * 3
    asked = {wire.ask(bytes([number % 251]) * size): (number % 251, size) for number, size in enumerate(sizes)}
    wire.until(lambda: len(wire.answers) == len(sizes))
    for stream, (byte, size) in asked.items():
        assert wire.answers[stream] == bytes([byte]) * size
    assert wire.reactor.getWriters() == [], "nothing is watched once everything has gone"


def test_a_turns_requests_go_out_together_and_without_watching_for_room(wire):
    sends: list[int] = []
    real = wire.edge._send_some

    def counted(data):
        sends.append(len(data))
        return real(data)

    wire.edge._send_some = counted
    for number in range(50):
        wire.ask(b"request %d" % number)
    assert sends == []
    wire.reactor.iterate(0)
    assert len(sends) == 1
    assert wire.reactor.getWriters() == []
    wire.until(lambda: len(wire.answers) == 50)


def test_close_sends_what_is_left(wire):
    asked = [wire.ask(b"x" * 2_000) for _ in range(20)]
    got: list[int] = []
    real = wire.worker._on_event

    def noted(event):
        got.append(event.stream)
        real(event)

    wire.worker._on_event = noted
    wire.edge.close()
    wire.until(lambda: wire.lost == ["worker", "edge"] or wire.lost == ["edge", "worker"])
    assert got == asked


def test_an_end_that_goes_while_we_are_behind(wire):
    wire.ask(b"x" * 60_000)
    for _ in range(60):
        wire.ask(b"y" * 60_000)
    wire.edge._turn_ended()
    assert wire.edge._behind
    wire.worker.abort()
    wire.until(lambda: sorted(wire.lost) == ["edge", "worker"])
