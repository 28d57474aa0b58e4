"""The hall as a worker builds it, its routes, and the firewall's allow-list made from them."""

from __future__ import annotations

import asyncio

import pytest

from dmz.hall.hall_app import HANDLERS, build_hall
from dmz.hall.hall_settings import HallSettings
from dmz.hall.markup.reference_place import place_of, reference_at
from dmz.hall.route_table import ROUTES, WINDOWS
from dmz.hall.router import Router, path_pattern
from dmz.messages import HallRequest
from dmz.waf.hall_routes import hall_route_table, hall_rules
from dmz.waf.routes import STATIC_ROUTE
from tests.support.hall_backend import CountedBytes, MemoryBackend, StillClock
from wire_formats.catalogue import SERVICES, Page
from wire_formats.errors import Bug, Kind, Refused
from wire_formats.ids import reference_number


def test_the_hall_is_built_with_what_a_worker_has() -> None:
    clock, randomness = StillClock(), CountedBytes()
    handler = build_hall(
        MemoryBackend(clock, randomness), lambda name: f"/x/{name}", HallSettings(), clock=clock, randomness=randomness
    )

    async def ask() -> tuple[int, bytes]:
        answer = await handler(HallRequest("GET", "site", "/", request_id="0" * 32))
        return answer.status, answer.body

    status, body = asyncio.run(ask())
    assert status == 200 and b'href="/x/hall.css"' in body


@pytest.mark.parametrize(
    "settings", [{"unit_url": "http://a:1"}, {"site_url": "https://a/"}, {"refresh_s": 0}, {"late_notice_s": 19}]
)
def test_settings_that_cannot_be_right_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(Bug):
        HallSettings(**settings)  # type: ignore[arg-type]


def test_every_route_has_a_handler_and_every_handler_a_route() -> None:
    assert {route.handler for route in ROUTES} == set(HANDLERS)


def test_no_two_routes_claim_the_same() -> None:
    claims = [(window, route.method, route.path) for route in ROUTES for window in route.windows]
    assert len(claims) == len(set(claims))


def test_every_declared_service_can_be_reached_where_it_is_declared() -> None:
    for code, service in SERVICES.items():
        if service.page is Page.OWN:
            continue
        found = {(r.windows, r.method) for r in ROUTES if r.service == code}
        assert found == {(service.windows, "GET"), (service.windows, "POST")}, code


def test_every_form_of_a_session_carries_its_token() -> None:
    for route in ROUTES:
        if route.method == "POST" and route.signed_in:
            assert any(param.name == "csrf" for param in route.form), route.path
        if route.method == "GET":
            assert not route.form and not route.uploads


def test_secrets_are_never_in_addresses() -> None:
    assert not [param.name for route in ROUTES for param in route.query if param.secret]


def test_the_firewall_allows_exactly_the_halls_routes() -> None:
    ours = {(w, r.method, r.path) for r in ROUTES for w in r.windows}
    static = {(w, STATIC_ROUTE.method, STATIC_ROUTE.path) for w in STATIC_ROUTE.windows}
    table = hall_route_table()
    allowed = {(w, r.method, r.path) for (w, _), found in table.exact.items() for r in found.values()}
    allowed |= {(w, r.method, r.path) for w, found in table.shaped.items() for r in found}
    assert allowed == ours | static
    rules = hall_rules(ROUTES, SERVICES)
    for route, rule in zip(ROUTES, rules, strict=True):
        assert [p.name for p in route.form] == [p.name for p in rule.form]
        assert [p.name for p in route.query] == [p.name for p in rule.query]
        assert route.uploads == rule.uploads


def test_the_firewall_finds_the_rule_the_router_finds() -> None:
    table, router = hall_route_table(), Router()
    for route in ROUTES:
        path = route.path.replace("{id}", "0f" * 16)
        for window in route.windows:
            assert router.find(window, route.method, path).route is route
            rule = table.methods(window, path)[route.method]
            assert {p.name for p in rule.form} == {p.name for p in route.form}, path


@pytest.mark.parametrize("path", ["", "/r/", "/r/xyz", "/r/" + "0" * 33, "/s/", "/s/nothing", "//", "/R/" + "0" * 32])
def test_what_is_no_page_is_not_found(path: str) -> None:
    for window in WINDOWS:
        with pytest.raises(Refused) as refused:
            Router().find(window, "GET", path)
        assert refused.value.kind is Kind.NOT_FOUND


def test_places_are_matched_whole() -> None:
    route = next(r for r in ROUTES if r.path == "/r/{id}")
    assert path_pattern(route) == "/r/(?P<id>[0-9a-f]{32})"
    with pytest.raises(Refused):
        Router().find("unit", "GET", f"/r/{'0' * 32}\n")


def test_reference_numbers_and_their_places() -> None:
    for identifier in (b"\x00" * 16, b"\xff" * 16, bytes(range(16))):
        number = reference_number(identifier)
        assert reference_at(place_of(number)) == number
    assert place_of("nonsense") == ""
    for wrong in ("", "0" * 31, "0" * 34, "0" * 31 + "G", "A" * 32, "0 " * 16):
        with pytest.raises(Refused):
            reference_at(wrong)
