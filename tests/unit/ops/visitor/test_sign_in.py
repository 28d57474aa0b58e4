"""Signing in: a first password is changed once and remembered; a refusal is told."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ops.visitor.account_list import write_list
from ops.visitor.accounts import AccountBook
from ops.visitor.exchange import Answer, PageError
from ops.visitor.pages import Form
from ops.visitor.sign_in import sign_in

LOGIN = '<h1>Sign in</h1><form action="/login" method="post"><input name="csrf" value="c"></form>'
CHANGE = '<h1>Change</h1><form action="/password" method="post"><input name="csrf" value="d"></form>'


@dataclass
class Hall:
    """Knows one password; the first must be changed."""

    password: str
    first: bool
    sent: list[dict[str, str]] = field(default_factory=list)

    def get(self, path: str) -> Answer:
        return Answer(200, path, {}, LOGIN.encode())

    def send(self, form: Form, changes: dict[str, str]) -> Answer:
        self.sent.append(changes)
        if form.action == "/password":
            self.password, self.first = changes["new_password"], False
            return Answer(200, "/", {}, b"<h1>Home</h1>")
        if changes["password"] != self.password:
            return Answer(200, "/login", {}, LOGIN.encode())
        return Answer(200, "/password", {}, CHANGE.encode()) if self.first else Answer(200, "/", {}, b"<h1>Home</h1>")


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
