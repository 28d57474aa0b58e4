"""Units share a worker: the bundler's turns, what one unit may have unanswered, and the same on a running worker."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from twisted.internet.defer import Deferred, DeferredList
from twisted.trial.unittest import TestCase

from dmz.workers import request_store
from dmz.workers.exchange_db import open_engine
from dmz.workers.migrate import upgrade
from dmz.workers.request_store import Outgoing, Stored
from dmz.workers.session import Private, SessionKeys, open_private, seal_private, unit_mark
from dmz.workers.tables import request_out
from tests.support.far_side import PASSWORD
from tests.support.real_reactor import reactor
from tests.support.worker_rig import SystemRandomness, WorkerRig, client
from tests.unit.dmz.workers.test_backend import BODY
from tests.unit.dmz.workers.test_bundler import Bench
from wire_formats.drop import count_drop
from wire_formats.errors import Kind, Unavailable

FLOOD, OTHER = b"f" * 16, b"o" * 16
SECOND = client(account="u-2002", certificate=b"d" * 32)
COLLEAGUE = client(account="u-1002", certificate=b"e" * 32)


def test_two_thousand_requests_of_one_unit_and_one_of_another(tmp_path: Path) -> None:
    bench = Bench(tmp_path, on_road=100, waiting=8_192)
    for _ in range(2_000):
        bench.send(unit=FLOOD)
    bench.send(unit=OTHER, size=11)
    bench.time.advance(0)
    first = bench.bundles()[0]
    assert len(first.items) == 256
    assert [len(item.content) for item in first.items].index(11) <= 1
    bench.time.pump([0.01] * 10)
    assert sum(len(bundle.items) for bundle in bench.bundles()) == 2_001


def test_no_more_leaves_than_the_window_and_the_rest_waits_where_units_take_turns(tmp_path: Path) -> None:
    bench = Bench(tmp_path, on_road=1, waiting=8_192, window=3)
    flood = [bench.send(unit=FLOOD) for _ in range(2_000)]
    bench.time.pump([0.0, 0.03, 0.03, 0.03, 0.03])
    assert [len(bundle.items) for bundle in bench.bundles()] == [256] * 3
    bench.send(unit=OTHER, size=11)
    bench.time.pump([0.03] * 3)
    assert len(bench.bundles()) == 3
    bench.answer(flood[0])
    bench.time.advance(0)
    assert [len(item.content) for item in bench.bundles()[3].items].index(11) <= 1
    # What is never answered is forgotten, so that the road does not stay shut.
    bench.time.pump([0.5] * 10)
    assert sum(len(bundle.items) for bundle in bench.bundles()) == 2_001


def test_one_unit_cannot_fill_the_queue(tmp_path: Path) -> None:
    bench = Bench(tmp_path, on_road=100, waiting=100)
    with pytest.raises(Unavailable) as refused:
        for _ in range(100):
            bench.bundler.check_room("interactive", FLOOD)
            bench.send(unit=FLOOD)
    assert refused.value.kind is Kind.UNIT_BUSY
    assert refused.value.retry_after_s
    bench.bundler.check_room("interactive", OTHER)
    bench.send(unit=OTHER)


def test_what_is_sent_again_takes_turns_too(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path}/exchange.sqlite")
    upgrade(engine)

    def stored(number: int, unit: bytes, due_at: int) -> Stored:
        outgoing = Outgoing(number.to_bytes(16, "big"), "interactive", b"h", b"c", unit=unit)
        return Stored(outgoing, "u-1", "unit", b"s" * 16, "worker-1", "employee.add", 0, 10**9, due_at)

    with engine.begin() as connection:
        request_store.add_requests(connection, [stored(number, FLOOD, number) for number in range(2_000)])
        request_store.add_requests(connection, [stored(5_000 + number, OTHER, 3_000 + number) for number in range(3)])
        found = request_store.due(connection, "worker-1", 10_000, (100, 1_000), 256)
    engine.dispose()
    units = [one.unit for one in found]
    assert units[:6].count(OTHER) == 3
    own = [int.from_bytes(one.id, "big") for one in found if one.unit == FLOOD]
    assert own == list(range(253))


def test_a_session_knows_for_whom_it_speaks_and_one_from_before_does_not() -> None:
    random = SystemRandomness()
    keys = SessionKeys.new(random)
    mark = unit_mark("unit", "1001")
    private = Private(b"g", b"k" * 32, frozenset(), must_change=False, display_name="", language="en", unit=mark)
    assert open_private(keys, seal_private(keys, private, random)).unit == mark
    assert len({mark, unit_mark("unit", "1002"), unit_mark("person", "1001")}) == 3


class Running(TestCase):
    """A real worker; the far side answers when it is told to."""

    timeout = 170

    def rig(self, **settings: Any) -> WorkerRig:
        folder = Path(tempfile.mkdtemp())
        rig = WorkerRig(reactor, folder, **settings)
        rig.far.accounts = {SECOND.certificate: ("u-2002", "2002"), COLLEAGUE.certificate: ("u-1002", "1001")}
        self.addCleanup(shutil.rmtree, folder)
        self.addCleanup(lambda: Deferred.fromCoroutine(rig.stop()))
        return rig

    def run_async(self, work: Any) -> Any:
        return Deferred.fromCoroutine(work)

    def test_one_request_overtakes_the_flood_of_another_unit(self) -> Any:
        async def work() -> None:
            rig = self.rig(per_session=5_000, per_account=5_000, per_unit=5_000, answer_wait_ms=60_000)
            flooding, quiet = await rig.login(), await rig.during(rig.backend.login(SECOND, "zhangsan-unit", PASSWORD))
            rig.far.silent = True
            flood = [
                Deferred.fromCoroutine(rig.backend.query(flooding.session, client(), "unit.profile", {}))
                for _ in range(900)
            ]
            while rig.metrics.under_way.labels("query")._value.get() < 900:
                await rig.sleep(0.01)
            already = len(rig.far.seen)
            dropped = count_drop(rig.settings.outbox / "interactive")
            single = Deferred.fromCoroutine(rig.backend.query(quiet.session, SECOND, "unit.profile", {}))
            rig.far.silent = False
            sizes_before = len(rig.far.bundle_sizes)
            await rig.during(single)
            await rig.during(DeferredList(flood))
            certificates = [header.certificate for header in rig.far.seen[already:]]
            at = certificates.index(SECOND.certificate)
            sizes = rig.far.bundle_sizes[sizes_before:]
            bundle = next(number for number in range(len(sizes)) if sum(sizes[: number + 1]) > at)
            self.assertLessEqual(bundle, dropped + 1, "it left in one of the next two bundles")
            self.assertEqual(len(certificates), 901)
            self.assertGreater(len(certificates) - at, 256, "and most of the flood came after it")

        return self.run_async(work())

    def test_a_unit_has_bounds_of_its_own_whoever_asks_for_it(self) -> Any:
        async def work() -> None:
            rig = self.rig(per_unit=4, answer_wait_ms=60_000)
            first, colleague, other = [
                await rig.during(rig.backend.login(who, "zhangsan-unit", PASSWORD))
                for who in (client(), COLLEAGUE, SECOND)
            ]
            rig.far.silent = True
            for number in range(4):
                who, done = (client(), first) if number % 2 else (COLLEAGUE, colleague)
                await rig.backend.transact(done.session, who, "employee.add", BODY, form_token=f"token-number-{number}")
            for who, done in ((client(), first), (COLLEAGUE, colleague)):
                with self.assertRaises(Unavailable) as refused:
                    await rig.backend.transact(done.session, who, "employee.add", BODY, form_token="one-too-many")
                self.assertEqual(refused.exception.kind, Kind.UNIT_BUSY)
                self.assertGreater(refused.exception.retry_after_s, 0)
            count = select(func.count()).select_from(request_out)
            self.assertEqual(await rig.store.read(lambda db: db.execute(count).scalar_one()), 4, "nothing was stored")
            await rig.backend.transact(other.session, SECOND, "employee.add", BODY, form_token="another-unit")
            rig.far.silent = False
            # The form was not used up: what was refused is taken when there is room again.
            await rig.until(lambda: _room(rig))
            await rig.backend.transact(first.session, client(), "employee.add", BODY, form_token="one-too-many")

        return self.run_async(work())


async def _room(rig: WorkerRig) -> bool:
    return await rig.store.read(lambda db: request_store.count_under_way(db, "worker-1")) == 0
