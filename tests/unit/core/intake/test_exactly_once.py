"""A transaction takes effect once: doubled, reordered, raced by a second core, or cut down by kill -9 anywhere."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, insert, select

from core.audit_log import verify_chain
from core.db.engine import open_engine
from core.db.tables import answer_outbox, applied, case_step, held_request, service_case, wage_declaration
from core.intake.dedupe import MOST_HELD
from core.intake.inbox import Inbox
from core.intake.publisher import Publisher
from core.intake.work import Work
from core.services.handler import Handler
from core.services.registry import REGISTRY
from tests.support.core_world import Kinds, MemoryDesk, Seeded, World, assemble, id_number
from wire_formats.answer import Answer, AnswerStatus
from wire_formats.drop import DropName, count_drop
from wire_formats.errors import Kind
from wire_formats.request import parse_header


def wage(serial: int = 1, amount: int = 510_000) -> dict[str, Any]:
    return {"year": 2026, "id_number": id_number(serial), "name": f"张三{'甲乙丙'[serial - 1]}", "wage": amount}


def count(world: World, table: Any) -> int:
    with world.engine.connect() as connection:
        return connection.scalar(select(func.count()).select_from(table)) or 0


def test_the_same_request_again_brings_the_same_answer(world: World) -> None:
    item = world.request("vip", "wage.declare", wage())
    world.drop([item])
    world.turn()
    (first,) = world.answers()
    world.drop([item])
    world.drop([item])
    world.turn()
    again = world.answers()
    assert again == [first, first]
    assert count(world, wage_declaration) == count(world, service_case) == count(world, applied) == 1


def test_doubles_inside_one_bundle(world: World) -> None:
    item = world.request("vip", "wage.declare", wage())
    world.drop([item, item, item])
    world.turn()
    assert len(world.answers()) == 3
    assert count(world, wage_declaration) == 1


def test_doubles_of_a_slow_request(world: World) -> None:
    login = world.accounts["vip"]
    body = {"user_name": "vip1", "password": world.secret(login.password, "password")}
    item = world.request("vip", "account.login", body)
    world.drop([item, item])
    world.drop([item])
    world.settle()
    assert {header.status for header, _ in world.answers()} == {AnswerStatus.DONE}
    assert count(world, applied) == 1
    world.drop([item])
    world.settle()
    assert len(world.answers()) == 1
    assert count_drop(world.folder / "inbox" / "interactive") == 0


def test_same_id_with_another_digest_is_held_and_not_answered(world: World) -> None:
    honest = world.request("vip", "wage.declare", wage(), id=b"i" * 16)
    forged = world.request("plain", "wage.declare", wage(amount=1), id=b"i" * 16)
    world.drop([honest, forged])
    world.turn()
    assert [header.status for header, _ in world.answers()] == [AnswerStatus.DONE]
    with world.engine.connect() as connection:
        (held,) = connection.execute(select(held_request)).all()
        assert (held.reason, held.state, bytes(held.request_id)) == ("same_id_other_digest", "held", b"i" * 16)
        verify_chain(connection, "intake")
    assert world.metrics.held["same_id_other_digest"]._value.get() == 1
    assert count_drop(world.folder / "inbox" / "interactive") == 0


def test_what_cannot_be_answered_has_no_effect(world: World) -> None:
    item = world.request("vip", "wage.declare", wage(), reply_key=bytes(32))  # a point that nobody can seal to
    world.drop([item])
    world.turn()
    assert world.answers() == []
    assert count(world, wage_declaration) == count(world, service_case) == count(world, applied) == 0
    assert count_drop(world.folder / "inbox" / "interactive") == 0


def test_what_is_held_is_bounded(world: World) -> None:
    world.drop([world.request("vip", "wage.declare", wage(), id=b"i" * 16)])
    world.turn()
    forged = [world.request("plain", "wage.declare", wage(amount=1), id=b"i" * 16) for _ in range(6)]
    world.drop([forged[0], forged[0]])
    world.drop([forged[0]])
    world.turn()
    assert count(world, held_request) == 1, "the same conflict is held once"
    rest = {"bundle": "x", "reason": "same_id_other_digest", "held_at": 1}
    with world.engine.begin() as connection:
        connection.execute(insert(held_request), [{"held_id": f"{n:032x}", **rest} for n in range(MOST_HELD - 2)])
    world.drop(forged)
    world.turn()
    assert count(world, held_request) == MOST_HELD
    assert world.metrics.held["same_id_other_digest"]._value.get() == 9, "every one is counted"


def test_a_refusal_is_remembered_too(world: World) -> None:
    item = world.request("vip", "wage.declare", wage() | {"name": "别人"})
    world.drop([item])
    world.turn()
    (first,) = world.answers()
    assert first[0].error is Kind.RULE
    world.drop([item])
    world.turn()
    assert world.answers() == [first]


def test_queries_are_answered_and_not_stored(world: World) -> None:
    item = world.request("vip", "unit.profile", {})
    world.drop([item, item])
    world.turn()
    assert len(world.answers()) == 2
    assert count(world, applied) == count(world, answer_outbox) == 0


def second_core(world: World, kinds: Kinds | None = None, folder: Path | None = None) -> World:
    """Another core process's view: own engine and parts, the same database, machines and (by default) folders."""
    engine = open_engine(world.engine.url.render_as_string(hide_password=False))
    return assemble(
        folder or world.folder,
        engine,
        machines=world.machines,
        clock=world.clock,
        randomness=Seeded("second"),
        desk=MemoryDesk(),
        kinds=kinds,
    )


