"""The same acts on PostgreSQL: one slip's life, its publication, parallel tries."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from ca import hash_log
from ca.deny_publisher import DenyPace, DenyPublisher
from ca.lifecycle import KeyState
from ca.slips import CodeRefused
from tests.support.authority import enabled_slip, make_authority
from tests.support.postgres import running_postgres
from wire_formats.errors import Kind

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module")
def database():
    with running_postgres() as server:
        yield server.new_database()


@pytest.fixture
def rig(tmp_path, database):
    made = make_authority(tmp_path)
    made.settings = replace(made.settings, database=database)
    return made


@pytest.fixture
def authority(rig):
    opened = rig.open()
    yield opened
    opened.ledger.close()


def test_a_slip_s_life_and_its_publication(rig, authority):
    pace = DenyPace(heartbeat_s=5, snapshot_s=300)
    lists = DenyPublisher(
        authority.ledger, authority.deny_key, rig.settings.deny_drop, clock=rig.clock, metrics=rig.metrics, pace=pace
    )
    assert lists.look() == 1 and lists.look() == 0
    number, code, _ = enabled_slip(authority)
    assert authority.slips.download(number, code).pkcs12
    assert len(authority.revoker.revoke(number, reason="superseded", operator="x")) == 1
    assert lists.look() == 1
    assert authority.slips.status(number).state is KeyState.REVOKED
    assert authority.issuer.reconcile() == 0


def test_parallel_guesses_and_downloads(authority):
    number, code, _ = enabled_slip(authority)
    wrong = ("3" if code[0] != "3" else "4") + code[1:]

    def attempt(text):
        try:
            return authority.slips.download(number, text)
        except CodeRefused as refused:
            return refused.kind, refused.tries_left

    with ThreadPoolExecutor(4) as pool:
        guesses = list(pool.map(attempt, [wrong] * 8))
    assert sorted(left for kind, left in guesses if kind is Kind.CODE_WRONG) == [0, 1, 2, 3, 4]
    number, code, _ = enabled_slip(authority)
    with ThreadPoolExecutor(4) as pool:
        slips = [slip for slip in pool.map(attempt, [code] * 4) if not isinstance(slip, tuple)]
    assert len(slips) == 1
    with authority.ledger.transaction() as connection:
        assert hash_log.verify(connection).position > 0
