"""What `make bench-edge` computes and writes: ratios, verdicts, requests, configuration files."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from perf.edge_bench import candidates, configs, crs, requests
from perf.edge_bench.candidates import OURS
from perf.edge_bench.configs import Place
from perf.edge_bench.targets import CPU_TARGETS, Sample, p50_p99, ratios, show_part, verdict


def _place(folder: Path) -> Place:
    return Place(folder, folder / "pki", 7002, 7003, folder / "backend.sock", "nobody")


def test_a_ratio_is_of_one_round() -> None:
    peer = [Sample(2.0, 1), Sample(9.0, 1)]
    ours = [Sample(1.0, 1), Sample(3.0, 1)]
    assert ratios(peer, ours) == [2.0, 3.0]


@pytest.mark.parametrize(
    ("value", "bounds", "word"),
    [
        (1.3, {"at_least": 1.3}, "holds"),
        (1.29, {"at_least": 1.3}, "MISSES"),
        (0.0, {"at_most": 0.0}, "holds"),
        (1.0, {"at_most": 0.0}, "MISSES"),
        (1.0, {}, "no target"),
    ],
)
def test_verdict(value: float, bounds: dict[str, float], word: str) -> None:
    assert verdict(value, **bounds).endswith(word)


def test_nothing_answered_is_no_latency_at_all() -> None:
    assert p50_p99([]) == (math.inf, math.inf)
    assert p50_p99([float(n) for n in range(1, 101)]) == (50.0, 99.0)


def test_every_target_is_about_a_candidate_that_can_be_started() -> None:
    assert {peer for _, peer in CPU_TARGETS} <= set(candidates.STARTERS)


def test_a_part_is_shown_with_the_median_ratio(capsys: pytest.CaptureFixture[str]) -> None:
    ours = [Sample(10e-6, 100)] * 3
    peer = [Sample(10e-6, 100), Sample(12e-6, 100), Sample(99e-6, 100, odd=2)]
    show_part("small request", OURS, {"nginx": peer, OURS: ours})
    shown = capsys.readouterr().out
    assert "12.0 us of processor (10.0-99.0)" in shown
    assert "2 answers not 200" in shown
    assert "x1.20  target >= 1.1, holds" in shown


def test_a_part_without_ours_shows_no_ratio(capsys: pytest.CaptureFixture[str]) -> None:
    show_part("small request", OURS, {"nginx": [Sample(10e-6, 100)]})
    assert "/ ours" not in capsys.readouterr().out


@pytest.mark.parametrize(
    "make", [requests.small, requests.browsing, requests.minimal, requests.forms, requests.uploads]
)
def test_requests_differ_and_announce_their_length(make: object) -> None:
    assert callable(make)
    made = make(7002, 20)
    assert len(set(made)) == 20
    for request in made:
        head, _, body = request.partition(b"\r\n\r\n")
        announced = [line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
        assert sum(int(line.split(b":")[1]) for line in announced) == len(body)
        assert b"\r\nHost: localhost:7002\r\n" in head


def test_a_small_request_has_seven_headers() -> None:
    head = requests.small(7002, 1)[0].partition(b"\r\n\r\n")[0]
    assert len(head.split(b"\r\n")) == 1 + 7


def test_a_hostile_field_is_as_long_as_asked() -> None:
    body = requests.hostile(7002, 2_048)[0].partition(b"\r\n\r\n")[2]
    assert body.count(b"%24%28") == 1_024


def test_nginx_checks_revocation_and_rules_only_when_asked(tmp_path: Path) -> None:
    plain = configs.nginx(_place(tmp_path))
    assert "ssl_verify_client on" in plain
    assert "ssl_crl" not in plain
    assert "modsecurity" not in plain
    assert f"ssl_crl {tmp_path}/revoked.pem;" in configs.nginx(_place(tmp_path), revoked=tmp_path / "revoked.pem")
    guarded = configs.nginx(_place(tmp_path), rules=tmp_path / "rules.conf")
    assert f"modsecurity_rules_file {tmp_path}/rules.conf;" in guarded
    assert guarded.startswith("load_module ")


def test_peers_demand_the_certificate_and_name_the_client(tmp_path: Path) -> None:
    place = _place(tmp_path)
    for text in (configs.nginx(place), configs.haproxy(place), configs.apache(place, rules=tmp_path / "rules.conf")):
        assert "X-Client-DN" in text
        assert f"127.0.0.1:{place.port}" in text
        assert f"{tmp_path}/backend.sock" in text


def test_a_rule_set_needs_rules_and_a_set_up_file(tmp_path: Path) -> None:
    with pytest.raises(crs.NoRulesError, match="apt-get install modsecurity-crs"):
        crs.main_file(tmp_path, tmp_path)
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "one.conf").touch()
    (tmp_path / "crs-setup.conf.example").write_text("# OWASP CRS ver.4.29.0-dev\n", encoding="utf-8")
    text = crs.main_file(tmp_path, tmp_path / "work")
    assert f"Include {tmp_path}/crs-setup.conf.example\nInclude {tmp_path}/rules/*.conf\n" in text
    assert f"SecTmpDir {tmp_path}/work\n" in text
    assert crs.version_of(tmp_path) == "4.29.0-dev"
