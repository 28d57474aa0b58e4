"""Writers of one folder take turns."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from ferry.folders import FolderScan
from ferry.lane.turns import by_turns
from wire_formats.drop import DropName, prepare_drop, write_drop

NAMES = st.builds(DropName, st.integers(0, 3), st.integers(1, 50), st.sampled_from(["worker-1", "worker-2", "w"]))


@given(st.lists(NAMES, unique=True))
def test_each_writer_keeps_its_order_and_none_is_more_than_a_turn_ahead(names: list[DropName]) -> None:
    ordered = by_turns(map(str, names))
    assert sorted(ordered) == sorted(map(str, names))
    writers = {name.sender: [str(one) for one in sorted(names) if one.sender == name.sender] for name in names}
    left = {writer: list(own) for writer, own in writers.items()}
    for name in ordered:
        writer = next(writer for writer, own in left.items() if own and own[0] == name)
        left[writer].pop(0)
        waiting = [len(writers[one]) - len(left[one]) for one in left if left[one]]
        gone = len(writers[writer]) - len(left[writer])
        assert all(gone - other <= 1 for other in waiting)


def test_names_outside_the_grammar_are_given_too() -> None:
    assert sorted(by_turns(["x", "", "-" * 40, "y"])) == sorted(["x", "", "-" * 40, "y"])


def test_the_worker_that_started_last_is_not_the_last_to_be_carried(tmp_path: Path) -> None:
    prepare_drop(tmp_path)
    for sequence in range(1, 101):
        write_drop(tmp_path, DropName(1_000, sequence, "worker-1"), b"flood")
    write_drop(tmp_path, DropName(2_000, 1, "worker-2"), b"one")
    first = FolderScan(tmp_path).next(most=2)
    assert [name.sender for name in first.names] == ["worker-1", "worker-2"]
