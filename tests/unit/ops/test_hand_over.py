"""Listening sockets pass from one process to the next over the supervisor's channel."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator

import pytest

from ops.runtime.hand_over import HEALTH, LEAVE, OWN, PREDECESSOR, TAKE, HandOver


@pytest.fixture
def channel() -> Iterator[tuple[socket.socket, socket.socket]]:
    """A process's end, and the supervisor's."""
    ours, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, far:
        yield ours, far


def test_a_successor_gets_the_same_sockets(channel: tuple[socket.socket, socket.socket]) -> None:
    ours, far = channel
    older, newer = HandOver(ours), HandOver(predecessor=far.dup(), successor=True)
    with socket.create_server(("127.0.0.1", 0)) as unit, socket.create_server(("127.0.0.1", 0)) as site:
        older.offer({"unit": unit, "site": site})
        answering = threading.Thread(target=lambda: [older.look() for _ in iter(lambda: taken.is_set(), True)])
        taken = threading.Event()
        answering.start()
        sockets = newer.take()
        taken.set()
        answering.join()
        assert {name: one.getsockname() for name, one in sockets.items()} == {
            "unit": unit.getsockname(),
            "site": site.getsockname(),
        }
        assert not any(one.get_inheritable() for one in sockets.values())
        waiting = socket.create_connection(unit.getsockname(), 5)
        unit.close()  # its owner leaves; who waits in the queue is served by the other one
        accepted, _ = sockets["unit"].accept()
        with waiting, accepted, sockets["unit"], sockets["site"]:
            assert accepted.getpeername() == waiting.getsockname()
    assert newer.take() == {}, "asked once only"


def test_who_left_and_who_never_was_give_nothing(channel: tuple[socket.socket, socket.socket]) -> None:
    ours, far = channel
    assert HandOver().take() == {}
    ours.close()
    assert HandOver(predecessor=far.dup(), successor=True).take() == {}


def test_the_supervisor_says_when_to_leave(channel: tuple[socket.socket, socket.socket]) -> None:
    ours, far = channel
    one = HandOver(ours)
    assert not one.succeeded()
    far.send(b"nonsense")
    far.send(TAKE)  # nothing is offered: an empty answer
    assert not one.succeeded()
    assert far.recv(100) == b""
    far.send(LEAVE)
    assert one.succeeded()
    assert one.look()
    far.close()
    assert not one.look(), "the supervisor is gone"
    assert one.succeeded()


def test_successors_that_ask_and_never_read_do_not_stop_it(channel: tuple[socket.socket, socket.socket]) -> None:
    ours, far = channel
    one = HandOver(ours)
    far.setblocking(False)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        one.offer({"port": listener})
        for _ in range(2_000):
            far.send(TAKE)
            assert one.look()


def test_what_the_environment_names_is_taken_out_of_it(channel: tuple[socket.socket, socket.socket]) -> None:
    ours, far = channel
    with socket.create_server(("127.0.0.1", 0)) as health:
        numbers = {OWN: os.dup(ours.fileno()), PREDECESSOR: os.dup(far.fileno()), HEALTH: os.dup(health.fileno())}
    for number in numbers.values():
        os.set_inheritable(number, True)
    environment = {"PATH": "/bin", **{name: str(number) for name, number in numbers.items()}}
    one = HandOver.from_environment(environment)
    assert environment == {"PATH": "/bin"}
    assert (one.is_successor, one.health_fd) == (True, numbers[HEALTH])
    assert not any(os.get_inheritable(number) for number in numbers.values())
    first, second = one.for_forked(0, beside=False), one.for_forked(1, beside=False)
    assert (first.is_successor, first.health_fd, second.health_fd) == (True, numbers[HEALTH], -1)
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(numbers[OWN])
    os.close(numbers[HEALTH])
    alone = HandOver.from_environment({})
    assert (alone.is_successor, alone.health_fd, alone.take()) == (False, -1, {})
    assert [alone.for_forked(0, beside=beside).is_successor for beside in (False, True)] == [False, True]