def test_two_cores_at_the_same_moment(world: World, tmp_path: Path) -> None:
    """Both take the same requests at once from inboxes of their own; each takes effect once, both give the one answer."""
    other = second_core(world, folder=tmp_path / "other")
    start = threading.Barrier(2)
    rounds = [[world.request("vip", "wage.declare", wage(s, 500_100 + r)) for s in (1, 2, 3)] for r in range(6)]
    # Sealed before: a stream of seals belongs to one thread.
    files = [[world.sealed(items) for items in rounds] for _ in (world, other)]

    def work(core: World, mine: list[tuple[DropName, bytes]]) -> None:
        for name, data in mine:
            core_inbox = core.folder / "inbox" / "interactive"
            core_inbox.joinpath(str(name)).write_bytes(data)
            start.wait()
            core.turn()

    threads = [threading.Thread(target=work, args=one) for one in zip((world, other), files, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(150)
    ours, theirs = world.answers(), other.answers()
    other.close()
    assert len(ours) == len(theirs) == 18
    assert sorted(ours, key=lambda a: a[0].request_id) == sorted(theirs, key=lambda a: a[0].request_id)
    assert all(header.error is None for header, _ in ours)
    assert count(world, applied) == 18
    assert count(world, wage_declaration) == 18


class Dies:
    """Ends the process at a chosen place, as a power cut would."""

    @staticmethod
    def now() -> None:
        os.kill(os.getpid(), signal.SIGKILL)


class DiesBeforePublishing(Publisher):
    def publish(self, answers: Iterable[Answer]) -> None:
        Dies.now()


class DiesAfterPublishing(Publisher):
    def publish(self, answers: Iterable[Answer]) -> None:
        super().publish(answers)
        Dies.now()


class DiesBeforeRemoving(Inbox):
    def done(self, work: Work) -> None:
        Dies.now()


def _dying_handlers() -> dict[str, Handler]:
    def run(context: Any, request: Any) -> Any:
        REGISTRY["wage.declare"].run(context, request)
        Dies.now()

    return {**REGISTRY, "wage.declare": Handler(run)}


PLACES: dict[str, Callable[[], Kinds]] = {
    "inside the transaction": lambda: Kinds(handlers=_dying_handlers()),
    "after the commit, before the answer left": lambda: Kinds(publisher=DiesBeforePublishing),
    "after the answer left, before the file went": lambda: Kinds(publisher=DiesAfterPublishing),
    "before the file went": lambda: Kinds(inbox=DiesBeforeRemoving),
}


def killed_in(world: World, kinds: Kinds) -> None:
    """Take a turn in a child process that is killed inside it."""
    world.engine.dispose()
    child = os.fork()
    if child == 0:
        try:
            second_core(world, kinds).turn()
        finally:
            os._exit(3)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status)
    assert os.WTERMSIG(status) == signal.SIGKILL


@pytest.mark.parametrize("place", list(PLACES))
def test_kill_9(world: World, place: str) -> None:
    world.drop([world.request("vip", "wage.declare", wage(serial)) for serial in (1, 2)])
    for _ in range(3):
        killed_in(world, PLACES[place]())
    before = count(world, applied)
    assert before == (0 if place == "inside the transaction" else 2)
    restarted = second_core(world)
    restarted.loop.resend()
    restarted.turn(2)
    answers = restarted.answers()
    restarted.close()
    ids = {header.request_id for header, _ in answers}
    assert len(ids) == 2
    assert all(header.status is AnswerStatus.DONE for header, _ in answers)
    assert count(world, applied) == count(world, wage_declaration) == 2
    assert count(world, answer_outbox) == 0
    assert count(world, case_step) == 2 * 3
    assert count_drop(world.folder / "inbox" / "interactive") == 0
    with world.engine.connect() as connection:
        verify_chain(connection, "accounts")


def test_a_poisoned_request_is_held_after_five_crashes(world: World) -> None:
    world.drop([world.request("vip", "wage.declare", wage(1))])
    for _ in range(5):
        killed_in(world, Kinds(handlers=_dying_handlers()))
    restarted = second_core(world)
    world.drop([world.request("vip", "wage.declare", wage(2))])
    restarted.turn(3)
    assert len(restarted.answers()) == 1
    restarted.close()
    with world.engine.connect() as connection:
        assert connection.execute(select(held_request.c.reason)).scalars().all() == ["poison"]
    assert count_drop(world.folder / "inbox" / "interactive") == 0


def _dying_of(request_id: bytes) -> dict[str, Handler]:
    def run(context: Any, request: Any) -> Any:
        if request.header.id == request_id:
            Dies.now()
        return REGISTRY["wage.declare"].run(context, request)

    return {**REGISTRY, "wage.declare": Handler(run)}


def test_who_shares_a_bundle_with_poison_is_answered_and_the_poison_is_known_again(world: World) -> None:
    poison, *others = (world.request("vip", "wage.declare", wage(serial)) for serial in (1, 2, 3))
    fatal = parse_header(poison.header).id
    world.drop([others[0], poison, others[1]])
    for _ in range(1 + 5):  # of the first nobody can tell whose it was
        killed_in(world, Kinds(handlers=_dying_of(fatal)))
    restarted = second_core(world)
    restarted.loop.resend()
    restarted.turn(3)
    answered = {header.request_id for header, _ in restarted.answers()}
    assert answered == {parse_header(item.header).id for item in others}
    world.drop([poison])
    restarted.turn(2)
    assert restarted.answers() == []
    restarted.close()
    assert count(world, applied) == 2
    assert count_drop(world.folder / "inbox" / "interactive") == 0
