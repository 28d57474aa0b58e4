from __future__ import annotations

from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dmz.hall.route_table import ROUTES
from dmz.messages import HallRequest, Method, Upload, Window
from dmz.waf.hall_routes import hall_rules
from dmz.waf.routes import ParamRule, RouteRule, build_route_table
from dmz.waf.structure import Shape
from dmz.waf.verdict import Verdict
from tests.support.hall_firewall import hall_firewall
from tests.unit.dmz.waf.test_attacks import FORM, GOOD, form
from wire_formats.catalogue import SERVICES, Page
from wire_formats.checking import check_form
from wire_formats.errors import Kind
from wire_formats.fields import Choice

FIREWALL = hall_firewall()


def rule_of(request):
    return FIREWALL.check(request).rule


def test_every_route_of_the_hall_passes():
    for route in ROUTES:
        path = route.path.replace("{id}", "0" * 32)
        request = HallRequest(cast("Method", route.method), cast("Window", route.windows[0]), path)
        found = rule_of(request)
        assert found == "", (route.path, found)


def test_every_form_field_of_every_service_is_declared():
    table = FIREWALL.table
    for route in ROUTES:
        if not route.places:
            found = table.methods(route.windows[0], route.path)[route.method]
            assert set(found.form_by_name) == {param.name for param in route.form}
            assert set(found.query_by_name) == {param.name for param in route.query}
    for service in SERVICES.values():
        if service.page in (Page.OWN, Page.BATCH):
            continue
        path = f"/s/{service.code}"
        for window in service.windows:
            rule = table.methods(window, path)["POST"]
            assert {field.name for field in service.form_fields} <= set(rule.form_by_name)


@pytest.mark.parametrize(
    ("changed", "rule"),
    [
        ({"evil": "1"}, "param.unknown"),
        ({"id_number": "1" * 200}, "param.too_long"),
        ({"note": "x" * 801}, "param.too_long"),
        ({"name": "张\n三"}, "param.control_character"),
        ({"note": "a\x07b"}, "param.control_character"),
        ({"household": "11"}, "param.choice"),
        ({"action": "explode"}, "param.pattern"),
        ({"form_token": "short"}, "param.pattern"),
        ({"csrf": "x y"}, "param.pattern"),
        ({"wage": "<<<5000>>>"}, "param.signs"),
    ],
)
def test_what_no_form_sends_is_refused(changed, rule):
    verdict = FIREWALL.check(form(**changed))
    assert verdict.rule == rule and verdict.kind is Kind.FIREWALL
    assert verdict.field in ("", *changed)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("id_number", "110101199003070012"),
        ("id_number", "'110101199003070011"),
        ("id_number", "1101 0119 9003 0700 1X"),
        ("id_number", "１１０１０１１９９００３０７００１１"),
        ("id_number", ""),
        ("id_number", "忘记了"),
        ("wage", "五千元"),
        ("wage", "¥5,000.50（税前）"),
        ("wage", "5000;"),
        ("start_month", "2024年7月"),
        ("start_month", "2024/13"),
        ("name", "张三" * 30),
        ("name", "Anne-Marie D'Souza"),
        ("phone", "13800000000 / 13900000000"),
        ("note", "x" * 300),
        ("household", ""),
    ],
)
def test_honest_mistakes_reach_the_page_and_are_explained_there(name, text):
    assert FIREWALL.check(form(**{name: text})).allowed
    errors = check_form(SERVICES["employee.add"], GOOD | {name: text}).errors
    read_anyway = {"Anne-Marie D'Souza", "１１０１０１１９９００３０７００１１", "2024年7月"}
    assert (text in read_anyway) or errors


