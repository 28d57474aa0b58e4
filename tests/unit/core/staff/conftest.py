"""A staff window with real TLS over each kind of database; see tests.support.staff_bench."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.core_world import World, make_world
from tests.support.staff_bench import ReactorThread, StaffBench


@pytest.fixture(scope="session")
def staff_reactor() -> Iterator[ReactorThread]:
    """One running reactor for all windows of the session."""
    running = ReactorThread()
    yield running
    running.stop()


@pytest.fixture
def bench(world: World, tmp_path: Path, staff_reactor: ReactorThread) -> Iterator[StaffBench]:
    """A window over a populated core; every test runs on SQLite and on PostgreSQL."""
    made = StaffBench(world, tmp_path)
    staff_reactor.run(made.start, staff_reactor.reactor)
    yield made
    staff_reactor.run(made.stop)


@pytest.fixture
def light_bench(tmp_path: Path, staff_reactor: ReactorThread) -> Iterator[StaffBench]:
    """The same on SQLite only, for what does not depend on the database."""
    world = make_world(tmp_path, f"sqlite:///{tmp_path}/production.sqlite")
    made = StaffBench(world, tmp_path)
    staff_reactor.run(made.start, staff_reactor.reactor)
    yield made
    staff_reactor.run(made.stop)
    world.close()
