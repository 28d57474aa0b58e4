"""Whatever moment a release or rejection is cut short at, it is done after the next start, once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ferry.acts.act import sign_act, verify_act
from ferry.acts.building import known_operators
from ferry.acts.held import HeldShelf
from ferry.acts.held_rows import find_by_file, release_row
from ferry.acts.ledger import AGREED, ActLedger
from ferry.acts.station import item_leaves
from ferry.journal import RECEIVED_WAY, Journal
from tests.unit.ferry.acts.acting import act_of, delivered, lines, outcomes, poison, say, shelf, states
from tests.unit.ferry.driving import Driven
from tests.unit.ferry.inspector.test_lost import FragileInspector
from wire_formats.drop import DropName, write_drop
from wire_formats.errors import Bug


@pytest.fixture
def inspector() -> FragileInspector:
    return FragileInspector()


@pytest.fixture
def ferry(tmp_path: Path, inspector: FragileInspector) -> Iterator[Driven]:
    driven = Driven(tmp_path, inspector=inspector, operators=("li", "wang"))
    yield driven
    driven.stop()


def agree(ferry: Driven, act: str, subject: str) -> None:
    """Write both acts into the ledger of a half that is down, as it would have, and nothing more."""
    settings = ferry.kit.acts("ferry_high")
    assert settings is not None
    ledger = ActLedger(settings.ledger)
    for name in ("li", "wang"):
        data = sign_act(act_of(ferry, act, subject), ferry.kit.operators[name])
        trust = known_operators(settings)
        verified = verify_act(
            data, trust, ferry.kit.trust, half="ferry_high", by_console=False, now_ms=ferry.clock.ms
        )  # fmt: skip
        outcome = ledger.take(verified, counts=lambda _kid: True, now_ms=ferry.clock.ms)
    assert outcome == AGREED
    ledger.close()


@pytest.mark.parametrize("act", ["release", "reject"])
def test_agreed_and_cut_before_anything_was_done(ferry: Driven, inspector: FragileInspector, act: str) -> None:
    ids = poison(ferry, inspector)
    (item,) = shelf(ferry)
    inspector.deadly.clear()
    ferry.stop_half(ferry.high)
    agree(ferry, act, item.subject)
    ferry.start_high(inspector=inspector)
    ferry.run(1)
    assert shelf(ferry) == []
    assert delivered(ferry) == (ids if act == "release" else [])
    assert outcomes(ferry)[-1] == (act, "li+wang", "done")
    assert states(ferry) == {f"received.{'sent' if act == 'release' else 'rejected'}": 1}


@pytest.mark.parametrize("moved", [False, True], ids=["copied", "copied and moved in the journal"])
def test_cut_in_the_middle_of_a_release(ferry: Driven, inspector: FragileInspector, *, moved: bool) -> None:
    ids = poison(ferry, inspector)
    (item,) = shelf(ferry)
    inspector.deadly.clear()
    ferry.stop_half(ferry.high)
    agree(ferry, "release", item.subject)
    own = ferry.kit.root / "ferry_high"
    data = HeldShelf(own / "quarantine").read(item)
    released = own / "acts" / "released" / "inbound-interactive"
    write_drop(released, DropName(item.held_ms, item.name.sequence, "released"), data)
    if moved:
        journal = Journal(own / "journal.sqlite", keep_rows=1000)
        entry = find_by_file(journal, RECEIVED_WAY, item.lane, bytes.fromhex(item.digest))
        assert entry is not None
        release_row(journal, entry, bytes.fromhex(item.digest), item_leaves(data), now_ms=ferry.clock.ms)
        journal.close()
    assert len(shelf(ferry)) == 1
    ferry.start_high(inspector=inspector)
    ferry.run(1)
    assert delivered(ferry) == ids
    assert shelf(ferry) == []
    assert list(released.glob("*.bundle")) == []
    assert states(ferry) == {"received.sent": 1}
    assert [line.outcome for line in lines(ferry)] == ["taken", "agreed", "done"]


def test_one_opinion_survives_a_restart(ferry: Driven, inspector: FragileInspector) -> None:
    ids = poison(ferry, inspector)
    (item,) = shelf(ferry)
    inspector.deadly.clear()
    say(ferry, "li", "release", item.subject)
    ferry.stop_half(ferry.high)
    ferry.start_high(inspector=inspector)
    say(ferry, "wang", "release", item.subject)
    ferry.run(1)
    assert delivered(ferry) == ids


def test_an_altered_ledger_is_noticed(ferry: Driven, inspector: FragileInspector) -> None:
    poison(ferry, inspector)
    (item,) = shelf(ferry)
    say(ferry, "li", "release", item.subject)
    ferry.stop_half(ferry.high)
    ledger = ActLedger(ferry.kit.root / "ferry_high" / "acts" / "acts.sqlite")
    assert ledger.verify() == 1
    ledger._database.execute("UPDATE acts SET operator = 'wang'")
    with pytest.raises(Bug):
        ledger.verify()
    ledger.close()
    ferry.start_high(inspector=inspector)
