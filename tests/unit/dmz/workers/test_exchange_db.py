"""Group commit, savepoints, bounds, several processes on one file, migrations, PostgreSQL."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from prometheus_client import CollectorRegistry
from sqlalchemy import Connection, delete, func, insert, select, update
from twisted.internet.defer import Deferred
from twisted.python.threadpool import ThreadPool
from twisted.trial.unittest import TestCase

from dmz.hall.backend_port import Outcome
from dmz.workers import drafts, request_store, session_store, throttle, upload_store
from dmz.workers.drafts import DraftBounds, DraftRow, Owner
from dmz.workers.exchange_db import ExchangeStore, StoreBounds, open_engine
from dmz.workers.metrics import WorkerMetrics
from dmz.workers.migrate import upgrade
from dmz.workers.request_state import MOVES, RequestState, check_move, next_pause_ms, origins, spread_ms
from dmz.workers.request_store import Outgoing, RoomLimits, Stored, TokenUse
from dmz.workers.sent_list import Chunk, Standing, chunks_of, sent_entries, standing_of
from dmz.workers.session import Life
from dmz.workers.session_store import SessionRow
from dmz.workers.settings import WorkerSettings
from dmz.workers.tables import draft, form_token, metadata, request_out, result_in, upload
from dmz.workers.throttle import ThrottleBounds
from dmz.workers.upload_store import NewUpload, RowCounts, UploadLimits
from tests.support.postgres import running_postgres
from tests.support.real_reactor import reactor
from wire_formats.answer import AnswerStatus
from wire_formats.errors import Bug, Kind, Refused, Unavailable
from wire_formats.metric_names import METRICS
from wire_formats.settings_reader import SettingsError, read_settings

ROOT = Path(__file__).resolve().parents[4]


def token(number: int) -> TokenUse:
    return TokenUse(number.to_bytes(32, "big"), bytes(32), bytes(16), 10)


class Store(TestCase):
    timeout = 170

    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        self.url = f"sqlite:///{self.folder}/exchange.sqlite"
        self.engine = open_engine(self.url)
        self.addCleanup(self.engine.dispose)
        upgrade(self.engine)
        self.threads = ThreadPool(1, 1)
        self.threads.start()
        self.addCleanup(self.threads.stop)
        self.commits: list[int] = []

    def store(self, bounds: StoreBounds = StoreBounds()) -> ExchangeStore:
        return ExchangeStore(self.engine, self.threads, reactor, bounds, on_commit=self.commits.append)

    def test_one_refusal_takes_nobody_with_it(self) -> Any:
        async def work() -> None:
            store = self.store()

            def refusing(connection: Connection) -> None:
                request_store.add_token(connection, token(100))
                raise Refused(Kind.CONFLICT, "after a change")

            def adding(number: int) -> Callable[[Connection], None]:
                return lambda db: request_store.add_token(db, token(number))

            calls: list[Deferred[None]] = []
            for number in range(20):
                calls.append(Deferred.fromCoroutine(store.write(adding(number))))
                calls.append(Deferred.fromCoroutine(store.write(refusing if number % 3 else adding(number))))
            errors = 0
            for call in calls:
                try:
                    await call
                except (Refused, Unavailable):
                    errors += 1
            # Every second call fails: refused, or the same key again.
            self.assertEqual(errors, 20)
            count = await store.read(lambda db: db.execute(select(func.count()).select_from(form_token)).scalar_one())
            self.assertEqual(count, 20)
            self.assertLess(len(self.commits), 5)

        return Deferred.fromCoroutine(work())

    def test_a_broken_store_function_is_told_and_the_store_goes_on(self) -> Any:
        async def work() -> None:
            store = self.store()

            def broken(_connection: Connection) -> None:
                raise TypeError("our own fault")

            bad = Deferred.fromCoroutine(store.write(broken))
            with self.assertRaises(Bug):
                await bad
            self.assertEqual(await store.write(lambda _db: 7), 7)
            self.assertEqual(len(self.flushLoggedErrors(TypeError)), 1)

        return Deferred.fromCoroutine(work())

    def test_a_full_queue_refuses_at_once(self) -> Any:
        async def work() -> None:
            store = self.store(StoreBounds(waiting=3, together=1))
            calls = [Deferred.fromCoroutine(store.write(lambda _db: None)) for _ in range(4)]
            with self.assertRaises(Unavailable) as caught:
                await store.write(lambda _db: None)
            self.assertGreater(caught.exception.retry_after_s or 0, 0)
            for call in calls:
                await call

        return Deferred.fromCoroutine(work())

    def test_four_processes_share_the_file(self) -> Any:
        code = (
            "import sys; sys.path.insert(0, sys.argv[2])\n"
            "from dmz.workers.exchange_db import open_engine, WRITE_OPTION\n"
            "from dmz.workers.migrate import upgrade\n"
            "from dmz.workers import request_store\n"
            "from dmz.workers.request_store import TokenUse\n"
            "engine = open_engine(sys.argv[1]); upgrade(engine)\n"
            "for n in range(50):\n"
            "    with engine.connect() as raw:\n"
            "        db = raw.execution_options(**{WRITE_OPTION: True})\n"
            "        with db.begin():\n"
            "            digest = (int(sys.argv[3]) * 1000 + n).to_bytes(32, 'big')\n"
            "            request_store.add_token(db, TokenUse(digest, bytes(32), bytes(16), 10))\n"
        )
        fresh = f"sqlite:///{self.folder}/shared.sqlite"
        running = [subprocess.Popen([sys.executable, "-c", code, fresh, str(ROOT), str(n)]) for n in range(4)]
        self.assertEqual([process.wait(timeout=150) for process in running], [0, 0, 0, 0])
        engine = open_engine(fresh)
        with engine.connect() as connection:
            self.assertEqual(connection.execute(select(func.count()).select_from(form_token)).scalar_one(), 200)
        engine.dispose()

    def test_migrations_give_exactly_the_tables(self) -> None:
        with self.engine.connect() as connection:
            self.assertEqual(compare_metadata(MigrationContext.configure(connection), metadata), [])
        upgrade(self.engine)


def exercise(connection: Connection) -> None:
    """Every store function once; the same on SQLite and PostgreSQL."""
    life = Life("u-1", "unit", b"c" * 32, 0, 0, 1_000_000)
    for number in range(4):
        row = SessionRow(b"h" * 32, life._replace(seen_at=number), b"sealed")
        session_store.add_session(connection, bytes([number]) * 16, row, most=2)
    assert session_store.find_session(connection, bytes([1]) * 16) is None
    assert session_store.find_session(connection, bytes([3]) * 16) is not None
    session_store.touch_session(connection, bytes([3]) * 16, 50)
    session_store.cut_session(connection, bytes([3]) * 16)
    assert session_store.find_session(connection, bytes([3]) * 16) is None

    use = token(1)
    assert request_store.token_before(connection, use) is None
    request_store.add_token(connection, use)
    assert request_store.token_before(connection, use) == bytes(16)
    with pytest.raises(Refused):
        request_store.token_before(connection, use._replace(body_mark=b"x" * 32))

    stored = [
        Stored(Outgoing(bytes([n]) * 16, "interactive", b"h", b"c", unit=b"u" * 16), "u-1", "unit", b"s" * 16,
               "worker-1", "employee.add", n, 1_000 + n, 10)
        for n in range(3)
    ]  # fmt: skip
    request_store.add_requests(connection, stored)
    for account, limits in (("u-1", RoomLimits(3, 9)), ("u-2", RoomLimits(9, 3))):
        with pytest.raises(Unavailable):
            request_store.check_room(connection, b"u" * 16, account, limits)
    request_store.check_room(connection, b"u" * 16, "u-2", RoomLimits(1, 4))
    request_store.check_room(connection, b"v" * 16, "u-3", RoomLimits(1, 1))
    request_store.check_chunk_room(connection, b"u" * 16, 1)
    assert len(request_store.due(connection, "worker-1", 20, (100, 1000), 2)) == 2
    assert len(request_store.due(connection, "worker-1", 20, (100, 1000), 9)) == 1
    assert request_store.due(connection, "worker-1", 20, (100, 1000), 9) == []
    request_store.mark_sent(connection, [bytes([0]) * 16], 30)
    request_store.mark_hop(connection, [bytes([0]) * 16], "taken", 31)
    request_store.mark_hop(connection, [bytes([0]) * 16], "taken", 99)
    found = request_store.find_with_result(connection, "u-1", "unit", bytes(16))
    assert (found.sent_at, found.taken_at, found.state) == (30, 31, "sent")
    with pytest.raises(Refused):
        request_store.find_with_result(connection, "u-2", "unit", bytes(16))
    assert request_store.expire(connection, "worker-1", 1_001) == 2
    assert request_store.count_under_way(connection, "worker-1") == 1
    exercise_sent_list(connection)
    assert request_store.sweep(connection, 10_000, 5) == 5, "the workbook's chunks and their answers stay"
    connection.execute(delete(upload))
    assert request_store.sweep(connection, 10_000, 5) == 3, "and go with it"

    who, bounds = throttle.subject("x", b"y"), ThrottleBounds(2, 100, 500)
    throttle.failed(connection, who, 0, bounds)
    throttle.check(connection, who, 1)
    throttle.failed(connection, who, 200, bounds)
    throttle.check(connection, who, 201)
    throttle.failed(connection, who, 202, bounds)
    with pytest.raises(Refused) as caught:
        throttle.check(connection, who, 203)
    assert caught.value.retry_after_s == 1
    throttle.succeeded(connection, who)
    throttle.check(connection, who, 203)

    owner, draft_bounds = Owner("u-1", "unit"), DraftBounds(1, 100, 1000, 50)
    drafts.save(connection, owner, DraftRow(b"d" * 16, "employee.add", b"s", 0, 1000), draft_bounds, replace=False)
    with pytest.raises(Refused):
        drafts.load(connection, Owner("u-2", "unit"), b"d" * 16, 1)
    drafts.mark_deleted(connection, owner, b"d" * 16, 10, draft_bounds)
    with pytest.raises(Refused):
        drafts.restore(connection, owner, b"d" * 16, 61, draft_bounds)
    drafts.restore(connection, owner, b"d" * 16, 59, draft_bounds)
    drafts.mark_deleted(connection, owner, b"d" * 16, 60, draft_bounds)
    for at in range(61, 70):  # whoever saves and deletes again and again keeps no more than he may have live
        drafts.save(
            connection, owner, DraftRow(b"%16d" % at, "employee.add", b"s", at, 1000), draft_bounds, replace=False
        )
        drafts.mark_deleted(connection, owner, b"%16d" % at, at, draft_bounds)
        assert [row.id for row in connection.execute(select(draft.c.id))] == [b"%16d" % at]
    drafts.restore(connection, owner, b"%16d" % 69, 70, draft_bounds)
    assert drafts.sweep(connection, 1000, draft_bounds) == 1
    connection.execute(delete(form_token))
    connection.execute(insert(form_token).values(**use._asdict()))


def exercise_sent_list(connection: Connection) -> None:
    """Three cases are there, sent at 0, 1 and 2; a workbook of three chunks comes between them, another at the end."""
    book, other, limits = b"b" * 16, b"o" * 16, UploadLimits(5, 0, 0)
    for identity, account, at in ((book, "u-1", 1), (other, "u-1", 9), (b"f" * 16, "u-2", 5)):
        upload_store.add_upload(
            connection, NewUpload(identity, account, "unit", "wage.batch", at, 99_999, b"sealed"), limits
        )
    chunks = [
        Stored(Outgoing(b"chunk" + bytes([n]) * 11, "bulk", b"h", b"c"), "u-1", "unit", b"s" * 16, "worker-1",
               "wage.batch", 1, 2_000, 10, book, n)
        for n in (1, 2)
    ]  # fmt: skip
    request_store.add_requests(connection, chunks)
    upload_store.finish(connection, book, b"sealed", RowCounts(702, 700))
    answered = {"header": b"", "content": b"", "received_at": 40, "expires_at": 50, "error_kind": None}
    done = AnswerStatus.DONE.value
    connection.execute(insert(result_in).values(id=chunks[0].outgoing.id, status=done, **answered))
    connection.execute(insert(result_in).values(id=bytes([2]) * 16, status=done, **answered))
    for identity in (chunks[0].outgoing.id, bytes([2]) * 16):
        connection.execute(update(request_out).where(request_out.c.id == identity).values(state="answered"))

    entries, total = sent_entries(connection, "u-1", "unit", skip=0, most=9)
    assert [entry.id for entry in entries] == [other, bytes([2]) * 16, bytes([1]) * 16, book, bytes(16)]
    assert (total, [entry.is_batch for entry in entries]) == (5, [True, False, False, True, False])
    assert entries[1][4:] == ("answered", done, None, None) and entries[3][4:] == ("read", None, 702, 700)
    page, total = sent_entries(connection, "u-1", "unit", skip=3, most=1)
    assert (page, total) == (entries[3:4], 5)
    assert sent_entries(connection, "u-1", "person", skip=0, most=9) == ([], 0)
    found = chunks_of(connection, "u-1", "unit", [book, other])
    assert sorted(found[book]) == [Chunk(1, "answered", done), Chunk(2, "saved", None)] and found[other] == []
    assert chunks_of(connection, "u-2", "unit", [book]) == {book: []} and chunks_of(connection, "u-2", "unit", []) == {}
    assert standing_of(entries[3], found[book], 500, 100) == Standing(Outcome.UNDER_WAY, 500)
    connection.execute(update(request_out).where(request_out.c.batch == book).values(state="expired", expires_at=1))


def test_a_trace_goes_with_its_answer(tmp_path: Path) -> None:
    """Else an old case, long done, would be listed as on its way until its own time is over."""
    engine = open_engine(f"sqlite:///{tmp_path}/x.sqlite")
    upgrade(engine)
    with engine.begin() as connection:
        case = Stored(Outgoing(b"i" * 16, "interactive", b"h", b"c"), "u-1", "unit", b"s" * 16, "worker-1",
                      "employee.add", 0, 90_000, 10)  # fmt: skip
        request_store.add_requests(connection, [case])
        assert request_store.sweep(connection, 50, 10) == 0, "it is under way"
        answer = {"header": b"", "content": b"", "status": AnswerStatus.DONE.value, "received_at": 1, "expires_at": 60}
        connection.execute(insert(result_in).values(id=case.outgoing.id, **answer))
        connection.execute(update(request_out).values(state=RequestState.ANSWERED.value))
        assert request_store.sweep(connection, 59, 10) == 0
        assert request_store.sweep(connection, 60, 10) == 2
        assert sent_entries(connection, "u-1", "unit", skip=0, most=9) == ([], 0)
    engine.dispose()


def test_uploads_of_the_first_schema_are_kept_by_the_second(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path}/x.sqlite")
    upgrade(engine, revision="0001")
    columns = 'id, account, "window", service, state, uploaded_at, expires_at, sealed'
    with engine.begin() as connection:
        values = "x'62', 'u-1', 'unit', 'wage.batch', 'read', 5, 99, x'00'"
        connection.exec_driver_sql(f"INSERT INTO upload ({columns}) VALUES ({values})")
    upgrade(engine)
    with engine.begin() as connection:
        ((entry,), total) = sent_entries(connection, "u-1", "unit", skip=0, most=9)
        assert (entry.state, entry.rows_total, entry.rows_sent, total) == ("read", None, None, 1)
    engine.dispose()


def test_store_functions_on_sqlite(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path}/x.sqlite")
    upgrade(engine)
    with engine.begin() as connection:
        exercise(connection)
    engine.dispose()


@pytest.mark.postgres
def test_store_functions_on_postgres() -> None:
    with running_postgres() as server:
        engine = open_engine(server.new_database())
        upgrade(engine)
        with engine.begin() as connection:
            exercise(connection)
        engine.dispose()


def test_the_state_table_ends_and_never_goes_back() -> None:
    assert MOVES[RequestState.ANSWERED] == frozenset()
    assert set(origins(RequestState.ANSWERED)) == {"saved", "sent", "expired"}
    for before in RequestState:
        for after in RequestState:
            if after in MOVES[before]:
                check_move(before, after)
            else:
                with pytest.raises(Bug):
                    check_move(before, after)


def test_what_was_noted_while_the_clock_was_ahead_is_sent_again(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path}/x.sqlite")
    upgrade(engine)
    day_ms = 86_400_000
    outgoing = Outgoing(b"r" * 16, "interactive", b"h", b"c")
    one = Stored(outgoing, "u", "unit", b"s" * 16, "worker-1", "employee.add", day_ms, 2 * day_ms, day_ms + 100)
    with engine.begin() as connection:
        request_store.add_requests(connection, [one])
        assert [found.id for found in request_store.due(connection, "worker-1", 0, (100, 1000), 9)] == [b"r" * 16]
        assert request_store.due(connection, "worker-1", 0, (100, 1000), 9) == []
    engine.dispose()


def test_pauses_of_requests_differ_and_differ_again() -> None:
    first, second = bytes(range(16)), bytes(range(255, 239, -1))
    pauses = [spread_ms(1_000, identity, attempts) for identity in (first, second) for attempts in range(16)]
    assert all(750 <= pause <= 1_250 for pause in pauses)
    assert len(set(pauses)) == 32


def test_metrics_are_those_of_the_table() -> None:
    registry = CollectorRegistry()
    WorkerMetrics(registry)
    found = {}
    for family in registry.collect():
        name = family.name + ("_total" if family.type == "counter" else "")
        found[name] = family.type
    declared = {name: row.kind.lower() for name, row in METRICS.items() if name.startswith("dmz_worker_")}
    assert found == declared


def test_settings_are_read_strictly() -> None:
    paths = [field.name for field in dataclasses.fields(WorkerSettings) if field.type == "Path"]
    text = 'name = "worker-1"\nexchange_url = "sqlite:///x"\n'
    text += "".join(f'{name} = "{name}"\n' for name in paths)
    settings = read_settings(WorkerSettings, text, Path("/etc/worker.toml"))
    assert (settings.inbox, settings.per_session) == (Path("/etc/inbox"), 20)
    for wrong in ("unknown = 1\n", "per_session = 0\n", "session_idle_s = 10\n"):
        with pytest.raises(SettingsError):
            read_settings(WorkerSettings, text + wrong, Path("/etc/worker.toml"))


def test_pauses_double_up_to_a_bound() -> None:
    assert [next_pause_ms(n, 5, 100) for n in (0, 1, 2, 5, 1000)] == [5, 10, 20, 100, 100]
