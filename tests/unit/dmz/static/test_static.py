from __future__ import annotations

import gzip
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from dmz.messages import HallRequest
from dmz.static.assets import MAX_FILE_BYTES, AssetError, load_assets
from dmz.static.handler import LASTING, PASSING, StaticHandler, accepts_gzip, render_error
from dmz.static.metrics import StaticMetrics
from dmz.static.service import build_static
from dmz.static.settings import StaticSettings
from dmz.switch.content_switch import build_switch
from dmz.switch.settings import SwitchSettings
from dmz.switch.worker_health import HealthState
from tests.support.authority import OsRandomness
from tests.support.hall_firewall import hall_firewall
from wire_formats.errors import Bug, Kind
from wire_formats.settings_reader import read_settings

CSS = b"body { color: #123456; }\n" * 100


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "hall.css").write_bytes(CSS)
    (tmp_path / "mark.png").write_bytes(bytes(range(256)) * 4)
    (tmp_path / "below").mkdir()
    return tmp_path


def ask(assets, path, method="GET", **headers):
    registry = CollectorRegistry()
    handler = StaticHandler(assets, StaticMetrics(registry))
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    results: list[Any] = []
    Deferred.fromCoroutine(handler(HallRequest(method, "site", path, headers=named))).addCallback(results.append)
    response = results[0]
    count = registry.get_sample_value("dmz_static_answers_total", {"status": str(response.status)})
    assert count == 1
    return response, dict(response.headers)


def test_hashed_and_plain_addresses(folder):
    assets = load_assets(folder)
    url = assets.url("hall.css")
    assert url.startswith("/static/hall.") and url.endswith(".css") and len(url) == len("/static/hall.css") + 17
    response, headers = ask(assets, url)
    assert (response.status, response.body, headers["Cache-Control"]) == (200, CSS, LASTING)
    assert headers["Content-Type"] == "text/css; charset=utf-8"
    assert ask(assets, "/static/hall.css")[1]["Cache-Control"] == PASSING
    (folder / "hall.css").write_bytes(CSS + b"/* new */")
    assert load_assets(folder).url("hall.css") != url
    assert ask(load_assets(folder), url)[0].status == 404


def test_compression_and_validators(folder):
    assets = load_assets(folder)
    response, headers = ask(assets, "/static/hall.css", accept_encoding="br, gzip;q=0.8")
    assert headers["Content-Encoding"] == "gzip" and gzip.decompress(response.body) == CSS
    assert headers["Vary"] == "Accept-Encoding"
    packed_tag, plain_tag = headers["ETag"], ask(assets, "/static/hall.css")[1]["ETag"]
    assert packed_tag != plain_tag
    again, headers = ask(assets, "/static/hall.css", if_none_match=f'"x", W/{plain_tag}')
    assert (again.status, again.body) == (304, b"") and "Content-Encoding" not in headers
    assert ask(assets, "/static/hall.css", if_none_match=plain_tag, accept_encoding="gzip")[0].status == 200
    picture, headers = ask(assets, "/static/mark.png", accept_encoding="gzip")
    assert picture.body == bytes(range(256)) * 4 and "Vary" not in headers


def test_other_methods_and_paths(folder):
    assets = load_assets(folder)
    assert ask(assets, "/static/hall.css", "HEAD")[0].status == 200
    assert ask(assets, "/static/hall.css", "POST")[0].status == 405
    for path in ("/static/", "/static/below", "/static/../hall.css", "/etc/passwd", "/static//hall.css", "hall.cs"):
        assert ask(assets, path)[0].status == 404, path


@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=60))
def test_any_request_is_answered_from_the_map(path, validators, codings):
    assets = load_assets()
    response, _ = ask(assets, "/static/" + path, if_none_match=validators, accept_encoding=codings)
    assert response.status in (200, 304, 404)
    accepts_gzip(codings)


@pytest.mark.parametrize(
    ("field", "accepted"),
    [
        ("gzip", True),
        ("", False),
        ("gzip;q=0", False),
        ("gzip; q=0.000", False),
        ("*", True),
        ("br", False),
        ("GZIP", True),
    ],
)
def test_accept_encoding(field, accepted):
    assert accepts_gzip(field) is accepted


def test_what_cannot_be_served_is_refused_at_start(tmp_path):
    with pytest.raises(AssetError, match="known: "):
        load_assets(tmp_path).url("missing.css")
    for name in ("page.html", "no_suffix", "a.b.css", "名.css", ".css"):
        path = tmp_path / name
        path.write_bytes(b"x")
        with pytest.raises(AssetError, match="cannot be served"):
            load_assets(tmp_path)
        path.unlink()
    (tmp_path / "large.css").write_bytes(b"x" * (MAX_FILE_BYTES + 1))
    with pytest.raises(AssetError, match="larger"):
        load_assets(tmp_path)


def test_shipped_files_pass_the_firewall():
    assets, firewall = load_assets(), hall_firewall()
    for name in ("hall.css", "mark.svg"):
        for path in (assets.url(name), f"/static/{name}"):
            assert firewall.check(HallRequest("GET", "person", path)).allowed
            assert firewall.check_answer(
                HallRequest("GET", "unit", path), ask(assets, path, accept_encoding="gzip")[0]
            ).allowed
    assert render_error(HallRequest("GET", "site", "/static/x"), Bug(Kind.BUG)).status == 500


def test_settings_are_read():
    settings = read_settings(
        StaticSettings, 'socket = "run/static.sock"\n[port]\nin_flight = 7\n', Path("/x/static.toml")
    )
    assert settings.port.in_flight == 7 and settings.socket == Path("/x/run/static.sock")


class OverTheSocket(TestCase):
    timeout = 170

    async def test_through_the_switch(self):
        from twisted.internet.task import deferLater

        from tests.support.real_reactor import reactor

        with tempfile.TemporaryDirectory() as name:
            path = Path(name) / "static.sock"
            port = build_static(StaticSettings(path), reactor=reactor, registry=CollectorRegistry())
            port.listen(path)
            switch = build_switch(
                {"workers": {"w": Path(name) / "none"}, "static": {"static": path}},
                reactor=reactor,
                settings=SwitchSettings(),
                registry=CollectorRegistry(),
                randomness=OsRandomness(),
            )
            switch.start()
            while switch._static.states()["static"] is not HealthState.UP:
                await deferLater(reactor, 0.01, lambda: None)
            response = await switch(HallRequest("GET", "unit", load_assets().url("hall.css")))
            assert response.status == 200
            await switch.stop()
            await port.drain()
