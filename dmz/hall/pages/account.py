"""Signing in and out, and the password (E1, E18)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from dmz.hall import form_back, kept_input, replies
from dmz.hall.error_page import Notice, notice_of, offence_of, retry_header, status_of
from dmz.hall.form_check import check
from dmz.hall.frame import Frame
from dmz.hall.hall import Hall, home_crumb
from dmz.hall.markup.service_form import FormView, form_view, texts_of
from dmz.hall.pages.forms import Filled, form_page
from dmz.hall.password_rules import password_errors
from dmz.hall.same_origin import check_token
from dmz.hall.session_mark import with_mark
from dmz.hall.visit import Visit
from dmz.hall.wording import WORDS, say
from dmz.messages import HallResponse
from wire_formats.catalogue import SERVICES
from wire_formats.catalogue.accounts import LOGIN, PASSWORD
from wire_formats.errors import Kind, PeerError, Refused, Unavailable
from wire_formats.fields import NO_LABEL, Field, Secret

_NEW: Final = next(f for f in PASSWORD.form_fields if f.name == "new_password" and isinstance(f, Secret))
_AGAIN: Final = replace(_NEW, name="new_password_again", label=WORDS["password_again"], hint=NO_LABEL)
_PASSWORD_FIELDS: Final[tuple[Field, ...]] = (*PASSWORD.form_fields, _AGAIN)


async def login(hall: Hall, visit: Visit) -> HallResponse:
    """The login page; who is signed in already goes on."""
    if visit.session is not None:
        return replies.redirect(_next_path(hall, visit, visit.asked("next")))
    notice = _login_notice(visit, visit.asked("note"), kept=False)
    return _login_page(hall, visit, form_view(LOGIN.form_fields, visit.language), notice, status=200)


async def login_post(hall: Hall, visit: Visit) -> HallResponse:
    """Checks user name and password in the core; brings back what was typed before a time-out."""
    texts = texts_of(LOGIN, visit.request.form, secrets=True)
    checked = check(LOGIN, texts, visit.language)
    form = form_view(LOGIN.form_fields, visit.language, texts=texts, errors=checked.errors)
    if checked.errors:
        return _login_page(hall, visit, form, None, status=status_of(Kind.FIELDS_INVALID))
    try:
        done = await hall.backend.login(visit.client, str(checked.body["user_name"]), str(checked.body["password"]))
    except (Refused, Unavailable) as error:
        page = _login_page(hall, visit, form, notice_of(error, visit.language), status=status_of(error.kind))
        return HallResponse(page.status, page.headers + retry_header(error), page.body, offence_of(error))
    entered = replace(visit, session=done.session, cookie=done.cookie)
    answer = await _after_login(hall, entered)
    cookie = replies.session_cookie(visit.window, done.cookie)
    return with_mark(replace(answer, headers=(*answer.headers, cookie)), done.session, visit.now_ms)


def login_keeping(hall: Hall, visit: Visit, service: str) -> HallResponse:
    """The login page after a time-out in the middle of a form; what was typed travels along, secrets excepted."""
    texts = form_back.kept_texts(service, visit.field("kept")) or texts_of(SERVICES[service], visit.request.form)
    kept = kept_input.pack(kept_input.KeptInput(service, texts))
    notice = _login_notice(visit, "expired", kept=bool(kept))
    form = form_view(LOGIN.form_fields, visit.language)
    page = _login_page(hall, visit, form, notice, status=status_of(Kind.SESSION_EXPIRED), kept=kept)
    return replies.signed_out(page, visit.window)


async def logout_post(hall: Hall, visit: Visit) -> HallResponse:
    """End the session here and in the core."""
    check_token(visit)
    await hall.backend.logout(visit.signed_in, visit.client)
    return replies.signed_out(replies.redirect("/login?note=out"), visit.window)


async def password(hall: Hall, visit: Visit) -> HallResponse:
    """The password page; at first login there is no way round it."""
    return _password_page(hall, visit, form_view(_PASSWORD_FIELDS, visit.language), None, status=200)


async def password_post(hall: Hall, visit: Visit) -> HallResponse:
    """Change the password; the answer is a fresh session."""
    check_token(visit)
    texts: Mapping[str, str] = {
        **texts_of(PASSWORD, visit.request.form, secrets=True),
        "new_password_again": visit.field("new_password_again"),
    }
    errors = {
        **password_errors(texts, visit.signed_in.account, visit.language),
        **check(PASSWORD, texts, visit.language).errors,
    }
    form = form_view(_PASSWORD_FIELDS, visit.language, errors=errors)
    if errors:
        return _password_page(hall, visit, form, None, status=status_of(Kind.WEAK_PASSWORD))
    old, new = (check(PASSWORD, texts, visit.language).body[name] for name in ("old_password", "new_password"))
    try:
        done = await hall.backend.change_password(visit.signed_in, visit.client, str(old), str(new))
    except (Refused, Unavailable) as error:
        notice = notice_of(error, visit.language)
        page = _password_page(hall, visit, form, notice, status=status_of(error.kind))
        # The core says FIELDS_INVALID when the old password is wrong, and something else when only the new one is.
        wrong_old = error.kind is Kind.FIELDS_INVALID
        return replace(page, offence="login_failed" if wrong_old else offence_of(error))
    changed = replies.redirect("/?note=password", headers=(replies.session_cookie(visit.window, done.cookie),))
    return with_mark(changed, done.session, visit.now_ms)


async def _after_login(hall: Hall, visit: Visit) -> HallResponse:
    """Go on where the visitor was; kept input becomes a draft, or, if that fails, stands on its form again."""
    kept = _kept_of(visit)
    target = _next_path(hall, visit, visit.field("next"))
    if kept is not None:
        service = SERVICES[kept.service]
        texts = texts_of(service, kept.texts.items())
        try:
            draft = await hall.backend.save_draft(visit.signed_in, visit.client, service.code, texts, draft_id=None)
        except (Refused, Unavailable) as error:
            filled = Filled(service, texts, hall.form_token())
            return form_page(hall, visit, filled, notice=notice_of(error, visit.language))
        target = f"/s/{service.code}?draft={draft}&note=restored"
    return replies.redirect("/password" if visit.signed_in.must_change else target)


def _kept_of(visit: Visit) -> kept_input.KeptInput | None:
    """The input kept from before the login, if it is one and this account may use its service."""
    try:
        kept = kept_input.unpack(visit.field("kept")) if visit.field("kept") else None
    except PeerError:
        return None
    usable = kept is not None and kept.service in SERVICES and kept.service in visit.signed_in.rights
    return kept if usable else None


def _next_path(hall: Hall, visit: Visit, wanted: str) -> str:
    """Go only to pages of this window."""
    return wanted if wanted != "/login" and hall.router.can_get(visit.window, wanted) else "/"


def _login_notice(visit: Visit, note: str, *, kept: bool) -> Notice | None:
    if note == "expired":
        second = say(visit.language, "login_kept_text" if kept else "login_expired_text")
        return Notice("warn", say(visit.language, "login_expired"), (second,))
    if note == "out":
        return Notice("good", say(visit.language, "login_out"), (say(visit.language, "login_out_text"),))
    return None


def _login_page(
    hall: Hall, visit: Visit, form: FormView, notice: Notice | None, *, status: int, kept: str | None = None
) -> HallResponse:
    model = {
        "form": form,
        "notice": notice,
        "next": visit.field("next") or visit.asked("next"),
        "kept": visit.field("kept") if kept is None else kept,
        "certificate_account": visit.client.account,
        "certificate_serial": _grouped(f"{visit.client.serial:X}"),
    }
    wrong = bool(form.errors) or (notice is not None and notice.kind == "bad")
    frame = Frame(title=say(visit.language, "login_title"), path="/login", wrong=wrong)
    return hall.renderer.show(visit, frame, "login.html", model, status=status)


def _password_page(hall: Hall, visit: Visit, form: FormView, notice: Notice | None, *, status: int) -> HallResponse:
    first = visit.signed_in.must_change
    model = {"form": form, "notice": notice, "first": first, "least": _NEW.least, "most": _NEW.most}
    title = say(visit.language, "password_first_title" if first else "password_title")
    frame = Frame(title=title, crumbs=() if first else home_crumb(visit), wrong=status != 200)
    return hall.renderer.show(visit, frame, "password.html", model, status=status)


def _grouped(digits: str) -> str:
    """Write hex digits in groups of four, from the right."""
    padded = digits.zfill(-(-len(digits) // 4) * 4)
    return " ".join(padded[i : i + 4] for i in range(0, len(padded), 4))
