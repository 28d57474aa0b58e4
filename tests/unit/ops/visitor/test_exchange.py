"""What a browser sends and remembers."""

from __future__ import annotations

import email
import email.policy

import pytest

from ops.visitor.exchange import Answer, File, Memory, PageError, next_path, typed, with_file


def _answer(status: int = 200, *, location: str = "", body: str = "", path: str = "/a/b?x=1") -> Answer:
    return Answer(status, path, {"location": location} if location else {}, body.encode())


@pytest.mark.parametrize(
    ("status", "location", "path"),
    [
        (303, "/r/1", "/r/1"),
        (303, "c?y=2", "/a/c?y=2"),
        (302, "https://localhost:7002", "/"),
        (308, "https://localhost:7002/login?next=%2F", "/login?next=%2F"),
        (200, "/r/1", None),
        (303, "", None),
    ],
)
def test_redirects(status: int, location: str, path: str | None) -> None:
    assert next_path(_answer(status, location=location)) == path


def test_cookies_are_kept_and_taken_back() -> None:
    memory = Memory("https://localhost:7002")
    assert "Cookie" not in memory.headers(None)
    memory.keep(["__Host-a=1; Path=/; Secure; HttpOnly", "b=2"])
    assert memory.headers(None)["Cookie"] == "__Host-a=1; b=2"
    memory.keep(["b=; Path=/", "__Host-a=x; Max-Age=0"])
    assert memory.cookies == {}


def test_only_a_form_tells_its_origin() -> None:
    memory = Memory("https://localhost:7002", "zh-CN")
    assert not {"Origin", "Content-Type"} & set(memory.headers(None))
    sent = memory.headers(typed({"a": "张 &"}))
    assert (sent["Origin"], sent["Content-Type"]) == ("https://localhost:7002", "application/x-www-form-urlencoded")
    assert sent["Accept-Language"] == "zh-CN"


def test_bodies() -> None:
    assert typed({"a": "张 &", "b": ""}).content == b"a=%E5%BC%A0+%26&b="
    media_type, content = with_file({"csrf": "x"}, File("workbook", "w.xlsx", b"PK\r\n\0"))
    read = email.message_from_bytes(
        b"Content-Type: " + media_type.encode() + b"\r\n\r\n" + content, policy=email.policy.HTTP
    )
    told, book = read.iter_parts()
    assert (told.get_param("name", header="content-disposition"), told.get_content().strip()) == ("csrf", "x")
    assert (book.get_filename(), book.get_param("name", header="content-disposition")) == ("w.xlsx", "workbook")
    assert b"\r\n\r\nPK\r\n\0\r\n--" in content


def test_an_error_page_is_told_in_one_line() -> None:
    assert _answer(200).good().status == 200
    assert _answer(422).good().status == 422
    with pytest.raises(PageError, match=r"/a/b\?x=1: 403 No: FG-2010") as caught:
        _answer(403, body="<h1>No</h1><div role='alert'>FG-2010</div>").good()
    assert caught.value.told == "/a/b?x=1: 403 No"


def test_what_a_receipt_shows() -> None:
    shown = _answer(body='<meta http-equiv="Refresh" content="2"><b class="ref">AB-1</b> FG-3003')
    assert (shown.waits, shown.reference, shown.code) == (True, "AB-1", "FG-3003")
    bare = _answer()
    assert (bare.waits, bare.reference, bare.code) == (False, "", "")
