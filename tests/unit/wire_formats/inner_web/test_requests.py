"""Forms, statuses, languages and addresses of the inner web servers."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire_formats.errors import HallError, Kind, PeerError, Refused
from wire_formats.inner_web import language
from wire_formats.inner_web.listening import check_listen
from wire_formats.inner_web.replies import status_of
from wire_formats.inner_web.requests import (
    WebRequest,
    check_made_here,
    form_fields,
    is_lines,
    method_of,
    parse_fields,
    target_of,
)


@given(
    st.dictionaries(
        st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=5),
        st.text(st.characters(categories=["L", "N", "P"]), max_size=20),
        max_size=10,
    )
)
def test_forms_come_back_as_they_were_sent(fields: dict[str, str]) -> None:
    assert parse_fields(urlencode(fields).encode(), most=10) == fields


@given(st.binary(max_size=60))
def test_any_bytes_are_a_form_or_refused(data: bytes) -> None:
    try:
        parse_fields(data, most=30)
    except PeerError as error:
        assert error.kind is Kind.BAD_HTTP


@pytest.mark.parametrize("data", [b"a=1&a=2", b"a=%ff", b"a", b"a=1&b=2&c=3", b"a=%00", b"a=x%0ay", b"\xff=1"])
def test_what_is_no_form_is_refused(data: bytes) -> None:
    with pytest.raises(PeerError):
        parse_fields(data, most=2)


def test_lines_are_taken_where_they_are_wanted() -> None:
    assert parse_fields(b"a=x%0d%0ay%09", most=2, is_text=is_lines) == {"a": "x\r\ny\t"}
    with pytest.raises(PeerError):
        parse_fields(b"a=x%0cy", most=2, is_text=is_lines)


def request(*, method: str = "POST", target: bytes = b"/", headers: dict[str, str] | None = None) -> WebRequest:
    named = {name.replace("_", "-").encode(): value.encode() for name, value in (headers or {}).items()}
    return WebRequest(method=method, target=target, headers=named)


@pytest.mark.parametrize(
    "headers",
    [
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"origin": "https://evil.example", "host": "inside:7443"},
        {"origin": "http://inside:7443", "host": "inside:7443"},
        {"origin": "null", "host": "inside:7443"},
        {"origin": "https://inside:7443"},
    ],
)
def test_a_form_that_another_site_made_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(Refused) as refused:
        check_made_here(request(headers=headers))
    assert refused.value.kind is Kind.CSRF_MISMATCH


def test_a_form_of_our_own_is_taken() -> None:
    check_made_here(request())
    check_made_here(
        request(headers={"sec_fetch_site": "same-origin", "origin": "https://inside:7443", "host": "inside:7443"})
    )


def test_only_a_form_is_read_as_one() -> None:
    with pytest.raises(PeerError):
        form_fields(request(headers={"content_type": "text/plain"}), most=3)


@pytest.mark.parametrize("uri", [b"http://x/", b"/%2e", b"/\xff", b"*", b"/?" + b"x" * 99])
def test_addresses_of_another_form_are_refused(uri: bytes) -> None:
    with pytest.raises(PeerError):
        target_of(request(target=uri), most=99)


def test_methods_and_targets() -> None:
    assert target_of(request(target=b"/a/b?c=%20&d"), most=99) == ("/a/b", b"c=%20&d")
    assert [method_of(request(method=method)) for method in ("GET", "POST")] == ["GET", "POST"]
    for method in ("PUT", "HEAD", "\xff"):
        with pytest.raises(HallError):
            method_of(request(method=method))


def test_statuses() -> None:
    kinds = (Kind.NOT_FOUND, Kind.OTHER_PERSON, Kind.BAD_HTTP, Kind.BUSY, Kind.BUG)
    assert [status_of(kind) for kind in kinds] == [404, 403, 400, 503, 500]
    assert {status_of(kind) // 100 for kind in Kind} <= {4, 5}


def test_languages() -> None:
    assert language.choose("en", "zh") == "en"
    assert language.choose("xx", "fr, en;q=0.5") == "en"
    assert language.choose("", "") == "zh-CN"
    assert language.choose("", ";;;,q=,") == "zh-CN"
    assert {language.other("en"), language.other("zh-CN")} == {"en", "zh-CN"}


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "8.8.8.8", "2606:4700::1"])
def test_addresses_that_the_internet_reaches_are_bound_only_when_that_is_said(address: str) -> None:
    with pytest.raises(ValueError, match="may be reached from outside"):
        check_listen(address, allow_public_address=False)
    check_listen(address, allow_public_address=True)
    for inside in ("127.0.0.1", "10.1.2.3", "192.168.0.9", "fd00::1", "::1"):
        check_listen(inside, allow_public_address=False)
    with pytest.raises(ValueError, match="must be an IP address"):
        check_listen("localhost", allow_public_address=True)
