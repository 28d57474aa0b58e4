"""Signing in: a first password is changed once and remembered; a refusal is told."""

from __future__ import annotations

import urllib.parse
from pathlib import Path

import pytest

from ops.visitor.account_list import write_list
from ops.visitor.accounts import AccountBook
from ops.visitor.browsing import Browsing
from ops.visitor.exchange import Answer, Body, PageError
from ops.visitor.sign_in import sign_in

LOGIN = '<h1>Sign in</h1><form action="/login" method="post"><input name="csrf" value="c"></form>'
HOME = "<h1>Home</h1>"
CHANGE = '<h1>Change</h1><form action="/password" method="post"><input name="csrf" value="d"></form>'


class Hall(Browsing):
    """Knows one password; the first must be changed."""

    def __init__(self, password: str, *, first: bool) -> None:
        super().__init__("https://localhost")
        self.password = password
        self.first = first
        self.sent: list[dict[str, str]] = []

    def _ask(self, path: str, body: Body | None) -> Answer:
        if body is None:
            return Answer(200, path, {}, {"/login": LOGIN, "/password": CHANGE}.get(path, HOME).encode())
        fields = dict(urllib.parse.parse_qsl(body.content.decode()))
        self.sent.append(fields)
        if path == "/password":
            self.password, self.first = fields["new_password"], False
            return _see("/")
        if fields["password"] != self.password:
            return Answer(200, "/login", {}, LOGIN.encode())
        return _see("/password" if self.first else "/")


def _see(path: str) -> Answer:
    return Answer(303, "", {"location": path}, b"")


@pytest.fixture
def book(tmp_path: Path) -> AccountBook:
    one = {"label": "unit", "words": "w", "window": "unit", "user_name": "demo", "password": "first"}
    write_list(tmp_path, [{**one, "pkcs12": "unit.p12", "pkcs12_password": "P"}])
    return AccountBook(tmp_path)


def test_a_first_password_is_changed_once(book: AccountBook) -> None:
    hall = Hall("first", first=True)
    assert sign_in(hall, book, "unit").changed
    assert book.account("unit").password == hall.password != "first"
    again = sign_in(hall, book, "unit")
    assert (again.changed, again.answer.path) == (False, "/")
    assert len(hall.sent) == 3


def test_a_refusal(book: AccountBook) -> None:
    with pytest.raises(PageError, match="signing in as demo: Sign in"):
        sign_in(Hall("other", first=True), book, "unit")
