"""Targets, form bodies, cookies: canonical values or a refusal, for any bytes."""

from __future__ import annotations

from urllib.parse import quote, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dmz.edge.body_forms import FormLimits, parse_content_type, parse_urlencoded
from dmz.edge.body_multipart import boundary_of, parse_multipart
from dmz.edge.refusals import Reason, RefusalError
from dmz.edge.request_builder import parse_body, parse_cookies
from dmz.edge.target import parse_host, parse_target
from tests.support.bad_requests import FIELD, FILE, MULTIPART_BODIES, TARGETS, URLENCODED_BODIES, part

LIMITS = FormLimits(fields=8, field_bytes=1_024, uploads=2, upload_bytes=1_024)
TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=20)


def reason_of(parse, *arguments):
    with pytest.raises(RefusalError) as caught:
        parse(*arguments)
    return caught.value.reason


@pytest.mark.parametrize(("raw", "reason"), TARGETS)
def test_refused_targets(raw, reason):
    assert reason_of(parse_target, raw) is reason


def test_good_targets():
    target = parse_target(b"/%E5%8D%95%E4%BD%8D/a.b?q=%E4%BD%A0+x&q=2&flag")
    assert target == ("/单位/a.b", (("q", "你 x"), ("q", "2"), ("flag", "")), None)
    assert parse_target(b"HTTP://Host:80?x=1") == ("/", (("x", "1"),), "host:80")
    assert parse_host("[::1]:8443") == ("[::1]", 8443)


@settings(max_examples=500, deadline=None)
@given(
    st.binary(max_size=60)
    | st.lists(st.sampled_from([b"/", b".", b"%2e", b"%", b"a", b"%2f", b"?", b"=", b"&", b";"])).map(b"".join)
)
def test_any_target_is_canonical_or_refused(raw):
    try:
        path, query, _ = parse_target(raw)
    except RefusalError:
        return
    assert path.startswith("/")
    assert not {".", ".."} & set(path.split("/"))
    assert "//" not in path
    assert parse_target(quote(path).encode()).path == path
    assert all(name for name, _ in query)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(TEXT.filter(lambda t: t and t.isprintable()), TEXT), min_size=1, max_size=8))
def test_urlencoded_round_trip(pairs):
    assert parse_urlencoded(urlencode(pairs).encode(), LIMITS) == tuple(pairs)


@pytest.mark.parametrize(("body", "reason"), URLENCODED_BODIES)
def test_refused_urlencoded(body, reason):
    assert reason_of(parse_urlencoded, body, LIMITS) is reason


@pytest.mark.parametrize(("body", "reason"), MULTIPART_BODIES)
def test_refused_multipart(body, reason):
    assert reason_of(parse_multipart, body, b"b", LIMITS) is reason


def test_an_empty_file_field_is_no_upload():
    empty = part('form-data; name="f"; filename=""', b"", "Content-Type: application/octet-stream")
    form = parse_multipart(part(FIELD, b"") + empty + b"--b--\r\n", b"b", LIMITS)
    assert (form.fields, form.uploads) == ((("a", ""),), ())


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abcd"), TEXT), max_size=8), st.binary(max_size=200))
def test_multipart_round_trip(pairs, data):
    if b"\r\n--b" in b"\r\n" + data:
        return
    body = b"".join(part(f'form-data; name="{name}"', value.encode()) for name, value in pairs)
    if any("\r\n--b" in "\r\n" + value for _, value in pairs):
        return
    form = parse_multipart(body + part(FILE, data, "Content-Type: image/png") + b"--b--", b"b", LIMITS)
    assert form.fields == tuple(pairs)
    assert [(u.name, u.filename, u.content_type, u.data) for u in form.uploads] == [("f", "x.png", "image/png", data)]


@settings(max_examples=500, deadline=None)
@given(
    st.sampled_from(["application/x-www-form-urlencoded", "multipart/form-data; boundary=b"]) | st.text(max_size=40),
    st.binary(max_size=120)
    | st.lists(
        st.sampled_from(
            [b"--b", b"\r\n", b"--", b'Content-Disposition: form-data; name="a"', b"x", b"\r\n\r\n", b"a=%41&"]
        )
    ).map(b"".join),
)
def test_any_body_gives_values_or_a_refusal(content_type, body):
    try:
        form = parse_body(content_type, body, LIMITS)
    except RefusalError:
        return
    assert len(form.fields) <= 8


@pytest.mark.parametrize(
    "value",
    [
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=" + "a" * 71,
        "multipart/form-data; boundary=a; boundary=b",
        'multipart/form-data; boundary="a b "',
        "multipart/form-data; boundary=a; charset=gbk",
        "multipart/form-data; boundary=a; x=y",
        "multipart/form-data, text/plain; boundary=a",
        "multipart/form-data; boundary=é",
    ],
)
def test_refused_boundaries(value):
    with pytest.raises(RefusalError):
        boundary_of(parse_content_type(value).parameters)


@pytest.mark.parametrize(
    "value", ["application/json", "text/plain", "application/x-www-form-urlencoded; charset=gbk", ""]
)
def test_refused_content_types(value):
    assert reason_of(parse_body, value, b"a=1", LIMITS) is Reason.CONTENT_TYPE


def test_cookies():
    own = (("lang", "en"), ("__Host-fg-unit", "x"))
    assert parse_cookies('lang=en; __Host-fg-unit="x"') == own
    many = "; ".join(f"a{i}=1" for i in range(200))
    for foreign in ("a", "a=1", "a=\\", "a=b,c", "=x", 'p={"b": 1}', "", "lang", "x__Host-fg-unit=y", many):
        assert parse_cookies(f"{foreign}; lang=en; {foreign}; __Host-fg-unit=x; {foreign}") == own
    assert parse_cookies("__Host-fg-unit=x; __Host-fg-unit=y") == (("__Host-fg-unit", "x"),), "the nearest path's"
    assert len(parse_cookies("; ".join(f"__Host-fg-{i}=1" for i in range(99)))) == 16


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60))
def test_any_cookie_and_content_type(value):
    for parse in (parse_cookies, parse_content_type, parse_host):
        try:
            parse(value)
        except RefusalError:
            continue
