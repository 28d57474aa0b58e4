"""The process table: states and order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.supervisor.process_table import (
    TRANSITIONS,
    ProcessEntry,
    ProcessSpec,
    ProcessState,
    ProcessTable,
    WrongTransitionError,
)


def _spec(name: str, stage: int = 0) -> ProcessSpec:
    return ProcessSpec(name=name, command=("true",), stage=stage)


def test_every_state_has_a_row_and_every_state_but_waiting_is_reached() -> None:
    assert set(TRANSITIONS) == set(ProcessState)
    reached = {state for row in TRANSITIONS.values() for state in row}
    assert reached == set(ProcessState) - {ProcessState.WAITING}


@given(st.lists(st.sampled_from(list(ProcessState)), max_size=30))
def test_become_follows_the_table(wanted: list[ProcessState]) -> None:
    entry = ProcessEntry(_spec("a"))
    for state in wanted:
        before = entry.state
        if state is before or state in TRANSITIONS[before]:
            entry.become(state)
            assert entry.state is state
        else:
            with pytest.raises(WrongTransitionError):
                entry.become(state)
            assert entry.state is before


def test_stages_are_in_order() -> None:
    table = ProcessTable([_spec("edge", 3), _spec("core", 1), _spec("worker-1", 2), _spec("ca", 1)])
    names = [[entry.spec.name for entry in stage] for stage in table.stages()]
    assert names == [["core", "ca"], ["worker-1"], ["edge"]]


def test_two_processes_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="same name"):
        ProcessTable([_spec("a"), _spec("a")])


def test_told_hides_the_pid_of_a_dead_process() -> None:
    entry = ProcessEntry(_spec("a"), pid=77, started_ms=10)
    assert entry.told(50)["pid"] == 0
    entry.become(ProcessState.STARTING)
    assert entry.told(50)["pid"] == 77
    assert entry.told(50)["up_ms"] == 40
