"""The lean dispatch: events arrive, faults end one descriptor only, work at the end of a turn is done once."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from typing import Any

import pytest
from twisted.internet.error import ConnectionDone, ConnectionLost

from ops.runtime.lean_reactor import LeanReactor


class End:
    """One end of a socket pair."""

    def __init__(self, reactor, end, other):
        self.reactor, self.end, self.other = reactor, end, other
        self.reads, self.writes, self.lost = [], 0, []
        self.on_read = lambda: None

    def fileno(self):
        return self.end.fileno()

    def logPrefix(self):
        return "end"

    def doRead(self):
        self.reads.append(self.end.recv(100))
        return self.on_read()

    def doWrite(self):
        self.writes += 1
        self.reactor.removeWriter(self)

    def connectionLost(self, reason):
        self.lost.append(reason.type)


@pytest.fixture
def reactor():
    reactor = LeanReactor()
    yield reactor
    reactor.removeAll()


@pytest.fixture
def end(reactor):
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    with ours, theirs:
        end = End(reactor, ours, theirs)
        yield end
        reactor.removeReader(end)
        reactor.removeWriter(end)


def _fault():
    raise ZeroDivisionError("on purpose")


def test_reading_writing_and_both(reactor, end):
    reactor.addReader(end)
    reactor.iterate(0)
    assert end.reads == []
    end.other.send(b"a")
    reactor.iterate(1)
    assert end.reads == [b"a"]
    reactor.addWriter(end)
    end.other.send(b"b")
    reactor.iterate(1)
    assert (end.reads, end.writes) == ([b"a", b"b"], 1)
    reactor.iterate(0)
    assert end.writes == 1


def test_a_reader_that_wants_to_write_no_more_is_not_called(reactor, end):
    reactor.addReader(end)
    reactor.addWriter(end)
    end.on_read = lambda: reactor.removeWriter(end)
    end.other.send(b"a")
    reactor.iterate(1)
    assert (end.reads, end.writes) == ([b"a"], 0)


def test_a_fault_ends_one_descriptor_and_not_the_loop(reactor, end):
    end.on_read = _fault
    reactor.addReader(end)
    end.other.send(b"a")
    reactor.iterate(1)
    assert end.lost == [ZeroDivisionError]
    assert end not in reactor.getReaders()
    done: list[int] = []
    reactor.callLater(0, done.append, 1)
    reactor.iterate(0)
    assert done == [1]


def test_a_returned_end_is_told_as_with_twisteds_own(reactor, end):
    end.on_read = lambda: ConnectionDone() if end.reads[-1] == b"" else None
    reactor.addReader(end)
    end.other.shutdown(socket.SHUT_WR)
    reactor.iterate(1)
    assert end.lost == [ConnectionDone]


def test_a_hang_up_while_nothing_is_read_is_a_loss(reactor, end):
    reactor.addWriter(end)
    end.other.close()
    reactor.iterate(1)
    assert end.lost == [ConnectionLost]


def test_work_at_the_end_of_a_turn(reactor, end):
    order = []

    def read():
        reactor.at_turn_end(lambda: order.append("end"))
        order.append("read")

    end.on_read = read
    reactor.addReader(end)
    end.other.send(b"a")
    reactor.iterate(1)
    assert order == ["read", "end"]
    reactor.callLater(0, reactor.at_turn_end, lambda: order.append("timed"))
    reactor.iterate(0)
    assert order == ["read", "end", "timed"]
    reactor.at_turn_end(_fault)
    reactor.at_turn_end(lambda: order.append("after a fault"))
    reactor.iterate(0)
    reactor.iterate(0)
    assert order == ["read", "end", "timed", "after a fault"]


def test_it_runs_as_the_reactor_of_a_process_and_ends_on_sigterm():
    script = (
        "from ops.runtime import lean_reactor; lean_reactor.install()\n"
        "from twisted.internet import reactor\n"
        "assert type(reactor).__name__ == 'LeanReactor'\n"
        "reactor.callWhenRunning(lambda: print('up', flush=True))\n"
        "reactor.addSystemEventTrigger('during', 'shutdown', lambda: print('down', flush=True))\n"
        "reactor.run()\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"up\n"
        process.terminate()
        assert process.stdout.read() == b"down\n"
        assert process.wait(60) == 0


class Bell:
    """A descriptor that rings on and on: it is readable in every turn."""

    def __init__(self, reactor, rung):
        self._ends = socket.socketpair()
        self._ends[1].send(b"x")
        self._rung = rung
        self.count = 0
        reactor.addReader(self)

    def fileno(self):
        return self._ends[0].fileno()

    def logPrefix(self):
        return "bell"

    def doRead(self):
        self.count += 1
        self._rung(self)

    def connectionLost(self, reason):
        for end in self._ends:
            end.close()


def run_until_stopped(rung):
    reactor: Any = LeanReactor()
    bell = Bell(reactor, lambda bell: rung(reactor, bell))
    guard = threading.Timer(120, lambda: reactor.callFromThread(reactor.crash))
    guard.start()
    try:
        reactor.run(installSignalHandlers=False)
    finally:
        guard.cancel()
    return bell.count


def test_the_main_loop_ends_when_a_descriptor_stops_it():
    assert run_until_stopped(lambda reactor, bell: reactor.stop() if bell.count == 5 else None) == 5


def test_a_timed_call_of_a_descriptor_comes_in_the_next_turn_however_busy_it_is():
    def rung(reactor, bell):
        if bell.count == 5:
            reactor.callLater(0, reactor.stop)

    assert run_until_stopped(rung) == 5


def test_timed_calls_come_when_they_are_due_however_busy_it_is():
    came: list[Any] = []

    def rung(reactor, bell):
        if bell.count == 1:
            reactor.callLater(0.05, came.append, "later")
            reactor.callLater(0.02, came.append, "soon")
        if len(came) == 2:
            reactor.stop()

    run_until_stopped(rung)
    assert came == ["soon", "later"]


def test_calls_from_threads_come_however_busy_it_is():
    came: list[Any] = []

    def rung(reactor, bell):
        if bell.count == 1:
            threading.Thread(target=reactor.callFromThread, args=(came.append, 1)).start()
        if came:
            reactor.stop()

    run_until_stopped(rung)
    assert came == [1]


def test_timers_follow_the_steady_clock() -> None:
    reactor = LeanReactor()
    before = time.monotonic()
    call = reactor.callLater(60, print)
    assert before + 60 <= call.getTime() <= time.monotonic() + 60
    assert before <= reactor.seconds() <= time.monotonic()
    call.cancel()
