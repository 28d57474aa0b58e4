"""Offences told from process to process: nothing wrong is ever heard, whatever is written meanwhile."""

from __future__ import annotations

import contextlib
import ipaddress
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dmz.intrusion.shared_offences import GENERATIONS, SLOT_BYTES, SLOTS, SharedOffences, Told

SUBJECTS = st.one_of(
    st.binary(min_size=32, max_size=32),
    st.ip_addresses(v=4).map(str),
    st.integers(0, 2**64 - 1).map(lambda high: str(ipaddress.ip_network((high << 64, 64)))),
)
TOLD = st.builds(Told, SUBJECTS, st.integers(1, 65_535), st.integers(0, 2**48), st.booleans())


@pytest.fixture
def shared():
    with contextlib.closing(SharedOffences(1)) as shared:
        yield shared


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), TOLD), max_size=30), st.integers(0, 30))
def test_each_hears_once_what_the_others_tell_in_order(said, at):
    with contextlib.closing(SharedOffences(1)) as shared:
        places = [shared.place(number) for number in range(GENERATIONS)]
        heard: list[list[Told]] = [[] for _ in places]
        for number, (who, told) in enumerate(said):
            places[who].tell(told._replace(at_ms=number))
            if number == at:
                for mine, place in zip(heard, places, strict=True):
                    mine += place.hear()
        for who, (mine, place) in enumerate(zip(heard, places, strict=True)):
            mine += place.hear()
            assert list(place.hear()) == []
            told_by = {number: speaker for number, (speaker, _) in enumerate(said)}
            for other in range(GENERATIONS):
                want = [
                    told._replace(at_ms=number)
                    for number, (speaker, told) in enumerate(said)
                    if speaker == other and speaker != who
                ]
                assert [told for told in mine if told_by[told.at_ms] == other] == want


def test_a_slow_reader_misses_the_oldest_and_goes_on(shared):
    writer, reader = shared.place(0), shared.place(1)
    for number in range(3 * SLOTS + 5):
        writer.tell(Told("10.0.0.1", 1, number, True))
    assert [told.at_ms for told in reader.hear()] == list(range(2 * SLOTS + 5, 3 * SLOTS + 5))
    writer.tell(Told("10.0.0.1", 1, 7, True))
    assert [told.at_ms for told in reader.hear()] == [7]


def test_a_newcomer_hears_what_is_there_also_from_who_had_its_place(shared):
    for place in (0, 1):
        writer = shared.place(place)
        for number in range(SLOTS + 3):
            writer.tell(Told("10.0.0.1", 1, number, True))
    newcomer = shared.place(0)
    heard = [told.at_ms for told in newcomer.hear()]
    assert sorted(heard) == sorted(2 * list(range(3, SLOTS + 3)))
    assert list(newcomer.hear()) == []
    newcomer.tell(Told("10.0.0.1", 1, 9_999, True))
    assert [told.at_ms for told in shared.place(2).hear()].count(9_999) == 1


@settings(max_examples=60, deadline=None)
@given(TOLD, st.integers(0, SLOT_BYTES - 1), st.integers(1, 255))
def test_a_slot_that_is_not_whole_is_not_heard_until_it_is(told, at, change):
    with contextlib.closing(SharedOffences(1)) as shared:
        writer, reader = shared.place(0), shared.place(1)
        writer.tell(told)
        shared._memory[at] ^= change
        assert list(reader.hear()) == []
        shared._memory[at] ^= change
        assert list(reader.hear()) == [told]
        assert list(shared.place(0).hear()) == [told]


def test_every_process_gets_a_place_of_its_own_and_leaves_it_when_it_ends(shared):
    ready, done = os.pipe(), os.pipe()
    pids = []
    for number in range(GENERATIONS + 1):
        pid = os.fork()
        if not pid:
            place = shared.join()
            place.tell(Told("10.0.0.1", 1, number, True))
            os.write(ready[1], b"y" if place.tells else b"n")
            os.read(done[0], 1)
            os._exit(0)
        pids.append(pid)
        os.read(ready[0], 1) if number < GENERATIONS else None
    assert os.read(ready[0], 1) == b"n", "all places are taken"
    heard = shared.place(None)
    assert [told.at_ms for told in heard.hear()] == list(range(GENERATIONS))
    os.write(done[1], b"x" * len(pids))
    for pid in pids:
        assert os.waitpid(pid, 0)[1] == 0
    mine = shared.join()
    assert mine.tells
    for one in (*ready, *done):
        os.close(one)
