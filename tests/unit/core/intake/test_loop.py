"""Turns of the intake thread: lanes, one commit for many, isolation of bugs, outbox, restart."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, func, select, update

from core.db.tables import answer_outbox, applied, enrolment, lane_position
from core.intake.inbox import MOST_QUARANTINED
from core.intake.publisher import Publisher, next_epoch
from core.services.handler import Context, Handler, ServiceAnswer, ServiceRequest
from core.services.registry import REGISTRY
from tests.support.core_world import Kinds, MemoryDesk, Seeded, World, assemble, copy_world, id_number
from wire_formats import bundle as bundles
from wire_formats.answer import AnswerStatus
from wire_formats.drop import count_drop, list_drop, read_drop
from wire_formats.errors import Kind, Unavailable
from wire_formats.request import Batch
from wire_formats.seal import SealPublicKey


@pytest.fixture
def sqlite(sqlite_template: World, tmp_path: Path) -> Iterable[World]:
    shutil.copy(sqlite_template.folder / "production.sqlite", tmp_path / "production.sqlite")
    made = copy_world(sqlite_template, tmp_path, f"sqlite:///{tmp_path}/production.sqlite")
    yield made
    made.close()


def again(world: World, kinds: Kinds | None = None) -> World:
    """The same core after a restart, perhaps with other handlers."""
    made = assemble(
        world.folder,
        world.engine,
        machines=world.machines,
        clock=world.clock,
        randomness=Seeded("again"),
        desk=MemoryDesk(),
        kinds=kinds,
    )
    made.accounts = world.accounts
    return made


def wage(serial: int = 1, amount: int = 510_000) -> dict[str, Any]:
    return {"year": 2026, "id_number": id_number(serial), "name": f"张三{'甲乙丙'[serial - 1]}", "wage": amount}


def sheet(world: World, number: int, of: int, batch: bytes = b"b" * 16) -> bundles.Item:
    rows = [{"row": number, "id_number": id_number(1), "name": "张三甲", "wage": 500_000 + number}]
    return world.request("vip", "wage.batch", {"year": 2026, "rows": rows}, batch=Batch(batch, number, of))


def commits(world: World) -> list[int]:
    counted: list[int] = []
    event.listen(world.engine, "commit", lambda _connection: counted.append(1))
    return counted


def test_many_bundles_are_one_commit(sqlite: World) -> None:
    for number in range(20):
        sqlite.drop([sqlite.request("vip", "wage.declare", wage(1, 500_001 + number))])
    counted = commits(sqlite)
    sqlite.turn()
    assert len(counted) == 1
    assert len(sqlite.answers()) == 20
    assert count_drop(sqlite.folder / "inbox" / "interactive") == 0


def test_queries_cost_no_commit(sqlite: World) -> None:
    sqlite.drop([sqlite.request("vip", "unit.profile", {}) for _ in range(10)])
    counted = commits(sqlite)
    sqlite.turn()
    assert counted == []
    assert len(sqlite.answers()) == 10


def test_a_single_request_waits_behind_at_most_one_chunk(sqlite: World) -> None:
    sqlite.drop([sheet(sqlite, number, 10) for number in range(1, 11)], "bulk")
    sqlite.turn(3)
    assert [header.service for header, _ in sqlite.answers()] == ["wage.batch"] * 3
    sqlite.drop([sqlite.request("vip", "unit.profile", {})])
    sqlite.turn()
    assert sorted(header.service for header, _ in sqlite.answers()) == ["unit.profile", "wage.batch"]
    sqlite.turn(6)
    assert len(sqlite.answers()) == 6
    assert count_drop(sqlite.folder / "inbox" / "bulk") == 0


def test_bulk_moves_under_interactive_load(sqlite: World) -> None:
    sqlite.drop([sheet(sqlite, number, 3) for number in range(1, 4)], "bulk")
    for _ in range(3):
        sqlite.drop([sqlite.request("vip", "unit.profile", {})])
        sqlite.turn()
    services = [header.service for header, _ in sqlite.answers()]
    assert services.count("wage.batch") == 3


def _with_bug(code: str, when: Any) -> Kinds:
    def run(context: Context, request: ServiceRequest) -> ServiceAnswer:
        answer = REGISTRY[code].run(context, request)
        if when(request):
            raise ZeroDivisionError
        return answer

    return Kinds(handlers={**REGISTRY, code: Handler(run)})


def test_a_bug_harms_only_its_own_request(world: World) -> None:
    core = again(world, _with_bug("wage.declare", lambda request: request.body["wage"] == 666_666))
    core.drop([core.request("vip", "wage.declare", wage(n, amount)) for n, amount in ((1, 600_000), (2, 666_666))])
    core.drop([core.request("vip", "wage.declare", wage(3, 600_000)), core.request("vip", "unit.profile", {})])
    core.turn()
    answers = core.answers()
    assert sorted(str(header.error) for header, _ in answers) == sorted(["None", str(Kind.BUG), "None", "None"])
    with core.engine.connect() as connection:
        wages = connection.execute(select(enrolment.c.person_id, enrolment.c.wage_fen).distinct()).all()
    assert {(1001, 600_000), (1002, 500_000), (1003, 600_000)} <= {tuple(row) for row in wages}
    core.slow.close()


def test_a_bug_in_a_query(sqlite: World) -> None:
    core = again(sqlite, _with_bug("unit.profile", lambda _request: True))
    header, content = core.ask("vip", "unit.profile", {})
    assert (header.error, content["answer"]) == (Kind.BUG, {})
    core.slow.close()


def test_an_answer_that_may_not_leave_takes_its_effect_back(world: World) -> None:
    def leaky(context: Context, request: ServiceRequest) -> ServiceAnswer:
        answer = REGISTRY["wage.declare"].run(context, request)
        return ServiceAnswer({**answer.fields, "password_hash": "x"}, answer.status)

    core = again(world, Kinds(handlers={**REGISTRY, "wage.declare": Handler(leaky)}))
    header, content = core.ask("vip", "wage.declare", wage(1))
    assert (header.error, content["answer"]) == (Kind.BUG, {})
    with core.engine.connect() as connection:
        assert set(connection.scalars(select(enrolment.c.wage_fen))) == {500_000}
    core.slow.close()


def test_a_key_that_cannot_be_sealed_to_gets_no_answer(sqlite: World) -> None:
    bad = bytes(32)
    with pytest.raises(Exception, match="FG-1008"):
        SealPublicKey(bad).seal(b"x", info=b"", aad=b"")
    sqlite.drop([sqlite.request("vip", "unit.profile", {}, reply_key=bad), sqlite.request("vip", "unit.profile", {})])
    sqlite.turn()
    assert len(sqlite.answers()) == 1
    assert count_drop(sqlite.folder / "inbox" / "interactive") == 0


def test_what_cannot_be_right_goes_to_quarantine(sqlite: World) -> None:
    inbox = sqlite.folder / "inbox" / "interactive"
    name, data = sqlite.sealed([sqlite.request("vip", "unit.profile", {})])
    (inbox / str(name)).write_bytes(data[:-1])
    (inbox / "strange name.txt").write_bytes(b"x")
    (inbox / "身份证").mkdir()
    (inbox / "身份证" / "inside").write_bytes(b"y")
    sqlite.drop([sqlite.request("vip", "unit.profile", {})])
    sqlite.turn(2)
    assert len(sqlite.answers()) == 1
    assert count_drop(inbox) == 0
    put_aside = {path.name for path in (sqlite.folder / "quarantine").iterdir()} - {"in_hand.json"}
    assert {f"interactive-{name}", "interactive-strange"} < put_aside
    assert len(put_aside) == 3


def test_the_quarantine_is_bounded(sqlite: World) -> None:
    for number in range(MOST_QUARANTINED):
        (sqlite.folder / "quarantine" / f"old-{number}").touch()
    inbox = sqlite.folder / "inbox" / "interactive"
    for number in range(5):
        (inbox / f"strange {number}").write_bytes(b"x")
    sqlite.turn(2)
    assert count_drop(inbox) == 0
    kept = {path.name for path in (sqlite.folder / "quarantine").iterdir()}
    assert len(kept - {"in_hand.json"}) == MOST_QUARANTINED


def test_the_outbox_holds_bundles_per_worker_without_gaps(sqlite: World) -> None:
    items = [sqlite.request("vip", "unit.profile", {}, reply_to=f"worker-{n % 3 + 1}") for n in range(9)]
    sqlite.drop(items)
    sqlite.turn()
    sqlite.drop([sqlite.request("vip", "unit.profile", {})])
    sqlite.turn()
    outbox = sqlite.folder / "outbox" / "interactive"
    names, strange = list_drop(outbox, most=100)
    assert strange == []
    assert [name.sequence for name in names] == [1, 2, 3, 4]
    assert {name.sender for name in names} == {"core"}
    previous = bundles.FIRST
    for name in names:
        bundle = bundles.parse_bundle(read_drop(outbox, name, limit=1 << 20))
        seal = bundles.verify_seal(bundle, 0, sqlite.trust, role="core", now_ms=sqlite.clock.now_ms())
        assert (seal.statement.sequence, seal.statement.previous) == (name.sequence, previous)
        previous = seal.digest
    assert len(sqlite.answers()) == 10


def test_epochs_grow_even_when_the_clock_goes_back(world: World) -> None:
    with world.engine.connect() as connection:
        first = connection.scalar(select(lane_position.c.epoch)) or 0
    assert next_epoch(world.engine, now_ms=0) == first + 1
    assert next_epoch(world.engine, now_ms=first + 50) == first + 50


class FullDisk(Publisher):
    """A publisher whose disk is full until the test empties it."""

    full = True

    def flush(self) -> None:
        if type(self).full:
            raise Unavailable(Kind.STORAGE_FULL, "disk full", 5)
        super().flush()


def test_a_full_outbox_loses_no_answer(sqlite: World) -> None:
    FullDisk.full = True
    core = again(sqlite, Kinds(publisher=FullDisk))
    core.drop([core.request("vip", "wage.declare", wage(1))])
    with pytest.raises(Unavailable):
        core.turn()
    FullDisk.full = False
    core.drop([core.request("vip", "wage.declare", wage(1))])
    with pytest.raises(Unavailable):
        FullDisk.full = True
        core.turn()
    FullDisk.full = False
    core.turn(3)
    answers = core.answers()
    assert [header.status for header, _ in answers].count(AnswerStatus.DONE) == len(answers) == 2
    with core.engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(applied)) == 2
        assert connection.scalar(select(func.count()).select_from(answer_outbox)) == 0
    core.slow.close()


def test_intake_waits_while_the_ferry_is_behind(sqlite: World) -> None:
    object.__setattr__(sqlite.loop._parts, "outbox_files", 2)
    for _ in range(3):
        sqlite.drop([sqlite.request("vip", "unit.profile", {})])
        sqlite.turn()
    sqlite.clock.value += 1_000
    sqlite.drop([sqlite.request("vip", "unit.profile", {})])
    sqlite.turn(2)
    assert count_drop(sqlite.folder / "inbox" / "interactive") == 1
    assert len(sqlite.answers()) == 3
    sqlite.clock.value += 1_000
    sqlite.turn()
    assert len(sqlite.answers()) == 1


def test_old_answers_are_cleared(sqlite: World) -> None:
    sqlite.ask("vip", "wage.declare", wage(1))
    sqlite.clock.value += 91 * 86_400_000
    sqlite.turn()
    with sqlite.engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(applied)) == 0


def test_in_hand_is_cleared_when_idle_and_broken_notes_are_ignored(sqlite: World) -> None:
    note = sqlite.folder / "quarantine" / "in_hand.json"
    sqlite.ask("vip", "wage.declare", wage(1))
    sqlite.turn()
    assert note.read_bytes() == b""
    for text in ("", "[1]", '{"a": "b"}', "\x00"):
        note.write_text(text)
        core = again(sqlite)
        assert core.ask("vip", "unit.profile", {})[0].error is None
        core.slow.close()


def test_a_held_grant_state_is_read_in_the_write_transaction(sqlite: World) -> None:
    """An account disabled between two requests of one bundle's turn is out for the later turn at once."""
    from core.db.tables import account

    assert sqlite.ask("vip", "wage.declare", wage(1))[0].error is None
    with sqlite.engine.begin() as connection:
        connection.execute(update(account).values(state="disabled"))
    assert sqlite.ask("vip", "wage.declare", wage(2))[0].error is Kind.SESSION_EXPIRED
