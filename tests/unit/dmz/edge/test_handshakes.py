"""Handshakes take turns, are bounded, and never hold up those who are in; sockets are accepted in portions."""

from __future__ import annotations

import contextlib
import errno
import gc
import os
import resource
import socket
from functools import partial
from typing import Any

import pytest
from OpenSSL import SSL

from dmz.edge.acceptor import ACCEPTS_A_TURN, Acceptor
from dmz.edge.connection import EntranceConnections
from dmz.edge.handshakes import Handshake, HandshakeLimits, HandshakeQueue, session_maker
from dmz.edge.tls_engine import DirectSession, PublicSession
from ops.runtime.lean_reactor import LeanReactor
from tests.support.tls_pair import client_context, server_context


class Storm:
    """Clients that all want to come in at once."""

    def __init__(self, count: int, engine=DirectSession):
        self.reactor = LeanReactor()
        self.queue = HandshakeQueue(self.reactor, HandshakeLimits())
        self.done: list[Any] = []
        self.failed: list[int] = []
        self.steps = 0
        self.clients: list[Any] = []
        self.handshakes: list[Handshake] = []
        self._ours: list[socket.socket] = []
        context = server_context()
        for number in range(count):
            ours, peer = socket.socketpair()
            ours.setblocking(False)
            peer.setblocking(False)
            self._ours.append(ours)
            client = SSL.Connection(client_context(), peer)
            client.set_connect_state()
            self.clients.append((client, peer))
            handshake = Handshake(
                self.queue,
                ours,
                self._counted(session_maker(engine, context, ours)),
                on_done=partial(self._came_in, number),
                on_failed=partial(self.failed.append, number),
            )
            handshake.start()
            self.handshakes.append(handshake)

    def _came_in(self, number, session):
        self.done.append((number, session))

    def _counted(self, make):
        storm = self

        class Counting:
            def __init__(self):
                self._inner = make()
                self.connection = self._inner.connection

            def handshake(self):
                storm.steps += 1
                return self._inner.handshake()

        return Counting

    def clients_go(self):
        for client, _ in self.clients:
            with contextlib.suppress(SSL.Error):
                client.do_handshake()

    def close(self):
        for handshake in self.handshakes:
            handshake.stop()
        for socket_ in [*self._ours, *(peer for _, peer in self.clients)]:
            socket_.close()
        self.reactor.removeAll()


@pytest.mark.parametrize("engine", [DirectSession, PublicSession])
def test_one_step_a_turn_and_all_come_in(engine):
    with contextlib.closing(Storm(40, engine)) as storm:
        turns = 0
        while len(storm.done) < 40:
            storm.clients_go()
            before = storm.steps
            storm.reactor.iterate(0)
            assert storm.steps - before <= 1
            turns += 1
            assert turns < 1_000
        assert sorted(number for number, _ in storm.done) == list(range(40))
        assert storm.failed == []


def test_established_work_is_served_between_any_two_steps():
    with contextlib.closing(Storm(30)) as storm:
        ours, peer = socket.socketpair()
        served = []

        class Established:
            def fileno(self):
                return ours.fileno()

            def doRead(self):
                ours.recv(1)
                served.append(storm.steps)

        established = Established()
        storm.reactor.addReader(established)
        with ours, peer:
            while len(storm.done) < 30:
                storm.clients_go()
                peer.send(b"r")
                storm.reactor.iterate(0)
                assert len(served) < 1_000
            assert max(b - a for a, b in zip(served, served[1:], strict=False)) <= 1
            storm.reactor.removeReader(established)


def test_a_handshake_that_was_stopped_takes_no_turn():
    with contextlib.closing(Storm(6)) as storm:
        storm.clients_go()
        storm.reactor.iterate(0)
        for handshake in storm.handshakes[2:5]:
            handshake.stop()
            handshake.stop()
        for _ in range(60):
            storm.clients_go()
            storm.reactor.iterate(0)
        assert sorted(number for number, _ in storm.done) == [0, 1, 5]
        assert storm.failed == []


def test_a_step_that_breaks_does_not_stop_the_others():
    with contextlib.closing(Storm(5)) as storm:

        def broken():
            raise ZeroDivisionError("on purpose")

        storm.handshakes[2].make_session = broken
        with contextlib.suppress(ZeroDivisionError):
            for _ in range(60):
                storm.clients_go()
                storm.reactor.iterate(0)
        assert sorted(number for number, _ in storm.done) == [0, 1, 3, 4]


