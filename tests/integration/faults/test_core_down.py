"""The core is down for a while: an honest wait with a reference number, then every result."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.integration.faults.campaign import CORE_DOWN_S
from tests.integration.faults.declarations import Load, effects
from tests.support.hall_user import HallUser
from tests.support.whole_system import WholeSystem

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
COUNT = 40


@contextmanager
def _stopped(system: WholeSystem, role: str) -> Iterator[None]:
    """The role's process stands still; the supervisor may end it when it answers nothing for long."""
    pid = system.pid(role)
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        if system.pid(role) == pid:
            os.kill(pid, signal.SIGCONT)


def test_users_wait_honestly_and_everything_completes(system: WholeSystem) -> None:
    users = [HallUser(system, "unit") for _ in range(3)]
    for user in users:
        user.sign_in()
    load = Load(system, users[:2], COUNT)
    with _stopped(system, "core"):
        began = time.monotonic()
        load.start()
        load.permit(COUNT)
        load.join(within_s=40)
        assert all(one.acknowledged for one in load.declarations), [one.last for one in load.declarations]
        waiting = users[0].get(load.declarations[0].receipt)
        assert (waiting.status, waiting.state, waiting.waits) == (200, "On its way", True)
        assert waiting.reference == load.declarations[0].reference

        query = users[2].get("/s/unit.profile")
        assert query.status == 503
        assert query.code == "FG-3003"
        assert "retry-after" in query.headers
        assert query.page().heading() in query.text
        assert time.monotonic() - began > 7, "the hall waits before it says so"
        time.sleep(max(0.0, CORE_DOWN_S - (time.monotonic() - began)))

    load.see_results(within_s=90)
    assert {one.state for one in load.declarations} == {"Done"}
    assert effects(system, load.declarations) == []
    again = users[2].patiently_get("/s/unit.profile")
    assert again.status == 200
    assert 'id="result"' in again.text
