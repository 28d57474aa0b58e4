"""`ferrygate ferry resend-list`: out of the high half, into the low half."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops.__main__ import main
from ops.layout import Installation, Layout, Ports
from ops.provision.role_files import ferry_high_table, ferry_low_table
from ops.provision.toml_text import toml_text
from ops.roles.ferry_high import FerryHighFile
from ops.roles.ferry_low import FerryLowFile
from tests.support.machines import NOW_MS, MachineAuthority
from wire_formats.drop import list_drop
from wire_formats.lane_manifest import LaneGaps, ResendList, sign_resend_list
from wire_formats.settings_reader import load_settings

HIGH = MachineAuthority().machine("ferry_high", "ferry_high")
LIST = ResendList("inbound", (LaneGaps("interactive", NOW_MS, 7, (9, 12)),), NOW_MS)


def made(root: Path, *, one_way: bool) -> Layout:
    """An installation in which nothing runs: only its files, as set-up writes them."""
    layout, found = Layout(root / "var"), Installation(Ports(), transport="diode")
    for folder in layout.folders(()):
        folder.mkdir(parents=True, exist_ok=True)
    ports = {name: getattr(Ports(), name) for name in Ports.__dataclass_fields__}
    layout.installation.write_text(toml_text({"ports": ports, "transport": "diode"}), encoding="utf-8")
    for role, table in (("ferry_low", ferry_low_table(found)), ("ferry_high", ferry_high_table(found))):
        text = toml_text(table).replace('kind = "diode"', f'kind = "diode"\none_way = {str(one_way).lower()}')
        layout.settings(role).write_text(text, encoding="utf-8")
    return layout


def ferry(layout: Layout, *words: str) -> int:
    return main(["ferry", "resend-list", "--root", str(layout.root), *words])


def test_a_list_is_written_carried_and_applied(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    layout, carried = made(tmp_path, one_way=True), tmp_path / "stick" / "list"
    carried.parent.mkdir()
    high = load_settings(FerryHighFile, layout.settings("ferry_high")).ferry
    high.status.parent.mkdir(parents=True, exist_ok=True)
    high.status.with_name("resend-list.bin").write_bytes(sign_resend_list(LIST, HIGH))
    assert ferry(layout, "write", str(carried)) == 0
    told = capsys.readouterr().out
    assert "2 bundles missing" in told
    assert "everything arrived up to 7: missing 9, 12" in told
    assert ferry(layout, "apply", str(carried)) == 0
    low = load_settings(FerryLowFile, layout.settings("ferry_low")).ferry
    names, strange = list_drop(low.status.with_name("resend-lists"), most=10)
    assert ([name.epoch for name in names], strange) == ([NOW_MS], [])


def test_nothing_to_carry_no_list_and_a_way_back_are_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    layout, other = made(tmp_path, one_way=True), tmp_path / "other"
    other.write_bytes(b"no list")
    for words, why in (
        (("write", str(other)), "nothing has arrived"),
        (("apply", str(other)), "no resend list"),
        (("apply", str(tmp_path / "gone")), "No such file"),
    ):
        assert ferry(layout, *words) == 2
        assert why in capsys.readouterr().err
    both_ways = made(tmp_path, one_way=False)
    assert ferry(both_ways, "write", str(other)) == 2
    assert "there is a way back" in capsys.readouterr().err
