"""Handshakes take turns, are bounded, and never hold up those who are in; sockets are accepted in portions."""

from __future__ import annotations

import array
import contextlib
import errno
import fcntl
import gc
import itertools
import os
import resource
import socket
import termios
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from OpenSSL import SSL
from twisted.logger import capturedLogs

from dmz.edge.acceptor import ACCEPTS_A_TURN, Acceptor
from dmz.edge.connection import EntranceConnections
from dmz.edge.handshakes import LOG_PERIOD_S, Handshake, HandshakeLimits, HandshakeQueue, session_maker
from dmz.edge.tls_engine import MOST_RECORDS, RECORDS_A_STEP, DirectSession, PublicSession
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
                "192.0.2.1",
                SimpleNamespace(shaken=partial(self._came_in, number), unshaken=partial(self.failed.append, number)),
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
                self.read = self._inner.read

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


@pytest.mark.parametrize("engine", [DirectSession, PublicSession])
def test_a_hello_in_thousands_of_records_is_read_a_few_records_a_step_and_not_to_its_end(engine):
    """On OpenSSL's own socket one step of this took 150 ms."""
    with contextlib.closing(Storm(1, engine)) as storm:
        peer = storm.clients[0][1]
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        cut = b"".join(_records(b"\x01\x00\xff\xff" + bytes(4_000), 1))
        with contextlib.suppress(BlockingIOError):
            peer.send(cut)
        left = [_unread(storm)]
        while not storm.failed:
            storm.reactor.iterate(0)
            left.append(_unread(storm))
            assert len(left) < 100
        one = 5 + 1
        assert max(before - after for before, after in itertools.pairwise(left)) <= RECORDS_A_STEP * one
        assert left[0] - left[-1] <= (MOST_RECORDS + RECORDS_A_STEP) * one
        assert storm.steps == MOST_RECORDS // RECORDS_A_STEP + 1