def test_twice_unexpected_bodies_types_uploads_and_cookies():
    doubled = HallRequest("POST", "unit", "/s/employee.add", form=(*GOOD.items(), ("name", "b")), headers=FORM)
    assert rule_of(doubled) == "param.twice"
    assert rule_of(HallRequest("GET", "unit", "/s/employee.add", form=(("a", "b"),))) == "body.unexpected"
    assert rule_of(HallRequest("POST", "unit", "/s/employee.add", form=tuple(GOOD.items()))) == "body.type"
    multipart = {"content-type": "multipart/form-data; boundary=b"}
    assert (
        rule_of(HallRequest("POST", "unit", "/s/employee.add", form=tuple(GOOD.items()), headers=multipart))
        == "body.type"
    )
    upload = Upload("other", "a.xlsx", "a/b", b"PK")
    assert (
        rule_of(HallRequest("POST", "unit", "/b/wage.batch", uploads=(upload,), headers=multipart)) == "upload.unknown"
    )
    large = Upload("workbook", "a.xlsx", "a/b", b"x" * (12 * 1024 * 1024 + 1))
    verdict = FIREWALL.check(HallRequest("POST", "unit", "/b/wage.batch", uploads=(large,), headers=multipart))
    assert (verdict.rule, verdict.kind) == ("upload.too_large", Kind.BODY_TOO_LARGE)
    assert rule_of(HallRequest("GET", "unit", "/", cookies=(("__Host-fg-unit", "<x>"),))) == "cookie.value"
    assert FIREWALL.check(
        HallRequest("GET", "unit", "/", cookies=(("other", "<x>"), ("__Host-fg-unit", "a_-9")))
    ).allowed


def test_windows_methods_and_queries():
    assert rule_of(HallRequest("GET", "community", "/s/employee.add")) == "route.unknown"
    assert FIREWALL.check(HallRequest("POST", "unit", "/sent")).kind is Kind.METHOD_NOT_ALLOWED
    assert FIREWALL.check(HallRequest("HEAD", "unit", "/login")).allowed
    assert rule_of(HallRequest("GET", "unit", "/sent", query=(("page", "2"),))) == ""
    assert rule_of(HallRequest("GET", "unit", "/sent", query=(("page", "2x"),))) == "param.pattern"
    assert rule_of(HallRequest("GET", "unit", "/sent", query=(("debug", "1"),))) == "param.unknown"


@pytest.mark.parametrize(
    ("path", "known"),
    [
        ("/static/hall.css", True),
        ("/static/hall.0123456789abcdef.css", True),
        ("/static/a/b.css", False),
        ("/static/.css", False),
        ("/static/..", False),
        ("/static/" + "a" * 300 + ".css", False),
    ],
)
def test_static_files(path, known):
    assert (rule_of(HallRequest("GET", "site", path)) == "") is known


def test_a_workbooks_service_has_no_form_of_its_own():
    assert rule_of(HallRequest("GET", "unit", "/b/wage.batch")) == ""
    assert rule_of(HallRequest("GET", "unit", "/s/wage.batch")) == "route.unknown"


def test_a_route_cannot_be_declared_twice():
    rule = RouteRule("GET", "/x", ("unit",))
    with pytest.raises(ValueError, match="two routes"):
        build_route_table([rule, rule])


def test_shapes_follow_the_declarations():
    rules = {rule.path: rule for rule in hall_rules(ROUTES, SERVICES) if rule.method == "POST"}
    shapes = {param.name: param.shape for param in rules["/s/employee.add"].form}
    assert shapes["note"] is Shape.FREE and shapes["wage"] is Shape.FORMED and shapes["csrf"] is Shape.EXACT
    for field in SERVICES["employee.add"].form_fields:
        if isinstance(field, Choice):
            assert shapes[field.name] is Shape.CLOSED
    assert {p.name: p.shape for p in rules["/login"].form}["password"] is Shape.HIDDEN
    assert {p.name: p.shape for p in rules["/password"].form}["new_password_again"] is Shape.HIDDEN
    assert ParamRule("a", 1).compiled is None


texts = st.text(max_size=60)
pairs = st.lists(st.tuples(st.one_of(st.sampled_from(sorted(GOOD)), texts), texts), max_size=6).map(tuple)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(["GET", "HEAD", "POST"]),
    st.sampled_from(["unit", "person", "site"]),
    st.one_of(st.sampled_from([route.path for route in ROUTES]), texts),
    pairs,
    pairs,
    st.dictionaries(st.sampled_from(["user-agent", "referer", "content-type"]), texts),
)
def test_any_request_gets_a_verdict(method, window, path, query, sent, headers):
    request = HallRequest(method, window, path, query=query, form=sent, headers=headers)
    verdict = FIREWALL.check(request)
    assert isinstance(verdict, Verdict)
    assert verdict.allowed is (verdict.stage is None) is (verdict.rule == "")
