"""Signing in as a demo account does it the first time and later."""

from __future__ import annotations

import secrets
from typing import Final, NamedTuple

from ops.visitor.accounts import AccountBook, Known
from ops.visitor.browsing import Browsing
from ops.visitor.exchange import Answer, PageError

_PASSWORD_BYTES: Final = 12


class SignedIn(NamedTuple):
    """The first page, and whether the first password was changed on the way."""

    answer: Answer
    changed: bool


def enter(browser: Browsing, account: Known) -> Answer:
    """Sign in, no more.

    Raises:
        PageError: refused, or no answer.
        LookupError: the page has no form to sign in with.
    """
    answer = browser.send(
        browser.get("/login").page().form("/login"),
        {"user_name": account.user_name, "password": account.password},
    )
    if answer.path.startswith("/login"):
        page = answer.page()
        raise PageError(f"signing in as {account.user_name}: {page.heading()}: {page.problem()}")
    return answer


def sign_in(browser: Browsing, book: AccountBook, label: str) -> SignedIn:
    """Sign in; a first password is changed, and the new one remembered in the book.

    Raises:
        PageError: refused, or no answer.
        LookupError: a page lacks its form, or the book the account.
    """
    account = book.account(label)
    answer = enter(browser, account)
    if not answer.path.startswith("/password"):
        return SignedIn(answer, changed=False)
    new = secrets.token_urlsafe(_PASSWORD_BYTES)
    wanted = {"old_password": account.password, "new_password": new, "new_password_again": new}
    changed = browser.send(answer.page().form("/password"), wanted)
    if changed.path.startswith("/password"):
        raise PageError(f"changing the password: {changed.page().problem()}")
    book.remember(label, new)
    return SignedIn(changed, changed=True)