@pytest.mark.parametrize(
    "first", [b"", b"\x16", b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\xff\xff" + b"\x01" * 70_000, os.urandom(5_000)]
)
@pytest.mark.parametrize("engine", [DirectSession, PublicSession])
def test_nonsense_and_an_early_end_fail_cleanly(first, engine):
    with contextlib.closing(Storm(2, engine)) as storm:
        peer = storm.clients[0][1]
        with contextlib.suppress(BlockingIOError):
            peer.send(first)
        storm.reactor.iterate(0)
        peer.close()
        for _ in range(20):
            with contextlib.suppress(SSL.Error):
                storm.clients[1][0].do_handshake()
            storm.reactor.iterate(0)
        assert storm.failed == [0]
        assert [number for number, _ in storm.done] == [1]


def test_limits_for_all_and_for_one_address():
    queue = HandshakeQueue(LeanReactor(), HandshakeLimits(total=3, per_address=2))
    assert [queue.enter("a"), queue.enter("a")] == [None, None]
    assert queue.enter("a") == "address_handshakes"
    assert queue.enter("b") is None
    assert queue.enter("c") == "handshakes"
    queue.leave("a")
    assert queue.open == 2
    assert queue.enter("c") is None


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        server.setblocking(False)
        yield server


def test_accepting_in_portions(listener):
    reactor, arrived = LeanReactor(), []
    acceptor = Acceptor(reactor, listener, lambda *one: arrived.append(one))
    acceptor.start()
    callers = [socket.create_connection(listener.getsockname()) for _ in range(ACCEPTS_A_TURN + 4)]
    reactor.iterate(0)
    assert len(arrived) == ACCEPTS_A_TURN
    reactor.iterate(0)
    assert len(arrived) == ACCEPTS_A_TURN + 4
    for accepted, address in arrived:
        assert address == "127.0.0.1"
        assert accepted.getblocking() is False
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1
    acceptor.stop()
    acceptor.stop()
    assert listener.fileno() >= 0, "the listener itself stays open"
    late = socket.create_connection(listener.getsockname())
    reactor.iterate(0)
    assert len(arrived) == ACCEPTS_A_TURN + 4
    for one in [*callers, late, *(accepted for accepted, _ in arrived)]:
        one.close()


def test_a_connection_that_cannot_be_begun_does_not_end_the_listening_socket(listener):
    reactor, arrived = LeanReactor(), []

    def fails_once(accepted, address):
        arrived.append(accepted)
        if len(arrived) == 1:
            raise RuntimeError

    acceptor = Acceptor(reactor, listener, fails_once)
    acceptor.start()
    callers = [socket.create_connection(listener.getsockname()) for _ in range(2)]
    reactor.iterate(0)
    reactor.iterate(0)
    assert len(arrived) == 2
    assert arrived[0].fileno() == -1
    assert arrived[1].fileno() >= 0
    acceptor.stop()
    for one in [*callers, arrived[1]]:
        one.close()


def test_a_deadline_that_fails_does_not_end_those_of_others():
    entrance: Any = EntranceConnections(*[None] * 4)  # type: ignore[arg-type] # its connections are all that is used
    happened: list[str] = []

    class Connection:
        def __init__(self, name):
            self._name = name

        def check(self, now_s):
            happened.append(f"{self._name} {now_s}")
            if self._name == "broken":
                raise RuntimeError

        def abort(self):
            happened.append(f"{self._name} aborted")

    entrance.live = (Connection("broken"), Connection("other"))
    entrance.sweep(7)
    assert happened == ["broken 7", "broken aborted", "other 7"]


def test_without_descriptors_it_rests_and_goes_on(listener):
    reactor, arrived = LeanReactor(), []
    acceptor = Acceptor(reactor, listener, lambda *one: arrived.append(one))
    acceptor.start()
    caller = socket.create_connection(listener.getsockname())
    gc.collect()  # a socket that an earlier test has dropped must not become free in the middle
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.dup(0)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, before[1]))
    try:
        for _ in range(50):
            reactor.iterate(0)
        assert arrived == []
        assert acceptor not in reactor.getReaders(), "it must not spin"
        with pytest.raises(OSError, match=os.strerror(errno.EMFILE)):
            os.dup(0)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    while not arrived:
        reactor.iterate(0.2)
    acceptor.stop()
    caller.close()
    arrived[0][0].close()
