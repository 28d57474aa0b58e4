"""What the clerk does for an order: only at the places of its settings, and everything else is the desk's to refuse."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ferry.media import orders
from ferry.media.clerk_state import STATE_NAME, ClerkState, Outcome
from ferry.media.clerk_work import WORK, WRITE_ONCE, Work
from ferry.media.orders import Order
from ferry.media.prepared import prepared_export
from ferry.media.settings import ClerkSettings
from ferry.media.states import MediumKind, MediumState
from tests.support.media_kit import MediaKit
from tests.unit.ferry.media.test_export_import import fill
from wire_formats.bilingual import Label
from wire_formats.errors import PeerError, Refused
from wire_formats.medium import sign_statement


class Clerk:
    """The low desk with a state file, and orders carried out one by one."""

    def __init__(self, root: Path, *, plain: bool = True, places: tuple[Path, ...] = ()) -> None:
        self.kit = MediaKit(root)
        self.settings = ClerkSettings(places=(self.kit.medium(), *places), plain_folders=plain)
        self.state = ClerkState(self.kit.low.folders, self.settings, self.kit.clock)
        self.state.learn(self.kit.low)

    def do(self, word: str, **more: object) -> Label:
        order = Order(word, "ferry_low", self.kit.clock.ms, **more)  # type: ignore[arg-type]
        return WORK[word](Work(self.kit.low, self.settings, self.state, order, "li"))

    def told(self) -> dict[str, object]:
        self.state.write()
        told: dict[str, object] = json.loads((self.kit.low.folders.root / STATE_NAME).read_bytes())
        return told


@pytest.fixture
def clerk(tmp_path: Path) -> Iterator[Clerk]:
    made = Clerk(tmp_path)
    yield made
    made.kit.close()


def test_every_word_has_its_work() -> None:
    assert set(WORK) == set(orders.WORDS)


def test_an_export_is_told_step_by_step(clerk: Clerk) -> None:
    fill(clerk.kit)
    clerk.do("register", serial="WH-0001", text="red stick")
    waiting = clerk.told()["waiting"]
    assert isinstance(waiting, dict)
    assert {lane: count for lane, (count, _) in waiting.items()} == {"interactive": 2, "bulk": 1, "control": 1}
    clerk.do("prepare", serial="WH-0001", text="interactive,control")
    draft = prepared_export(clerk.kit.low.folders)
    assert draft is not None
    assert draft.statement.lanes == (2, 0, 1)
    for name in ("li", "wang"):
        signature = sign_statement(draft.statement, clerk.kit.operators[name])
        assert name in clerk.do("sign", export=draft.statement.export, data=signature).en
    shown = clerk.told()["draft"]
    assert isinstance(shown, dict)
    assert (shown["signed"], shown["complete"], shown["serial"]) == (["li", "wang"], True, "WH-0001")
    clerk.do("write", export=draft.statement.export, text=str(clerk.kit.medium()))
    told = clerk.told()
    assert told["draft"] is None
    assert told["places"] == [{**told["places"][0], "ours": True, "there": True}]  # type: ignore[index]


def test_other_places_are_neither_written_nor_read(clerk: Clerk, tmp_path: Path) -> None:
    for place in ("/etc", str(tmp_path), "", str(clerk.kit.medium()) + "/../usb", str(clerk.kit.medium()) + "/"):
        for word in ("look", "import"):
            with pytest.raises(Refused, match="no such place"):
                clerk.do(word, text=place)


def test_what_is_no_mount_point_is_refused_outside_of_trials(tmp_path: Path) -> None:
    clerk = Clerk(tmp_path, plain=False, places=(Path("/proc"),))
    with pytest.raises(Refused, match="no medium is mounted there"):
        clerk.do("look", text=str(clerk.kit.medium()))
    with pytest.raises((Refused, PeerError)) as refused:
        clerk.do("look", text="/proc")
    assert "no medium of ours" in refused.value.private, "a mount point is looked at"
    clerk.kit.close()


def test_a_disc_is_registered_as_one_and_labels_have_bounds(clerk: Clerk) -> None:
    clerk.do("register", serial="CD-0001", text=f"{WRITE_ONCE}blue disc")
    medium = clerk.kit.low.register.medium("CD-0001")
    assert medium is not None
    assert (medium.kind, medium.label) == (MediumKind.WRITE_ONCE, "blue disc")
    for text in ("", "x" * 65, WRITE_ONCE):
        with pytest.raises(PeerError):
            clerk.do("register", serial="CD-0002", text=text)
    with pytest.raises(PeerError):
        clerk.do("register", serial="", text="x")


def test_a_receipt_is_written_for_download_and_goes_when_the_medium_is_sanitised(tmp_path: Path) -> None:
    clerk = Clerk(tmp_path)
    kit = clerk.kit
    fill(kit)
    kit.export()
    look = Order("look", "ferry_high", kit.clock.ms, text=str(kit.medium()))
    high = Work(kit.high, clerk.settings, clerk.state, look, "li")
    WORK["look"](high)
    looked = clerk.told()["looked"]
    assert isinstance(looked, dict)
    assert (looked["serial"], looked["taken"], looked["missing"]) == ("WH-0001", False, 0)
    assert looked["operators"] == ["li", "wang"]
    order = Order("import", "ferry_high", kit.clock.ms, text=str(kit.medium()), export=bytes.fromhex(looked["export"]))
    WORK["import"](high._replace(order=order))
    assert clerk.told()["looked"] is None
    for path in kit.high.folders.arrived.glob("*/*-*"):
        path.unlink()  # as the running half does
    WORK["receipt"](high._replace(order=Order("receipt", "ferry_high", kit.clock.ms, serial="WH-0001")))
    receipt = kit.high.folders.receipts / "WH-0001.receipt"
    assert "4 files arrived" in clerk.do("take_receipt", data=receipt.read_bytes()).en
    WORK["sanitised"](high._replace(order=Order("sanitised", "ferry_high", kit.clock.ms, serial="WH-0001")))
    assert not receipt.exists()
    clerk.do("sanitised", serial="WH-0001")
    clerk.do("lost", serial="WH-0001")
    medium = kit.low.register.medium("WH-0001")
    assert medium is not None
    assert medium.state is MediumState.LOST
    kit.close()


def test_the_memory_of_outcomes_is_bounded(clerk: Clerk) -> None:
    for number in range(50):
        clerk.state.tell(Outcome(f"{number:016x}", 1, "look", "", "li", "done", "好", "well"))
    outcomes = clerk.told()["outcomes"]
    assert isinstance(outcomes, list)
    assert (len(outcomes), outcomes[0]["order"]) == (20, f"{49:016x}")
