"""The media clerk's settings and walls: the half's keys for media and the named places, and nothing else of the machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops.layout import Installation, Layout, Ports
from ops.provision.role_files import ferry_high_table, ferry_media_table
from ops.provision.toml_text import Value, toml_text
from ops.roles import ferry_media
from ops.units.service_unit import visible
from wire_formats.settings_reader import SettingsError

FOUND = Installation(ports=Ports())


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    made = Layout(tmp_path / "var")
    for folder in made.folders(("worker-1",)):
        folder.mkdir(parents=True)
    made.settings("ferry_high").write_text(toml_text(ferry_high_table(FOUND)))
    made.settings("ferry_media").write_text(toml_text(ferry_media_table(FOUND)))
    return made


def test_it_reaches_its_half_and_the_places_of_media_only(layout: Layout, tmp_path: Path) -> None:
    walls = ferry_media.load(layout.settings("ferry_media")).walls
    assert walls is not None
    half = layout.ferry_high
    assert set(walls.read) == {half / "keys", half / "trust"}
    assert set(walls.write) == {half / "media", half / "state"}
    assert not walls.ports
    for place in (layout.gap, layout.core / "inbox", layout.ferry_inspector / "keys", half / "acts", half / "spool"):
        for kept in (*walls.read, *walls.write):
            assert kept != place
            assert kept not in place.parents
    assert visible("ferry_media") == ("ferry_high",)
    mounts = tmp_path / "mounts"
    mounts.mkdir()
    table: dict[str, Value] = {
        **ferry_media_table(FOUND),
        "clerk": {"half": "ferry_high.toml", "places": (str(mounts / "usb"), "/no/a")},
    }
    layout.settings("ferry_media").write_text(toml_text(table))
    walls = ferry_media.load(layout.settings("ferry_media")).walls
    assert walls is not None
    assert mounts in walls.write
    assert Path("/no") not in walls.write, "what is not there stays closed"


def test_settings_that_cannot_be_used_are_refused(layout: Layout) -> None:
    table: dict[str, Value] = {**ferry_media_table(FOUND), "clerk": {"half": "core.toml"}}
    layout.settings("ferry_media").write_text(toml_text(table))
    with pytest.raises(SettingsError, match=r"must name ferry_low.toml or ferry_high.toml"):
        ferry_media.load(layout.settings("ferry_media"))
