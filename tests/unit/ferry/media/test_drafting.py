"""An export in steps: prepared, signed by each operator for himself, written, or cancelled."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ferry.media.collecting import Collection
from ferry.media.drafting import add_signature, cancel_export, prepare_export, write_export
from ferry.media.looking import look_at_medium
from ferry.media.prepared import prepared_export
from ferry.media.states import MediumState
from tests.support.media_kit import MediaKit, arrived
from tests.unit.ferry.media.test_export_import import FILES, fill
from wire_formats.drop import parse_name
from wire_formats.errors import Kind, PeerError, Refused, Unavailable
from wire_formats.instants import DAY_MS
from wire_formats.medium import MediumStatement, sign_statement

SERIAL = "WH-0001"


@pytest.fixture
def kit(tmp_path: Path) -> Iterator[MediaKit]:
    made = MediaKit(tmp_path)
    fill(made)
    made.register(made.low, SERIAL)
    yield made
    made.close()


def signed(kit: MediaKit, statement: MediumStatement, name: str) -> bytes:
    return sign_statement(statement, kit.operators[name])


def prepared(kit: MediaKit, *names: str) -> MediumStatement:
    statement = prepare_export(kit.low, SERIAL, by="li").statement
    for name in names:
        add_signature(kit.low, statement.export, signed(kit, statement, name))
    return statement


def test_what_two_signed_one_after_the_other_arrives(kit: MediaKit) -> None:
    statement = prepared(kit, "li")
    draft = prepared_export(kit.low.folders)
    assert draft is not None
    assert (draft.statement, len(draft.signatures), draft.complete) == (statement, 1, False)
    with pytest.raises(Refused, match="two operators must sign"):
        write_export(kit.low, statement.export, kit.medium())
    assert add_signature(kit.low, statement.export, signed(kit, statement, "wang")).name == "wang"
    told: list[tuple[int, int]] = []
    done = write_export(kit.low, statement.export, kit.medium(), progress=lambda at, of: told.append((at, of)))
    assert (done.statement, done.operators) == (statement, ("li", "wang"))
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert prepared_export(kit.low.folders) is None
    assert not any(kit.low.folders.claimed.iterdir())
    found = look_at_medium(kit.high, kit.medium(), writable_ok=True)
    assert (found.statement, found.operators, found.taken, found.earlier) == (statement, ("li", "wang"), False, 0)
    assert kit.high.register.media() == [], "a look leaves no trace"
    kit.take_in()
    assert arrived(kit.high) == FILES
    assert look_at_medium(kit.high, kit.medium(), writable_ok=True).taken
    kit.low.register.verify()
    acts = [act.act for act in kit.low.register.acts(serial=SERIAL)]
    assert acts == ["registered", "prepared", "signed", "signed", "exported"]


def test_only_the_lanes_that_were_asked_for_go(kit: MediaKit) -> None:
    statement = prepare_export(kit.low, SERIAL, lanes=["interactive"], by="li").statement
    assert statement.lanes == (2, 0, 0)
    assert Collection(kit.low.folders).waiting_in("bulk").files == 1


def test_one_operator_twice_a_stranger_another_statement_and_rubbish_are_refused(kit: MediaKit) -> None:
    statement = prepared(kit, "li")
    whole = signed(kit, statement, "wang")
    forged = whole[:-1] + bytes([whole[-1] ^ 1])
    for message, kind in (
        (signed(kit, statement, "li"), Kind.UNKNOWN_SIGNER),
        (signed(kit, statement, "zhao"), Kind.UNKNOWN_SIGNER),
        (b"no signature", Kind.MALFORMED),
        (b"x" * 2000, Kind.TOO_LARGE),
        (forged, Kind.BAD_SIGNATURE),
    ):
        with pytest.raises(PeerError) as refused:
            add_signature(kit.low, statement.export, message)
        assert refused.value.kind is kind, message
    cancel_export(kit.low, statement.export, by="li")
    other = prepared(kit)
    with pytest.raises(PeerError, match="another statement"):
        add_signature(kit.low, other.export, signed(kit, statement, "wang"))
    with pytest.raises(Refused, match="no such export"):
        add_signature(kit.low, statement.export, signed(kit, statement, "wang"))


def test_a_third_signature_is_refused(kit: MediaKit) -> None:
    statement = prepared(kit, "li", "wang")
    with pytest.raises(Refused, match="both operators"):
        add_signature(kit.low, statement.export, signed(kit, statement, "zhao"))


def test_a_cancelled_export_gives_its_files_back(kit: MediaKit) -> None:
    statement = prepared(kit, "li", "wang")
    assert Collection(kit.low.folders).waiting() == (0, 0)
    cancel_export(kit.low, by="wang")
    assert Collection(kit.low.folders).waiting().files == len(FILES)
    with pytest.raises(Refused, match="no such export"):
        write_export(kit.low, statement.export, kit.medium())
    with pytest.raises(Refused, match="no such export"):
        cancel_export(kit.low, by="wang")


def test_nothing_else_is_exported_while_one_is_prepared(kit: MediaKit) -> None:
    prepared(kit, "li")
    kit.register(kit.low, "WH-0002")
    with pytest.raises(Refused, match="WH-0001 is prepared"):
        kit.export("WH-0002")
    with pytest.raises(Refused, match="WH-0001 is prepared"):
        prepare_export(kit.low, "WH-0002", by="li")
    assert prepared_export(kit.low.folders) is not None


def test_the_running_half_counts_claimed_files_as_carried(kit: MediaKit) -> None:
    outlet = kit.outlet(kit.low)
    name = parse_name("0000000000000007-000000000001-ferry_low.bundle")
    fill(kit)
    statement = prepared(kit)
    assert name in outlet.carrying("bulk")
    outlet.prepare()  # as a half that starts anew
    assert name in outlet.carrying("bulk")
    cancel_export(kit.low, by="li")
    assert name in outlet.carrying("bulk")
    outlet.prepare()
    assert name not in outlet.carrying("bulk")
    assert statement.files == len(FILES)
    outlet.close()


def test_a_medium_that_cannot_be_written_leaves_the_export_prepared(kit: MediaKit) -> None:
    statement = prepared(kit, "li", "wang")
    with pytest.raises(Refused, match="is no folder"):
        write_export(kit.low, statement.export, kit.root / "nowhere")
    (kit.medium("used") / "FERRYGATE").mkdir()
    with pytest.raises(Refused, match="not blank"):
        write_export(kit.low, statement.export, kit.medium("used"))
    write_export(kit.low, statement.export, kit.medium())
    medium = kit.low.register.medium(SERIAL)
    assert medium is not None
    assert medium.state is MediumState.EXPORTED


def test_a_file_that_changed_after_the_signatures_is_not_written(kit: MediaKit) -> None:
    statement = prepared(kit, "li", "wang")
    claimed = Collection(kit.low.folders).claimed(statement.export) / "interactive"
    next(claimed.iterdir()).write_bytes(b"forged")
    with pytest.raises(PeerError):
        write_export(kit.low, statement.export, kit.medium())
    assert not (kit.medium() / "FERRYGATE").exists()


def test_an_operator_who_was_taken_off_the_list_meanwhile_does_not_count(kit: MediaKit) -> None:
    from dataclasses import replace

    statement = prepared(kit, "li", "wang")
    later = replace(kit.low, operators=kit.trust_of(kit.operators["li"], kit.operators["zhao"]))
    with pytest.raises(PeerError, match="unknown key"):
        write_export(later, statement.export, kit.medium())


def test_an_export_nobody_wrote_in_its_life_is_refused(kit: MediaKit) -> None:
    statement = prepared(kit, "li", "wang")
    kit.clock.ms += 8 * DAY_MS
    with pytest.raises(PeerError):
        write_export(kit.low, statement.export, kit.medium())
    cancel_export(kit.low, by="li")


def test_an_import_takes_only_what_was_looked_at(kit: MediaKit) -> None:
    statement = prepared(kit, "li", "wang")
    write_export(kit.low, statement.export, kit.medium())
    from ferry.media.importing import import_medium

    with pytest.raises(Refused, match="another medium lies there"):
        import_medium(kit.high, kit.medium(), by="li", writable_ok=True, export=bytes(16))
    assert kit.high.register.media() == []
    import_medium(kit.high, kit.medium(), by="li", writable_ok=True, export=statement.export)


def test_two_commands_do_not_run_at_once(kit: MediaKit) -> None:
    with kit.low.folders.locked(), pytest.raises(Unavailable, match="another media command"):
        prepare_export(kit.low, SERIAL, by="li")
