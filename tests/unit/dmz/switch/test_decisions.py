"""The pure decisions: balancer, ejection, waiting, repeating, health."""

from __future__ import annotations

import pytest
from automat import NoTransition
from hypothesis import given, settings
from hypothesis import strategies as st

from dmz.messages import ClientIdentity, HallRequest, Upload
from dmz.switch.balancer import Balancer, BalancerLimits
from dmz.switch.ejection import BASE_MS, ERRORS, FORGET_MS, EjectionLedger
from dmz.switch.relay import person_of
from dmz.switch.retry import RetryBudget, is_repeatable
from dmz.switch.wait_queue import Priority, WaitQueue, priority_of
from dmz.switch.worker_health import FALL, HealthState, worker_health
from wire_formats.errors import Kind, Unavailable

NAMES = ("a", "b", "c", "d")


def ready(limits=None, names=NAMES):
    balancer = Balancer(names, limits or BalancerLimits())
    for name in names:
        balancer.set_ready(name, ready=True, now_ms=0)
    return balancer


def take(balancer, person=None, now_ms=0, avoid=()):
    name = balancer.pick(person, now_ms, avoid)
    if name is not None:
        balancer.begin(name)
    return name


def test_least_connections_and_rotating_ties():
    balancer = ready()
    first = [take(balancer) for _ in range(4)]
    assert sorted(first) == list(NAMES)
    balancer.end("c")
    assert take(balancer) == "c"
    idle = ready()
    assert {idle.pick(None, 0) for _ in range(8)} == set(NAMES), "idle workers take turns"


def test_no_worker_ready():
    balancer = Balancer(NAMES, BalancerLimits())
    with pytest.raises(Unavailable) as caught:
        balancer.pick(None, 0)
    assert caught.value.kind is Kind.NO_WORKER and caught.value.retry_after_s


def test_full_workers_make_one_wait():
    balancer = ready(BalancerLimits(in_flight=2))
    assert [take(balancer) is not None for _ in range(9)] == [True] * 8 + [False]


def test_a_person_stays_with_a_worker_until_it_is_too_busy():
    balancer = ready(BalancerLimits(load_floor=3))
    home = balancer.pick(b"person", 0)
    assert [take(balancer, b"person") for _ in range(3)] == [home] * 3
    assert take(balancer, b"person") != home


def test_a_leaving_worker_moves_only_its_own_persons():
    balancer = ready()
    people = [bytes([i]) for i in range(200)]
    before = {person: balancer.pick(person, 0) for person in people}
    balancer.set_ready("b", ready=False, now_ms=0)
    after = {person: balancer.pick(person, 0) for person in people}
    assert {person for person in people if before[person] != after[person]} == {p for p in people if before[p] == "b"}
    counts = [list(before.values()).count(name) for name in NAMES]
    assert min(counts) > 25


@given(st.lists(st.tuples(st.sampled_from(NAMES), st.integers(0, 9)), max_size=40))
def test_a_remembered_rank_is_as_good_as_a_new_one(steps):
    old, states = ready(), dict.fromkeys(NAMES, True)
    for name, number in steps:
        states[name] = not states[name]
        old.set_ready(name, ready=states[name], now_ms=0)
        new = Balancer(NAMES, BalancerLimits())
        for each, up in states.items():
            new.set_ready(each, ready=up, now_ms=0)
        if new.ready_count:
            assert old.pick(bytes([number]), 0) == new.pick(bytes([number]), 0)


def test_slow_start_is_linear_and_not_at_the_edges_own_start():
    balancer = ready(BalancerLimits(in_flight=1_000, slow_start_ms=10_000))
    assert sorted(take(balancer) for _ in range(4)) == list(NAMES)
    balancer = ready(BalancerLimits(in_flight=1_000, slow_start_ms=10_000))
    balancer.set_ready("a", ready=False, now_ms=0)
    balancer.set_ready("a", ready=True, now_ms=0)
    share = {}
    for now_ms in (0, 5_000, 10_000):
        fresh = [take(balancer, None, now_ms) for _ in range(400)]
        share[now_ms] = fresh.count("a")
        for name in fresh:
            balancer.end(name)
    assert share[0] < 25 and 45 < share[5_000] < 75 and 95 < share[10_000] < 105


def test_workers_already_tried_are_the_last_resort():
    balancer = ready()
    assert balancer.pick(b"x", 0, avoid={"a", "b", "c"}) == "d"
    assert balancer.pick(b"x", 0, avoid=set(NAMES)) in NAMES


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 5), st.booleans(), st.integers(0, 3)), max_size=120))
def test_no_worker_ever_has_more_than_it_may(steps):
    balancer = ready(BalancerLimits(in_flight=5, load_floor=2))
    running = []
    for action, affine, number in steps:
        if action < 4:
            name = take(balancer, bytes([number]) if affine else None)
            if name:
                running.append(name)
        elif running:
            balancer.end(running.pop(number % len(running)))
        assert all(balancer.load_of(name) <= 5 for name in NAMES)
        assert balancer.in_flight == len(running)


def test_ejection_grows_and_is_forgotten():
    ledger = EjectionLedger(NAMES)
    assert [ledger.failed("a", 0) for _ in range(ERRORS)] == [0] * (ERRORS - 1) + [BASE_MS]
    assert ledger.is_ejected("a", BASE_MS - 1) and not ledger.is_ejected("a", BASE_MS)
    assert ledger.failed("a", BASE_MS) == 2 * BASE_MS, "on trial: the first failure counts"
    later = BASE_MS * 3 + FORGET_MS + 1
    ledger.succeeded("a")
    assert [ledger.failed("a", later) for _ in range(ERRORS)][-1] == BASE_MS


