"""The register: states, the chain of acts, what survives a restart."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from ferry.media.register import MediaRegister
from ferry.media.slip import Slip, slip_html, slip_text
from ferry.media.states import STATE_LABELS, MediumKind, MediumState, check_move
from tests.support.machines import NOW_MS
from tests.support.media_kit import MediaKit, bundle_name
from wire_formats.errors import Bug, Refused


@pytest.fixture
def register(tmp_path: Path) -> Iterator[MediaRegister]:
    made = MediaRegister(tmp_path / "register.sqlite", now_ms=NOW_MS)
    yield made
    made.close()


def test_every_state_has_words_in_both_languages() -> None:
    assert set(STATE_LABELS) == set(MediumState)


def test_moves() -> None:
    allowed = {
        (before, after)
        for before, after in itertools.product(MediumState, MediumState)
        if _may(MediumKind.REWRITABLE, before, after)
    }
    assert (MediumState.BLANK, MediumState.RECEIPTED) not in allowed
    assert (MediumState.EXPORTED, MediumState.SANITISED) not in allowed, "first its receipt, or it is lost"
    assert (MediumState.LOST, MediumState.EXPORTED) not in allowed
    assert (MediumState.SANITISED, MediumState.EXPORTED) in allowed
    assert not _may(MediumKind.WRITE_ONCE, MediumState.SANITISED, MediumState.EXPORTED)


def _may(kind: MediumKind, before: MediumState, after: MediumState) -> bool:
    try:
        check_move("WH-0001", kind, before, after)
    except Refused:
        return False
    return True


def test_a_serial_is_registered_once(register: MediaRegister) -> None:
    register.add("WH-0001", "red stick", MediumKind.REWRITABLE, operator="li", now_ms=NOW_MS)
    with pytest.raises(Refused, match="registered already"):
        register.add("WH-0001", "", MediumKind.REWRITABLE, operator="li", now_ms=NOW_MS)
    with pytest.raises(Refused, match="not in the register"):
        register.move("WH-0002", MediumState.LOST, operator="li", now_ms=NOW_MS)
    (medium,) = register.media()
    assert (medium.serial, medium.label, medium.state) == ("WH-0001", "red stick", MediumState.BLANK)


def test_the_register_survives_a_restart(tmp_path: Path, register: MediaRegister) -> None:
    register.add("WH-0001", "", MediumKind.REWRITABLE, operator="li", now_ms=NOW_MS)
    again = MediaRegister(tmp_path / "register.sqlite", now_ms=NOW_MS + 5)
    assert again.medium("WH-0001") == register.medium("WH-0001")
    assert again.next_number() == (NOW_MS, 1, bytes(32)), "the epoch is that of the first start"
    again.close()


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE acts SET operator = 'somebody' WHERE position = 2",
        "DELETE FROM acts WHERE position = 2",
        "DELETE FROM acts WHERE position = 1",
        "UPDATE acts SET position = 9 WHERE position = 3",
        "UPDATE acts SET at_ms = at_ms + 1 WHERE position = 3",
    ],
)
def test_an_altered_act_is_found(tmp_path: Path, register: MediaRegister, tampering: str) -> None:
    for number in (1, 2, 3):
        register.add(f"WH-000{number}", "", MediumKind.REWRITABLE, operator="li", now_ms=NOW_MS)
    assert register.verify() == 3
    database = sqlite3.connect(tmp_path / "register.sqlite")
    database.execute(tampering)
    database.commit()
    database.close()
    with pytest.raises(Bug, match="does not fit the chain"):
        register.verify()


def test_acts_name_who_did_what(tmp_path: Path) -> None:
    kit = MediaKit(tmp_path)
    outlet = kit.outlet(kit.low)
    outlet.put("bulk", bundle_name(1), b"x")
    outlet.close()
    kit.export()
    kit.take_in()
    assert [(act.act, act.operator) for act in kit.low.register.acts()] == [
        ("registered", "li"),
        ("exported", "li+wang"),
    ]
    told = [(act.act, act.operator) for act in kit.high.register.acts(serial="WH-0001")]
    assert told == [("import_begun", "zhao"), ("imported", "zhao")]
    kit.close()


def test_the_slip_says_what_travels_and_holds_no_key(tmp_path: Path) -> None:
    kit = MediaKit(tmp_path)
    kit.low.register.add("WH-0001", "<b>红色</b>", MediumKind.REWRITABLE, operator="li", now_ms=NOW_MS)
    outlet = kit.outlet(kit.low)
    outlet.put("bulk", bundle_name(1), b"x" * 1234)
    outlet.close()
    exported = kit.export()
    medium, passage = kit.low.register.medium("WH-0001"), kit.low.register.last_passage("WH-0001")
    assert medium is not None
    assert passage is not None
    slip = Slip(medium, passage, "inbound", "ferry_low", "ferry_high")
    text, page = slip_text(slip), slip_html(slip)
    for wanted in (
        "WH-0001",
        "ferry_low",
        "ferry_high",
        "1,234",
        "li、wang",
        "2026-01-15 16:00",
        "交接单",
        "Received by",
    ):
        assert wanted in text
        assert wanted in page
    assert exported.statement.digest().hex() in text.replace(" ", "")
    assert "&lt;b&gt;红色" in page
    assert "<b>" not in page
    for key in (kit.low.seal_key.raw, kit.high.seal_key.raw, kit.low.peer_key.raw):
        assert key.hex() not in text
        assert key.hex() not in page
    kit.close()
