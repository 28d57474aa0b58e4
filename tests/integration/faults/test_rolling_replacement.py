"""Every worker is replaced in turn under load: no failed request, no lost session."""

from __future__ import annotations

import pytest

from tests.integration.faults.declarations import Load, effects
from tests.support.hall_user import HallUser
from tests.support.whole_system import WholeSystem

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
PER_WORKER = 40


def test_replacing_every_worker_costs_no_request_and_no_session(system: WholeSystem) -> None:
    users = [HallUser(system, label) for label in ("unit", "unit2") for _ in range(3)]
    for user in users:
        user.sign_in()
    cookies = [dict(user.cookies) for user in users]
    workers = system.found.worker_names
    load = Load(system, users, PER_WORKER * (len(workers) + 1))
    load.start()
    for turn, worker in enumerate(workers):
        load.permit(PER_WORKER)
        load.wait_for(turn * PER_WORKER + 2)  # the rest of this share meets the replacement
        before = system.pid(worker)
        assert system.replace(worker) == {"ok": True}
        assert system.pid(worker) != before
        load.wait_for((turn + 1) * PER_WORKER)
    load.permit(PER_WORKER)
    load.join(within_s=60)
    load.see_results(within_s=90)

    assert load.errors == []
    assert sum(load.troubles().values()) == 0, load.troubles()
    assert {one.state for one in load.declarations} == {"Done", "Accepted, waiting for review"}
    assert effects(system, load.declarations) == []
    assert [user.cookies for user in users] == cookies
    assert all(user.get("/").status == 200 and "Sign out" in user.get("/").text for user in users)