def test_a_success_in_between_starts_the_count_again():
    ledger = EjectionLedger(NAMES)
    for _ in range(3):
        assert [ledger.failed("a", 0) for _ in range(ERRORS - 1)] == [0] * (ERRORS - 1)
        ledger.succeeded("a")


@pytest.mark.parametrize(("count", "most"), [(1, 0), (2, 1), (3, 1), (4, 2), (5, 2)])
def test_never_more_than_half_are_ejected(count, most):
    names = NAMES[:count] if count <= 4 else (*NAMES, "e")
    ledger = EjectionLedger(names)
    for name in names:
        for _ in range(3 * ERRORS):
            ledger.failed(name, 0)
    assert sum(ledger.is_ejected(name, 1) for name in names) == most


def test_waiting_by_priority_then_by_arrival():
    queue: WaitQueue[str] = WaitQueue(3)
    assert queue.push("upload", Priority.UPLOAD) is None
    assert queue.push("page", Priority.PAGE) is None
    assert queue.push("page 2", Priority.PAGE) is None
    assert queue.push("upload 2", Priority.UPLOAD) == "upload 2"
    assert queue.push("submission", Priority.SUBMISSION) == "upload"
    assert queue.push("page 3", Priority.PAGE) == "page 3"
    queue.remove("page 2")
    queue.remove("nobody")
    assert [queue.pop(), queue.pop(), queue.pop()] == ["submission", "page", None]


def test_priorities_of_requests():
    assert priority_of(HallRequest("GET", "unit", "/")) is Priority.PAGE
    assert priority_of(HallRequest("POST", "unit", "/")) is Priority.SUBMISSION
    upload = Upload("f", "a.xlsx", "x/y", b"")
    assert priority_of(HallRequest("POST", "unit", "/", uploads=(upload,))) is Priority.UPLOAD


def test_what_may_be_sent_twice():
    assert is_repeatable(HallRequest("GET", "unit", "/")) and is_repeatable(HallRequest("HEAD", "unit", "/"))
    assert not is_repeatable(HallRequest("POST", "unit", "/", form=(("a", "1"),)))
    assert not is_repeatable(HallRequest("POST", "unit", "/", form=(("form_token", ""),)))
    assert is_repeatable(HallRequest("POST", "unit", "/", form=(("form_token", "t"),)))


def test_the_retry_budget_is_a_tenth_beyond_its_reserve():
    budget = RetryBudget(percent=10, reserve=2)
    assert [budget.spend() for _ in range(3)] == [True, True, False]
    for _ in range(30):
        budget.earn()
    assert [budget.spend() for _ in range(4)] == [True, True, False, False], "the reserve is the most that is saved"
    for _ in range(10):
        budget.earn()
    assert [budget.spend() for _ in range(2)] == [True, False]


def test_person_is_the_certificate_or_the_session_cookie():
    client = ClientIdentity(b"f" * 32, "ca", 1, "urn:ferrygate:account:unit:1", "unit", "1")
    assert person_of(HallRequest("GET", "unit", "/", client=client)) == b"f" * 32
    with_cookie = HallRequest("GET", "site", "/", cookies=(("lang", "en"), ("__Host-fg-site", "secret")))
    person = person_of(with_cookie)
    assert person is not None and b"secret" not in person
    assert person_of(HallRequest("GET", "site", "/")) is None


class Life:
    def __init__(self):
        self.states = [HealthState.DOWN]
        self.health = worker_health(self.states.append)

    @property
    def state(self):
        return self.states[-1]


def test_first_pong_is_enough_at_the_start_and_two_after_a_failure():
    life = Life()
    life.health.connected()
    assert life.state is HealthState.PROBING
    life.health.pong()
    assert life.state is HealthState.UP
    life.health.lost()
    life.health.connected()
    life.health.pong()
    life.health.silent()
    life.health.pong()
    assert life.state is HealthState.PROBING, "a silence starts the count again"
    life.health.pong()
    assert life.state is HealthState.UP


def test_three_silences_in_a_row_take_a_worker_out():
    life = Life()
    life.health.connected()
    life.health.pong()
    for _ in range(FALL - 1):
        life.health.silent()
    life.health.pong()
    for _ in range(FALL - 1):
        life.health.silent()
    assert life.state is HealthState.UP
    life.health.silent()
    assert life.state is HealthState.PROBING


def test_ejection_drain_and_loss():
    life = Life()
    life.health.connected()
    life.health.pong()
    life.health.eject()
    life.health.pong()
    assert life.state is HealthState.EJECTED
    life.health.forgiven()
    assert life.state is HealthState.UP
    life.health.leaving()
    life.health.pong()
    life.health.forgiven()
    assert life.state is HealthState.DRAINING
    life.health.lost()
    life.health.forgiven()
    assert life.state is HealthState.DOWN
    with pytest.raises(NoTransition):
        life.health.risen()


def test_a_successor_is_called_beside_the_one_that_leaves_and_counts_from_its_first_pong():
    life = Life()
    life.health.connected()
    life.health.pong()
    life.health.leaving()
    life.health.connected()
    assert life.state is HealthState.PROBING
    life.health.pong()
    assert life.state is HealthState.UP
    life.health.lost()
    life.health.connected()
    life.health.pong()
    assert life.state is HealthState.PROBING, "after a failure one pong is not enough"
