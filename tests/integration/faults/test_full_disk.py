"""A full disk, and short writes, at every writer: an honest refusal, nothing accepted is lost, recovery by itself.

Short writes: a file-size limit put on a running process; a write beyond it comes back short, the next one fails.
Full disk: the whole installation on a small file system of its own, filled to the last byte (needs the right to mount).
"""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.integration.faults.declarations import Load, effects
from tests.support.hall_user import HallUser
from tests.support.whole_system import WholeSystem

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
#: No bundle, no write-ahead log and no journal fits; a lock file or a status file does.
SHORT_BYTES = 700
FAULT_S = 4.0
COUNT = 16
WRITERS = {
    "workers": ("worker-1", "worker-2"),  # outbox and exchange database
    "ferry_low": ("ferry_low",),  # spool, journal, gap, workers' inboxes
    "ferry_high": ("ferry_high",),  # core's inbox, journal, gap
    "core": ("core",),  # production database, outbox
}


@contextmanager
def _short_writes(system: WholeSystem, roles: tuple[str, ...]) -> Iterator[None]:
    pids = [system.pid(role) for role in roles]
    before = [resource.prlimit(pid, resource.RLIMIT_FSIZE) for pid in pids]
    for pid, (_, hard) in zip(pids, before, strict=True):
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (SHORT_BYTES, hard))
    try:
        yield
    finally:
        for role, pid, limits in zip(roles, pids, before, strict=True):
            if system.pid(role) == pid:
                resource.prlimit(pid, resource.RLIMIT_FSIZE, limits)


def _lives(system: WholeSystem) -> dict[str, int]:
    return {name: process["pid"] for name, process in system.processes().items()}


@pytest.mark.parametrize("writer", WRITERS)
def test_short_writes_lose_nothing_that_was_accepted(system: WholeSystem, writer: str) -> None:
    lives = _lives(system)
    users = [HallUser(system, "unit") for _ in range(2)]
    for user in users:
        user.sign_in()
    load = Load(system, users, COUNT)
    with _short_writes(system, WRITERS[writer]):
        load.start()
        load.permit(COUNT // 2)
        time.sleep(FAULT_S)
        met = dict(load.troubles())
        waiting = [one for one in load.declarations if one.acknowledged]
        states = {users[0].get(one.receipt).state for one in waiting}
        assert met or states == {"On its way"}, f"the fault was not met: {states}"
        query = users[0].get("/s/unit.profile") if writer == "core" else None
    load.permit(COUNT)
    load.join(within_s=60)
    load.see_results(within_s=60)
    print(f"{writer}: users met {met}, later {dict(load.troubles())}")
    assert query is None or query.status == 200 or query.code
    assert load.errors == []
    assert all("FG-3" in trouble for trouble in load.troubles()), load.troubles()
    assert {one.state for one in load.declarations} == {"Done"}
    assert effects(system, load.declarations) == []
    assert _lives(system) == lives, "a full disk is no reason to end"


@contextmanager
def _full(root: Path) -> Iterator[None]:
    """Fill the file system to the last byte."""
    ballast = root / "ballast"
    try:
        with ballast.open("wb", buffering=0) as file:
            for size in (1 << 20, 1 << 12, 1):
                _write_until_full(file.fileno(), size)
        yield
    finally:
        ballast.unlink(missing_ok=True)


def _write_until_full(descriptor: int, size: int) -> None:
    block = bytes(size)
    try:
        while os.write(descriptor, block) == size:
            pass
    except OSError:
        return


def test_a_full_disk_is_said_honestly_and_over_when_it_is_over(system: WholeSystem) -> None:
    if not os.path.ismount(system.root.parent):
        pytest.skip("needs the right to mount a small file system (run as root)")
    lives = _lives(system)
    user = HallUser(system, "unit")
    user.sign_in()
    load = Load(system, [HallUser(system, "unit", cookies=dict(user.cookies)) for _ in range(2)], COUNT)
    load.start()
    load.permit(4)
    load.wait_for(2)
    with _full(system.root):
        load.wait_for(4)
        query = user.get("/s/unit.profile")
        assert query.status == 503
        assert query.code in ("FG-3003", "FG-3005"), f"{query.code} {query.page().heading()}"  # silent, or no room
        assert "retry-after" in query.headers
        load.permit(4)
        time.sleep(FAULT_S)
        met = dict(load.troubles())
    print(f"full disk: users met {met}")
    load.permit(COUNT)
    load.join(within_s=60)
    load.see_results(within_s=60)
    assert user.get("/s/unit.profile").status == 200
    assert {one.state for one in load.declarations} == {"Done"}
    assert effects(system, load.declarations) == []
    assert all("FG-" in trouble for trouble in load.troubles()), load.troubles()
    assert _lives(system) == lives
