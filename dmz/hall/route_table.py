"""Every address of the hall, with all that may be sent to it: data only, generated from the catalogue where it can be.

The router finds handlers by it and the firewall's allow-list is made from it, so the two cannot differ.

    site     /  /certificate  /help  /accessibility  /language
    windows  /  /login  /logout  /password  /help  /language
             /s/<code>              form, check page, search           one route per declared service
             /b/<code>[/template]   workbook upload, its template      one route per declared batch service
             /batch/<id>            result of a workbook
             /batch/<id>/failed     failed rows; /notices: accepted rows with a notice
             /r/<id>                receipt and progress
             /c/<id>[/withdraw]     a case's result, taking it back
             /sent  /drafts         lists
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from dmz.hall import kept_input
from dmz.hall.markup import reference_place
from wire_formats.catalogue import SERVICES, Page, Service
from wire_formats.catalogue.accounts import CERTIFICATE_DOWNLOAD, LOGIN, PASSWORD
from wire_formats.fields import Field, Secret, Text

WINDOWS: Final = ("unit", "community", "person")
EVERYWHERE: Final = ("site", *WINDOWS)
_TYPED_SLACK: Final = 64
_PAGE_DIGITS: Final = 4


@dataclass(frozen=True)
class Param:
    """One thing that may be sent.

    Attributes:
        name: of the parameter.
        max_length: in characters.
        pattern: unanchored pattern of the whole value; "" for what people type (judged by the page check, which
            explains mistakes, and by the firewall's negative rules).
        lines: line breaks may occur.
        secret: never to be logged.
    """

    name: str
    max_length: int
    pattern: str = ""
    lines: bool = False
    secret: bool = False


@dataclass(frozen=True)
class Route:
    """One address and method.

    Attributes:
        handler: name of the page handler.
        method: "GET" (HEAD goes with it) or "POST".
        path: with `{name}` for each place.
        windows: where it exists.
        places: the values of `{name}` places.
        query, form: what may be sent.
        uploads: names of file fields.
        service: code of the service it belongs to, or "".
        signed_in: whether it needs a session.
        while_must_change: whether it is open although the password must be changed first.
    """

    handler: str
    method: str
    path: str
    windows: tuple[str, ...]
    places: tuple[Param, ...] = ()
    query: tuple[Param, ...] = ()
    form: tuple[Param, ...] = ()
    uploads: tuple[str, ...] = ()
    service: str = ""
    signed_in: bool = True
    while_must_change: bool = False


_ID: Final = Param("id", 32, reference_place.PATTERN)
_PAGE: Final = Param("page", _PAGE_DIGITS, "[0-9]{1,4}")
_AUTO: Final = Param("auto", 1, "1")
_CSRF: Final = Param("csrf", 64, "[A-Za-z0-9_-]{0,64}", secret=True)
_FORM_TOKEN: Final = Param("form_token", 22, "[A-Za-z0-9_-]{22}")
_DRAFT: Final = Param("draft", 64, "[A-Za-z0-9_-]{0,64}")
_NEXT: Final = Param("next", 100, "(?:/(?:[a-z0-9._-][a-z0-9._/-]*)?)?")
_KEPT: Final = Param("kept", kept_input.MAX_CHARACTERS, kept_input.PATTERN)

_REFUSED: Final = Param("refused", 64, "(?:[a-z][a-z0-9_]{0,63})?")


def _action(*values: str) -> Param:
    return Param("action", max(map(len, values)), "|".join(values))


def _typed(field: Field) -> Param:
    """A declared field as people type it: mistakes must reach the page check, which explains them."""
    lines = isinstance(field, Text) and field.lines
    return Param(field.name, field.max_length + _TYPED_SLACK, lines=lines, secret=isinstance(field, Secret))


def _typed_all(fields: Iterable[Field]) -> tuple[Param, ...]:
    return tuple(_typed(field) for field in fields)


def _service_routes(service: Service) -> tuple[Route, ...]:
    """The routes of one declared service."""
    path, windows, code = f"/s/{service.code}", service.windows, service.code
    typed = _typed_all(service.form_fields)
    if service.page is Page.FORM:
        actions = _action("check", "save", "edit", "submit", "language", "back", "again")
        form = (_CSRF, _FORM_TOKEN, _DRAFT, Param("step", 5, "form|check"), actions, _KEPT, _REFUSED)
        marks = (_DRAFT, Param("note", 8, "saved|restored"))
        return (
            Route("form", "GET", path, windows, query=marks, service=code),
            Route("form_post", "POST", path, windows, form=form + typed, service=code),
        )
    if service.page is Page.SEARCH:
        pages = () if any(param.name == "page" for param in typed) else (_PAGE,)
        conditions = (_CSRF, _action("query", "language"), *pages)
        return (
            Route("search", "GET", path, windows, query=(_PAGE,), service=code),
            Route("search_post", "POST", path, windows, form=conditions + typed, service=code),
        )
    if service.page is Page.BATCH:
        path = f"/b/{code}"
        return (
            Route("batch", "GET", path, windows, service=code),
            Route(
                "batch_post",
                "POST",
                path,
                windows,
                form=(_CSRF, _FORM_TOKEN),
                uploads=("workbook",),
                service=code,
            ),
            Route("batch_template", "GET", f"{path}/template", windows, service=code),
        )
    return ()


def _site_routes() -> tuple[Route, ...]:
    site = ("site",)
    certificate = _typed_all(CERTIFICATE_DOWNLOAD.form_fields)
    return (
        Route("portal", "GET", "/", site, signed_in=False),
        Route("certificate", "GET", "/certificate", site, signed_in=False),
        Route("certificate_post", "POST", "/certificate", site, form=certificate, signed_in=False),
        Route("accessibility", "GET", "/accessibility", site, signed_in=False),
    )


def _account_routes() -> tuple[Route, ...]:
    login = (*_typed_all(LOGIN.form_fields), _NEXT, _KEPT)
    new = next(field for field in PASSWORD.form_fields if field.name == "new_password")
    again = Param("new_password_again", new.max_length + _TYPED_SLACK, secret=True)
    password = (_CSRF, *_typed_all(PASSWORD.form_fields), again)
    marks = (_NEXT, Param("note", 7, "expired|out"))
    return (
        Route("login", "GET", "/login", WINDOWS, query=marks, signed_in=False),
        Route("login_post", "POST", "/login", WINDOWS, form=login, signed_in=False),
        Route("logout_post", "POST", "/logout", WINDOWS, form=(_CSRF,), while_must_change=True),
        Route("password", "GET", "/password", WINDOWS, while_must_change=True),
        Route("password_post", "POST", "/password", WINDOWS, form=password, while_must_change=True),
    )


def _window_routes() -> tuple[Route, ...]:
    notes = (Param("note", 8, "deleted|restored"), _DRAFT)
    place = (_ID,)
    return (
        Route("home", "GET", "/", WINDOWS, query=(Param("note", 8, "password"),)),
        Route("receipt", "GET", "/r/{id}", WINDOWS, places=place, query=(_AUTO,)),
        Route("sent", "GET", "/sent", WINDOWS, query=(_PAGE,)),
        Route("case", "GET", "/c/{id}", WINDOWS, places=place),
        Route("withdraw", "GET", "/c/{id}/withdraw", WINDOWS, places=place),
        Route("withdraw_post", "POST", "/c/{id}/withdraw", WINDOWS, places=place, form=(_CSRF, _FORM_TOKEN)),
        Route("drafts", "GET", "/drafts", WINDOWS, query=notes),
        Route("drafts_post", "POST", "/drafts", WINDOWS, form=(_CSRF, _DRAFT, _action("delete", "undo"))),
        Route("batch_result", "GET", "/batch/{id}", WINDOWS, places=place, query=(_PAGE, _AUTO)),
        Route("batch_failed", "GET", "/batch/{id}/failed", WINDOWS, places=place),
        Route("batch_notices", "GET", "/batch/{id}/notices", WINDOWS, places=place),
    )


def _common_routes() -> tuple[Route, ...]:
    switch = (Param("to", 5, "zh-CN|en"), Param("back", 100, "/[a-z0-9._/-]*"))
    return (
        Route("help", "GET", "/help", EVERYWHERE, signed_in=False, while_must_change=True),
        Route("language", "GET", "/language", EVERYWHERE, query=switch, signed_in=False, while_must_change=True),
    )


ROUTES: Final[tuple[Route, ...]] = (
    *_site_routes(),
    *_account_routes(),
    *_window_routes(),
    *_common_routes(),
    *(route for service in SERVICES.values() for route in _service_routes(service)),
)
