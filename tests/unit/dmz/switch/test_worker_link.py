"""Deadlines of exchanges: one timer serves all, and each ends at its own instant."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock

from dmz.switch.settings import SwitchSettings
from dmz.switch.worker_link import Ended, WorkerLink
from wire_formats.collaborators import Randomness


class NoRandomness(Randomness):
    def bytes(self, count):
        return bytes(count)


def connected(clock):
    link = WorkerLink(
        "w1",
        Path("w1"),
        reactor=clock,
        settings=SwitchSettings(),
        randomness=NoRandomness(),
        on_state=lambda _name, _before, _after: None,
    )
    link.connected()
    return link._connection


# Quarters of a second are exact in binary.
@given(st.lists(st.tuples(st.integers(0, 8), st.integers(1, 20), st.booleans()), min_size=1, max_size=12))
def test_every_exchange_ends_at_its_own_deadline(steps):
    clock = Clock()
    connection = connected(clock)
    ended = {}
    due = {}
    for number, (pause, limit, cancelled) in enumerate(steps):
        clock.pump([0.25] * pause)
        deadline = clock.seconds() + limit / 4
        cancel = connection.exchange(
            b"x", deadline, lambda error, number=number: ended.update({number: (clock.seconds(), error)})
        )
        if cancelled:
            cancel()
        else:
            due[number] = deadline
    clock.pump([0.25] * 21)
    assert {number: at for number, (at, _) in ended.items()} == due
    for _, error in ended.values():
        assert error.ended is Ended.DEADLINE and error.begun
    assert not clock.getDelayedCalls()


def test_a_lost_connection_leaves_no_timer():
    clock = Clock()
    connection = connected(clock)
    failed = []
    connection.exchange(b"x", 5.0, lambda error: failed.append(error.ended))
    connection.fail()
    assert not clock.getDelayedCalls()
    assert failed == [Ended.LOST]
