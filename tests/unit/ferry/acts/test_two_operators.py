"""A held bundle goes on when two different operators say so, and only then; nothing is delivered twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ferry.acts.act import CONSOLE_ROLE, LIFE_MS, RELEASE, Act, Shown, countersign_act, sign_act
from ferry.lane.reasons import HELD, RELEASABLE, Reason
from ferry.settings import FerryLimits
from tests.support.ferry_kit import bundles_in, request_ids, requests, worker_author
from tests.support.machines import MachineAuthority, pem_of
from tests.unit.ferry.acts.acting import act_of, delivered, kept_back, lines, outcomes, poison, put, say, shelf, states
from tests.unit.ferry.driving import Driven
from tests.unit.ferry.inspector.test_lost import FragileInspector
from tests.unit.ferry.test_faults import reasons
from wire_formats.drop import DropName, write_drop


@pytest.fixture
def inspector() -> FragileInspector:
    return FragileInspector()


@pytest.fixture
def ferry(tmp_path: Path, inspector: FragileInspector) -> Iterator[Driven]:
    driven = Driven(tmp_path, inspector=inspector, operators=("li", "wang"))
    yield driven
    driven.stop()


def test_two_operators_release_a_poison_bundle_once_its_cause_is_mended(
    ferry: Driven, inspector: FragileInspector
) -> None:
    ids = poison(ferry, inspector)
    (item,) = shelf(ferry)
    assert item.reason is Reason.POISON
    assert delivered(ferry) == []
    inspector.deadly.clear()
    say(ferry, "li", "release", item.subject)
    assert [one.subject for one in shelf(ferry)] == [item.subject]
    say(ferry, "wang", "release", item.subject)
    ferry.run(1)
    assert delivered(ferry) == ids
    assert shelf(ferry) == []
    assert outcomes(ferry) == [
        ("release", "li", "taken"), ("release", "wang", "agreed"), ("release", "li+wang", "done"),
    ]  # fmt: skip
    assert states(ferry) == {"received.sent": 1}


def test_released_and_not_mended_it_is_held_again_and_the_old_acts_do_not_fit(
    ferry: Driven, inspector: FragileInspector
) -> None:
    poison(ferry, inspector)
    (item,) = shelf(ferry)
    first = say(ferry, "li", "release", item.subject)
    second = say(ferry, "wang", "release", item.subject)
    asked = inspector.asked
    ferry.run(3)
    # Counted from zero: as many looks as a new bundle has.
    assert inspector.asked - asked <= 3
    (again,) = shelf(ferry)
    assert again.digest == item.digest
    assert again.subject != item.subject
    inspector.deadly.clear()
    put(ferry, first)
    put(ferry, second, number=2)
    ferry.run(1)
    assert delivered(ferry) == []
    assert [one.subject for one in shelf(ferry)] == [again.subject]


def test_a_bundle_that_was_held_does_not_come_again_and_is_delivered_once_when_released(
    ferry: Driven, inspector: FragileInspector
) -> None:
    ids = poison(ferry, inspector)
    (item,) = shelf(ferry)
    inspector.deadly.clear()
    # Its number was settled, so that the lane goes on: the low half's new epoch does not bring it again.
    ferry.stop_half(ferry.low)
    ferry.start_low()
    ferry.run(2)
    assert delivered(ferry) == []
    say(ferry, "li", "release", item.subject)
    say(ferry, "wang", "release", item.subject)
    ferry.run(2)
    assert delivered(ferry) == ids
    assert shelf(ferry) == []


def test_two_operators_reject_for_good(ferry: Driven, inspector: FragileInspector) -> None:
    poison(ferry, inspector)
    (item,) = shelf(ferry)
    inspector.deadly.clear()
    say(ferry, "li", "reject", item.subject)
    say(ferry, "wang", "reject", item.subject)
    assert shelf(ferry) == []
    assert states(ferry) == {"received.rejected": 1}
    rejected = ferry.kit.root / "ferry_high" / "quarantine" / "rejected"
    assert len(list(rejected.glob("*.bundle"))) == len(list(rejected.glob("*.notice"))) == 1
    say(ferry, "li", "release", item.subject)
    assert outcomes(ferry)[-1] == ("release", "li", "refused")
    ferry.run(1)
    assert delivered(ferry) == []


def test_the_sender_gives_up_and_two_operators_send_it_again(tmp_path: Path) -> None:
    ferry = Driven(tmp_path, limits=FerryLimits(give_up_tries=2), operators=("li", "wang"))
    try:
        ferry.run(2)
        ferry.stop_half(ferry.high)
        # The high half knows fewer workers than the low one: it refuses every try.
        ferry.start_high(workers=("worker-2",))
        items = requests(now_ms=ferry.clock.ms)
        worker_author(ferry.kit).send(items, now_ms=ferry.clock.ms)
        ferry.run(12)
        ferry.stop_half(ferry.high)
        ferry.start_high()
        ferry.run(1)
        (item,) = shelf(ferry, "ferry_low")
        assert item.reason is Reason.GIVEN_UP
        assert states(ferry, "ferry_low") == {"sent.held": 1}
        for name in ("li", "wang"):
            say(ferry, name, "release", item.subject, half="ferry_low")
        ferry.run(2)
        assert delivered(ferry) == request_ids(items)
        assert states(ferry, "ferry_low") == {"sent.acked": 1}
    finally:
        ferry.stop()


def one_operator_twice(ferry: Driven, subject: str) -> None:
    say(ferry, "li", "release", subject)
    say(ferry, "li", "release", subject)


def the_same_act_twice(ferry: Driven, subject: str) -> None:
    put(ferry, say(ferry, "li", "release", subject))


def an_unknown_operator(ferry: Driven, subject: str) -> None:
    say(ferry, "li", "release", subject)
    put(ferry, sign_act(act_of(ferry, "release", subject), ferry.kit.persons.operator("zhao")))


def another_authority(ferry: Driven, subject: str) -> None:
    say(ferry, "li", "release", subject)
    put(ferry, sign_act(act_of(ferry, "release", subject), MachineAuthority("others").operator("wang")))


def an_expired_act(ferry: Driven, subject: str) -> None:
    say(ferry, "li", "release", subject)
    say(ferry, "wang", "release", subject, made_ms=ferry.clock.ms - LIFE_MS)


def the_first_one_expires_before_the_second_comes(ferry: Driven, subject: str) -> None:
    say(ferry, "li", "release", subject)
    ferry.clock.ms += LIFE_MS
    say(ferry, "wang", "release", subject)


def an_act_from_the_future(ferry: Driven, subject: str) -> None:
    say(ferry, "li", "release", subject)
    say(ferry, "wang", "release", subject, made_ms=ferry.clock.ms + 3_600_000)


def another_digest(ferry: Driven, subject: str) -> None:
    say(ferry, "li", "release", subject)
    say(ferry, "wang", "release", "0" * 64 + subject[64:])


def another_holding(ferry: Driven, subject: str) -> None:
    say(ferry, "li", "release", subject)
    say(ferry, "wang", "release", subject[:65] + "1")


def another_half(ferry: Driven, subject: str) -> None:
    say(ferry, "li", "release", subject)
    put(ferry, sign_act(act_of(ferry, "release", subject, half="ferry_low"), ferry.kit.operators["wang"]))


def different_opinions(ferry: Driven, subject: str) -> None:
    say(ferry, "li", "release", subject)
    say(ferry, "wang", "reject", subject)


def a_machine_signs(ferry: Driven, subject: str) -> None:
    say(ferry, "li", "release", subject)
    put(ferry, sign_act(act_of(ferry, "release", subject), ferry.kit.high))


def a_machine_vouches(ferry: Driven, subject: str) -> None:
    say(ferry, "li", "release", subject)
    wang = ferry.kit.operators["wang"]
    shown = Shown(wang.kid, wang.certificate.serial_number)
    put(ferry, countersign_act(act_of(ferry, "release", subject), shown, ferry.kit.high))


def an_altered_act(ferry: Driven, subject: str) -> None:
    say(ferry, "li", "release", subject)
    signed = bytearray(sign_act(act_of(ferry, "release", subject), ferry.kit.operators["wang"]))
    signed[-1] ^= 1
    put(ferry, bytes(signed))


def rubbish(ferry: Driven, subject: str) -> None:
    say(ferry, "li", "release", subject)
    put(ferry, b"")
    put(ferry, bytes(2000), number=2)
    (ferry.kit.root / "ferry_high" / "acts" / "drop" / "release").write_bytes(b"both of us")
    (ferry.kit.root / "ferry_high" / "acts" / "drop" / "link").symlink_to("/etc/passwd")


@pytest.mark.parametrize(
    "attempt",
    [
        one_operator_twice, the_same_act_twice, an_unknown_operator, another_authority, an_expired_act,
        the_first_one_expires_before_the_second_comes, an_act_from_the_future, another_digest, another_holding,
        another_half, different_opinions, a_machine_signs, a_machine_vouches, an_altered_act, rubbish,
    ],
)  # fmt: skip
def test_less_than_two_operators_move_nothing(
    ferry: Driven, inspector: FragileInspector, attempt: Callable[[Driven, str], None]
) -> None:
    poison(ferry, inspector)
    (item,) = shelf(ferry)
    inspector.deadly.clear()
    attempt(ferry, item.subject)
    ferry.run(0.5)
    assert [one.subject for one in shelf(ferry)] == [item.subject]
    assert delivered(ferry) == []
    assert all(outcome in ("taken", "refused") for _, _, outcome in outcomes(ferry))
    assert list((ferry.kit.root / "ferry_high" / "acts" / "drop").glob("*.notice")) == []


def test_a_conflict_of_numbers_is_rejected_or_stays(ferry: Driven) -> None:
    worker = worker_author(ferry.kit)
    worker.send(requests(now_ms=ferry.clock.ms), now_ms=ferry.clock.ms)
    ferry.run(1)
    other = worker_author(ferry.kit)
    name, data = other.make(requests(now_ms=ferry.clock.ms), now_ms=ferry.clock.ms)
    write_drop(ferry.kit.root / "dmz" / "outbox" / "interactive", name, data)
    ferry.run(1)
    (item,) = shelf(ferry, "ferry_low")
    assert item.reason is Reason.AUTHOR_CONFLICT
    before = len(bundles_in(ferry.kit.core_inbox / "interactive"))
    for name_of in ("li", "wang"):
        say(ferry, name_of, "release", item.subject, half="ferry_low")
    assert {line.detail for line in lines(ferry, "ferry_low")} == {"author_conflict cannot be released"}
    for name_of in ("li", "wang"):
        say(ferry, name_of, "reject", item.subject, half="ferry_low")
    assert shelf(ferry, "ferry_low") == []
    assert len(bundles_in(ferry.kit.core_inbox / "interactive")) == before


def test_what_may_be_released_is_held_and_no_conflict() -> None:
    assert RELEASABLE < HELD
    assert not {Reason.AUTHOR_CONFLICT, Reason.CROSSING_CONFLICT} & RELEASABLE


def test_a_quarantined_bundle_has_no_way_back(ferry: Driven) -> None:
    name, data = worker_author(ferry.kit).make(requests(now_ms=ferry.clock.ms), now_ms=ferry.clock.ms)
    write_drop(ferry.kit.root / "dmz" / "outbox" / "interactive", DropName(name.epoch, 9, name.sender), data[:-1])
    ferry.run(1)
    assert reasons(ferry) == ["malformed"]
    folder = ferry.kit.root / "ferry_low" / "quarantine" / "quarantined"
    (notice,) = folder.glob("*.notice")
    digest = notice.read_text().split('"sha256": "')[1][:64]
    subject = f"{digest}-{int(notice.name[:16], 16)}"
    for operator in ("li", "wang"):
        say(ferry, operator, "release", subject, half="ferry_low")
    assert {line.detail for line in lines(ferry, "ferry_low")} == {"no such held bundle"}
    assert len(list(folder.glob("*.bundle"))) == 1


def test_the_console_vouches_for_two_certificates(ferry: Driven, inspector: FragileInspector) -> None:
    console = ferry.kit.authority.machine(CONSOLE_ROLE, "gatekeeper")
    machines = ferry.kit.root / "ferry_high" / "machines.pem"
    ferry.kit.machines.append(console)
    ferry.kit.write_keys()
    assert machines.exists()
    ids = poison(ferry, inspector)
    ferry.stop_half(ferry.high)
    ferry.start_high(inspector=inspector)
    (item,) = shelf(ferry)
    inspector.deadly.clear()
    for number, name in enumerate(("li", "wang"), start=1):
        key = ferry.kit.operators[name]
        act = Act(RELEASE, "ferry_high", item.subject, "looked_at", ferry.clock.ms)
        put(ferry, countersign_act(act, Shown(key.kid, key.certificate.serial_number), console), number=number)
    ferry.run(1)
    assert delivered(ferry) == ids
    assert [line.way for line in lines(ferry)] == ["console", "console", "half"]


def test_a_single_request_that_was_kept_back_is_looked_at_again_once_two_operators_say_so(
    ferry: Driven, inspector: FragileInspector
) -> None:
    items = requests(2, now_ms=ferry.clock.ms)
    deadly, harmless = request_ids(items)
    inspector.deadly = {deadly}
    author = worker_author(ferry.kit, epoch=ferry.clock.ms)
    author.send(items, now_ms=ferry.clock.ms)
    ferry.run(5)
    assert delivered(ferry) == [harmless]
    (item,) = kept_back(ferry)
    inspector.deadly.clear()
    author.send(items[:1], now_ms=ferry.clock.ms)
    ferry.run(1)
    assert delivered(ferry) == [harmless], "known, and not looked at"
    say(ferry, "li", "release", item.subject)
    say(ferry, "wang", "release", item.subject)
    assert kept_back(ferry) == []
    author.send(items[:1], now_ms=ferry.clock.ms)
    ferry.run(1)
    assert sorted(delivered(ferry)) == sorted([harmless, deadly])


def test_a_single_request_that_was_rejected_is_not_held_again(ferry: Driven, inspector: FragileInspector) -> None:
    items = requests(2, now_ms=ferry.clock.ms)
    deadly, harmless = request_ids(items)
    inspector.deadly = {deadly}
    author = worker_author(ferry.kit, epoch=ferry.clock.ms)
    author.send(items, now_ms=ferry.clock.ms)
    ferry.run(5)
    (item,) = kept_back(ferry)
    inspector.deadly.clear()
    say(ferry, "li", "reject", item.subject)
    say(ferry, "wang", "reject", item.subject)
    assert kept_back(ferry) == []
    for _ in range(2):
        author.send(items[:1], now_ms=ferry.clock.ms)
        ferry.run(1)
        assert delivered(ferry) == [harmless]
        assert kept_back(ferry) == []
        # It stays so over a restart.
        ferry.stop_half(ferry.high)
        ferry.start_high(inspector=inspector)


def test_what_somebody_said_who_was_taken_off_the_list_is_no_half_of_an_agreement(
    tmp_path: Path, inspector: FragileInspector
) -> None:
    driven = Driven(tmp_path, inspector=inspector, operators=("li", "wang", "zhao"))
    poison(driven, inspector)
    (item,) = shelf(driven)
    say(driven, "li", "release", item.subject)
    known = tmp_path / "ferry_high" / "operators.pem"
    known.write_bytes(b"".join(pem_of(driven.kit.operators[name]) for name in ("wang", "zhao")))
    say(driven, "wang", "release", item.subject)
    assert [one.subject for one in shelf(driven)] == [item.subject]
    say(driven, "zhao", "release", item.subject)
    assert [outcome for _, _, outcome in outcomes(driven)] == ["taken", "taken", "agreed", "done"]
    driven.stop()
