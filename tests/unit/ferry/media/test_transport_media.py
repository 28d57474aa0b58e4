"""What the media outlet keeps for the next medium, and what it lets go."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ferry.media.collecting import Collection
from ferry.transports.media import MediaOutlet
from tests.support.media_kit import MediaKit, bundle_name
from wire_formats.drop import DropName
from wire_formats.errors import Unavailable


@pytest.fixture
def kit(tmp_path: Path) -> Iterator[MediaKit]:
    made = MediaKit(tmp_path)
    yield made
    made.close()


def control(kit: MediaKit) -> set[str]:
    return {path.name for path in (kit.low.folders.out / "control").glob("*.notice")}


def test_only_the_newest_control_message_of_a_slot_waits(kit: MediaKit) -> None:
    outlet = kit.outlet(kit.low)
    for turn in range(5):
        for slot in (0, 2):
            outlet.put("control", DropName(0, (slot << 8) + turn, "ferry_low", "notice"), b"x")
    assert control(kit) == {str(DropName(0, (slot << 8) + 4, "ferry_low", "notice")) for slot in (0, 2)}
    outlet.close()


def test_the_newest_notices_wait_and_messages_beside_them(kit: MediaKit) -> None:
    outlet = kit.outlet(kit.low)
    outlet.put("control", DropName(0, 1, "ferry_low", "notice"), b"x")
    for number in range(1, 601):
        outlet.put("control", DropName(1000 + number, number, "deny-list", "notice"), b"x")
    names = control(kit)
    assert len(names) == 513
    assert str(DropName(0, 1, "ferry_low", "notice")) in names
    assert str(DropName(1600, 600, "deny-list", "notice")) in names
    assert str(DropName(1001, 1, "deny-list", "notice")) not in names
    outlet.close()


def test_a_full_lane_refuses_and_an_export_makes_room(tmp_path: Path) -> None:
    kit = MediaKit(tmp_path, most_files=3)
    outlet = kit.outlet(kit.low)
    for number in (1, 2, 3):
        outlet.put("bulk", bundle_name(number), b"x")
    with pytest.raises(Unavailable, match="export one"):
        outlet.put("bulk", bundle_name(4), b"x")
    outlet.put("interactive", bundle_name(1), b"lanes have bounds of their own")
    assert outlet.report().figures == {"waiting": 4, "under_way": 0}
    kit.export()
    outlet.put("bulk", bundle_name(4), b"x")
    outlet.close()
    kit.close()


def test_too_many_bytes_are_refused(tmp_path: Path) -> None:
    kit = MediaKit(tmp_path, most_bytes=100)
    outlet = kit.outlet(kit.low)
    outlet.put("bulk", bundle_name(1), bytes(60))
    with pytest.raises(Unavailable):
        outlet.put("bulk", bundle_name(2), bytes(60))
    outlet.put("bulk", bundle_name(3), bytes(40))
    outlet.close()
    kit.close()


def test_a_new_run_begins_with_an_empty_collection_of_bundles(kit: MediaKit) -> None:
    outlet = kit.outlet(kit.low)
    outlet.put("bulk", bundle_name(1), b"x")
    outlet.put("control", DropName(0, 1, "ferry_low", "notice"), b"x")
    outlet.close()
    again = MediaOutlet(kit.low.folders.root, **kit.limits)
    again.prepare()
    assert Collection(kit.low.folders).waiting().files == 1, "the spool gives bundles again, under new numbers"
    again.close()
    again.close()


def test_an_outlet_tells_what_is_under_way(kit: MediaKit) -> None:
    outlet = kit.outlet(kit.low)
    outlet.put("bulk", bundle_name(1), b"x")
    kit.export()
    outlet.carrying("bulk")
    report = outlet.report()
    assert (report.kind, report.figures) == ("media", {"waiting": 0, "under_way": 1})
    assert report.lanes["bulk"] == {"files": 0, "bytes": 0}
    outlet.close()
