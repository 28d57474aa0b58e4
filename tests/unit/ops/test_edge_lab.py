"""The edge to be measured: its settings file, its deny list, its routes."""

from __future__ import annotations

from pathlib import Path

import pytest

from dmz.edge.deny_table import restore_table
from dmz.messages import HallRequest, Upload
from dmz.waf.pipeline import WafPipeline
from dmz.waf.routes import build_route_table
from ops.edge_lab import LabFile, guard_of, snapshot
from ops.firewall_lab import HOSTILE, hold, hostile_request
from ops.lab_rules import LONGEST_TEXT, lab_routes
from perf.edge_bench.configs import Place, ferrygate
from tests.support.hall_firewall import hall_firewall
from wire_formats.deny_list import MAX_SERIALS
from wire_formats.settings_reader import SettingsError, read_settings


def test_the_bench_writes_a_file_that_the_lab_reads(tmp_path: Path) -> None:
    place = Place(tmp_path, tmp_path / "pki", 7002, 7003, tmp_path / "backend.sock", "nobody")
    text = ferrygate(place, tmp_path / "echo.sock", rules="own", denied=7)
    file = read_settings(LabFile, text, tmp_path / "edge.toml")
    assert (file.lab.rules, file.lab.denied) == ("own", 7)
    assert file.edge.unit_port == 7002
    assert file.edge.children == 1
    assert file.workers == {"one": str(tmp_path / "echo.sock")}


@pytest.mark.parametrize("count", [1, MAX_SERIALS, MAX_SERIALS + 1, 3 * MAX_SERIALS])
def test_a_deny_list_is_whole(count: int) -> None:
    table = restore_table(snapshot(count, 1_000))
    assert len(table) == count
    assert table.complete
    assert table.age_ms(3_000) == 2_000


def test_rules_that_are_not_there_are_refused() -> None:
    with pytest.raises(SettingsError, match="rules"):
        guard_of("/no/such/tree")


@pytest.mark.parametrize(
    "request_",
    [
        HallRequest("GET", "unit", "/browse", query=(("id", "11010119900101123X"), ("name", "王伟"))),
        HallRequest(
            "POST",
            "unit",
            "/form",
            form=(("field0", "基数调整，详见附件"), ("field19", "13800000000")),
            headers={"content-type": "application/x-www-form-urlencoded"},
        ),
        HallRequest(
            "POST",
            "unit",
            "/upload",
            form=(("field0", "王伟"),),
            uploads=(Upload("file", "wages.xlsx", "application/octet-stream", b"PK"),),
            headers={"content-type": "multipart/form-data; boundary=x"},
        ),
    ],
    ids=lambda request: request.path,
)
def test_honest_requests_pass_the_lab_s_routes(request_: HallRequest) -> None:
    assert WafPipeline(build_route_table(lab_routes()), hall_firewall().engine).check(request_).allowed


def test_the_firewall_alone_is_measured_on_texts_that_it_takes() -> None:
    """What the bench calls the worst is really judged: nothing is refused for its size before a rule has seen it."""
    pipeline = WafPipeline(build_route_table(lab_routes()), hall_firewall().engine, most_text=LONGEST_TEXT)
    for text in ("<x y=", "社保"):
        assert text in HOSTILE
        request = hostile_request(text, 1)
        longest, whole, allowed = hold(pipeline, request)
        assert 0 < longest <= whole
        assert allowed, pipeline.check(request)
