"""Which ends a half gets: by the kind of transport, and none where there is no way."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from ferry.settings import DIODE, DIRECTORY, TransportSettings
from ferry.transports.closed import ClosedEnd
from ferry.transports.diode.inlet import DiodeInlet
from ferry.transports.diode.outlet import DiodeOutlet
from ferry.transports.directory import DirectoryInlet, DirectoryOutlet
from ferry.transports.ends import Ends, build_ends
from tests.support.diode_kit import Draws, StillReactor, diode_settings
from tests.support.ferry_kit import NoWatch, low_settings
from wire_formats.drop import DropName
from wire_formats.errors import Unavailable


def ends(root: Path, kind: str, sends: str, *, one_way: bool) -> Ends:
    transport = TransportSettings(kind, diode_settings(root / "key"), one_way)
    return build_ends(
        replace(low_settings(root), transport=transport), sends, reactor=StillReactor(), randomness=Draws(),
        watch=NoWatch(), registry=CollectorRegistry(),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "inlet", "outlet"), [(DIRECTORY, DirectoryInlet, DirectoryOutlet), (DIODE, DiodeInlet, DiodeOutlet)]
)
def test_both_ways_and_one(tmp_path: Path, kind: str, inlet: Any, outlet: Any) -> None:
    both = ends(tmp_path, kind, "inbound", one_way=False)
    assert (type(both.inlet), type(both.outlet)) == (inlet, outlet)
    low, high = (ends(tmp_path, kind, sends, one_way=True) for sends in ("inbound", "outbound"))
    assert (type(low.inlet), type(low.outlet)) == (ClosedEnd, outlet)
    assert (type(high.inlet), type(high.outlet)) == (inlet, ClosedEnd)


def test_a_diode_needs_its_table() -> None:
    with pytest.raises(ValueError, match=r"transport\.diode"):
        TransportSettings(DIODE)


def test_a_closed_end_takes_and_gives_nothing() -> None:
    end = ClosedEnd()
    end.prepare()
    with pytest.raises(Unavailable):
        end.put("bulk", DropName(1, 1, "ferry_low"), b"x")
    assert end.waiting("bulk", most=5).names == []
    with pytest.raises(FileNotFoundError):
        end.read("bulk", DropName(1, 1, "ferry_low"), limit=5)
    assert end.remove("bulk", "x")
    assert end.depth("bulk") == 0
    assert DropName(1, 1, "ferry_low") not in end.carrying("bulk")
    end.watch("bulk", lambda: None)()
    assert end.report().kind == "none"
    end.close()
