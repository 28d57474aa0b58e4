"""kill -9 of every role in turn while transactions run: what was acknowledged has effect exactly once."""

from __future__ import annotations

import math
import time
from collections import Counter

import pytest

from tests.integration.faults.campaign import TRANSACTIONS
from tests.integration.faults.declarations import Load, effects
from tests.support.hall_user import HallUser
from tests.support.whole_system import WholeSystem, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1_200)]
#: The supervisor takes six deaths of a role within a minute for a crash loop; a campaign stays below.
KILLS_PER_ROUND_TRANSACTIONS = 1_000


def _in_turn(system: WholeSystem) -> list[str]:
    roles = [name for name in system.processes() if name != "edge"]
    rounds = max(1, TRANSACTIONS // KILLS_PER_ROUND_TRANSACTIONS)
    return ["edge-child", *roles, "edge"] * rounds


def _kill_and_wait(system: WholeSystem, name: str) -> float:
    """Kill, and give the seconds until everything is healthy again."""
    role = "edge" if name == "edge-child" else name
    restarts = system.processes()[role]["restarts"]
    before = system.edge_children() if name == "edge-child" else [system.pid(name)]
    began = time.monotonic()
    gone = system.kill(name)
    assert gone in before
    while gone in (system.edge_children() if name == "edge-child" else [system.pid(name)]):
        assert time.monotonic() - began < 30, f"{name} was not seen to end"
        time.sleep(0.02)
    system.wait_healthy()
    if name != "edge-child":
        assert system.processes()[role]["restarts"] == restarts + 1
    return time.monotonic() - began


def test_what_was_acknowledged_has_effect_once_whoever_dies(system: WholeSystem) -> None:
    users = [HallUser(system, label) for label in ("unit", "unit2") for _ in range(4)]
    for user in users:
        user.sign_in()
    names = _in_turn(system)
    step = math.ceil(TRANSACTIONS / (len(names) + 1))
    load = Load(system, users, TRANSACTIONS)
    load.start()
    began = time.monotonic()
    back: dict[str, float] = {}
    for turn, name in enumerate(names):
        load.permit(step)
        load.wait_for(min(turn * step + step // 4, TRANSACTIONS))  # the rest of this step meets the fault
        troubles = load.troubles()
        back[name] = max(back.get(name, 0.0), _kill_and_wait(system, name))
        load.wait_for(min((turn + 1) * step, TRANSACTIONS))
        print(f"{name:11} back after {back[name]:.1f} s, users met {dict(load.troubles() - troubles)}")
    load.permit(TRANSACTIONS)
    load.join(within_s=120)
    took = time.monotonic() - began
    load.see_results(within_s=120)
    assert load.errors == []

    states = Counter(one.state for one in load.declarations)
    print(f"{TRANSACTIONS} transactions, {len(names)} kills, {took:.0f} s: {dict(states)}, met {dict(load.troubles())}")
    assert effects(system, load.declarations) == []
    unanswered = [one.last for one in load.declarations if not one.acknowledged]
    assert unanswered == []
    assert set(states) == {"Done", "Accepted, waiting for review"}
    assert all(" NO CODE" not in trouble for trouble in load.troubles())
    until(
        lambda: len(system.processes()) + len(system.edge_children()) == len(system.left_over()),
        within_s=30, what="no process but those that serve",
    )  # fmt: skip