@pytest.mark.parametrize("engine", [DirectSession, PublicSession])
@pytest.mark.parametrize("tls12", [False, True])
def test_a_hello_in_some_records_comes_in_and_others_have_their_turns_meanwhile(engine, tls12):
    with contextlib.closing(Storm(2, engine)) as storm:
        peer = storm.clients[0][1]
        client = SSL.Connection(client_context(tls12=tls12), None)
        client.set_connect_state()
        with contextlib.suppress(SSL.WantReadError):
            client.do_handshake()
        hello = client.bio_read(65_536)
        peer.send(b"".join(_records(hello[5:], -(-len(hello) // 30))))
        for _ in range(60):
            with contextlib.suppress(SSL.Error):
                storm.clients[1][0].do_handshake()
            storm.reactor.iterate(0)
            with contextlib.suppress(BlockingIOError):
                client.bio_write(peer.recv(65_536))
            with contextlib.suppress(SSL.WantReadError):
                client.do_handshake()
            with contextlib.suppress(SSL.WantReadError):
                peer.send(client.bio_read(65_536))
        assert [number for number, _ in storm.done] == [1, 0], "the short one is not held up by the long one"
        client.send(b"asked")
        peer.send(client.bio_read(65_536))
        assert storm.done[1][1].read() == b"asked"


@pytest.mark.parametrize("engine", [DirectSession, PublicSession])
def test_a_client_that_takes_nothing_is_waited_for(engine):
    with contextlib.closing(Storm(1, engine)) as storm:
        ours, peer = storm.handshakes[0]._descriptor, storm.clients[0][1]
        stuffed = 0
        with contextlib.suppress(BlockingIOError):
            while True:
                stuffed += ours.send(bytes(1_000))
        client = SSL.Connection(client_context(), None)
        client.set_connect_state()

        def turn():
            storm.reactor.iterate(0)
            with contextlib.suppress(SSL.WantReadError):
                client.do_handshake()
            with contextlib.suppress(SSL.WantReadError):
                peer.send(client.bio_read(65_536))

        for _ in range(5):
            turn()
        assert storm.steps == 1
        assert storm.handshakes[0] in storm.reactor.getWriters()
        while stuffed:
            stuffed -= len(peer.recv(stuffed))
        for _ in range(10):
            turn()
            with contextlib.suppress(BlockingIOError):
                client.bio_write(peer.recv(65_536))
        assert len(storm.done) == 1
        assert storm.done[0][1].handshake() is None


def _records(message: bytes, size: int):
    """A message of the handshake protocol, cut."""
    for at in range(0, len(message), size):
        part = message[at : at + size]
        yield b"\x16\x03\x01" + len(part).to_bytes(2) + part


def _unread(storm: Storm) -> int:
    """Bytes that the server has not read yet."""
    counted = array.array("i", [0])
    fcntl.ioctl(storm.handshakes[0]._descriptor, termios.FIONREAD, counted)
    return counted[0]


class Silent:
    """Clients that connect and say nothing, or little."""

    def __init__(self, **limits):
        self.clock: Any = LeanReactor()
        self.now_s = 100.0
        self.clock.seconds = lambda: self.now_s  # type: ignore[method-assign]
        self.counted: list[None] = []
        self.queue = HandshakeQueue(self.clock, HandshakeLimits(**limits), lambda: self.counted.append(None))
        self.dropped: list[str] = []
        self.peers: dict[str, socket.socket] = {}
        self._ours: list[socket.socket] = []

    def connect(self, name: str, address: str) -> str | None:
        """One more; gives the limit that it met."""
        limit = self.queue.enter(address)
        if limit is None:
            ours, self.peers[name] = socket.socketpair()
            ours.setblocking(False)
            self._ours.append(ours)

            def dropped():
                self.queue.leave(address)
                self.dropped.append(name)

            make = session_maker(DirectSession, server_context(), ours)
            handshake = Handshake(self.queue, ours, make, address, SimpleNamespace(dropped=dropped))
            handshake.start()
        self.now_s += 1
        return limit

    def close(self):
        self.clock.removeAll()
        for one in [*self._ours, *self.peers.values()]:
            one.close()


@pytest.fixture
def silent():
    with contextlib.closing(Silent(total=4, per_address=2)) as clients:
        yield clients


def test_an_address_with_its_share_gives_up_its_own_longest_waiting(silent):
    assert [silent.connect(name, "a") for name in ("a1", "a2", "a3", "a4")] == [None] * 4
    assert silent.dropped == ["a1", "a2"]
    assert silent.queue.open == 2
    assert len(silent.counted) == 2


def test_in_a_full_house_the_crowd_makes_room_and_nobody_else(silent):
    for name in ("b1", "a1", "a2", "c1"):
        assert silent.connect(name, name[0]) is None
    assert silent.connect("d1", "d") is None
    assert silent.dropped == ["a1"], "b1 has waited longer, but a has more"
    assert silent.connect("e1", "e") is None
    assert silent.dropped == ["a1", "b1"], "all have one: the first"
    assert silent.connect("c2", "c") is None
    assert silent.dropped == ["a1", "b1", "c1"], "who has as many as anybody makes room himself"


def test_a_byte_now_and_then_makes_nobody_young(silent):
    silent.connect("a1", "a")
    silent.connect("a2", "a")
    silent.peers["a1"].send(b"\x16")
    silent.clock.iterate(0)
    silent.clock.iterate(0)
    silent.connect("a3", "a")
    assert silent.dropped == ["a1"]


def test_whoever_waits_for_us_is_not_dropped(silent):
    for name in ("c1", "a1", "a2"):
        silent.connect(name, name[0])
    for name in ("c1", "a1", "a2"):
        silent.peers[name].send(b"\x16\x03\x01")
    silent.clock.iterate(0)  # all line up
    silent.clock.iterate(0)  # one takes its step, two wait for their turns
    assert silent.connect("a3", "a") == "address_handshakes"
    assert silent.connect("b1", "b") is None
    assert silent.connect("d1", "d") is None
    assert silent.dropped == ["c1"]


def test_one_line_tells_of_a_flood():
    with contextlib.closing(Silent(total=4, per_address=2)) as silent, capturedLogs() as lines:
        for number in range(40):
            silent.connect(f"a{number}", "a")
        silent.now_s += LOG_PERIOD_S
        silent.connect("last", "a")
    told = [line["count"] for line in lines if line["log_format"] == "handshakes_dropped"]
    assert told == [1, 38]


def test_a_house_full_of_silence_lets_an_honest_client_in():
    with contextlib.closing(Silent(total=6, per_address=2)) as silent:
        for number in range(60):
            silent.connect(f"s{number}", f"address {number % 3}")
        ours, peer = socket.socketpair()
        with ours, peer:
            ours.setblocking(False)
            peer.setblocking(False)
            assert silent.queue.enter("honest") is None
            make = session_maker(DirectSession, server_context(), ours)
            came_in: list[Any] = []
            honest = Handshake(silent.queue, ours, make, "honest", SimpleNamespace(shaken=came_in.append))
            honest.start()
            client = SSL.Connection(client_context(), peer)
            client.set_connect_state()
            for number in range(30):
                silent.connect(f"t{number}", f"address {number % 3}")
                with contextlib.suppress(SSL.WantReadError):
                    client.do_handshake()
                silent.clock.iterate(0)
            assert len(came_in) == 1


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
