"""Pages for everyone: portal home, certificate download, help, accessibility statement, language switch."""

from __future__ import annotations

from dmz.hall import replies
from dmz.hall.error_page import Notice, notice_of, offence_of, retry_header, status_of
from dmz.hall.form_check import check
from dmz.hall.frame import Frame
from dmz.hall.hall import Hall, home_crumb
from dmz.hall.markup.service_form import FormView, form_view, texts_of
from dmz.hall.route_table import WINDOWS
from dmz.hall.visit import Visit
from dmz.hall.wording import say
from dmz.messages import HallResponse
from wire_formats.bilingual import LANGUAGES
from wire_formats.catalogue.accounts import CERTIFICATE_DOWNLOAD
from wire_formats.errors import Kind, PeerError, Refused, Unavailable

_FIELDS = CERTIFICATE_DOWNLOAD.form_fields


async def portal(hall: Hall, visit: Visit) -> HallResponse:
    """The portal: three windows, how to begin, how to know that it is us (A12)."""
    ways = [
        {
            "href": f"{hall.settings.url_of(window)}/",
            "title": say(visit.language, f"window_{window}"),
            "summary": say(visit.language, f"for_{window}"),
        }
        for window in WINDOWS
    ]
    frame = Frame(title=say(visit.language, "portal_title"))
    return hall.renderer.show(visit, frame, "portal.html", {"ways": ways})


async def certificate(hall: Hall, visit: Visit) -> HallResponse:
    """The form for downloading a certificate (F3)."""
    return _certificate_page(hall, visit, form_view(_FIELDS, visit.language), None, 200)


async def certificate_post(hall: Hall, visit: Visit) -> HallResponse:
    """Number and code in, PKCS#12 out; every refusal is explained on the form itself."""
    texts = texts_of(CERTIFICATE_DOWNLOAD, visit.request.form, secrets=True)
    checked = check(CERTIFICATE_DOWNLOAD, texts, visit.language)
    form = form_view(_FIELDS, visit.language, texts=texts, errors=checked.errors)
    if checked.errors:
        return _certificate_page(hall, visit, form, None, status_of(Kind.FIELDS_INVALID))
    number, code = str(checked.body["certificate_number"]), str(checked.body["verification_code"])
    try:
        return replies.download(await hall.backend.download_certificate(visit.client, number, code))
    except (Refused, Unavailable) as error:
        page = _certificate_page(hall, visit, form, notice_of(error, visit.language), status_of(error.kind))
        return HallResponse(page.status, page.headers + retry_header(error), page.body, offence_of(error))


def _certificate_page(hall: Hall, visit: Visit, form: FormView, notice: Notice | None, status: int) -> HallResponse:
    title = say(visit.language, "download_certificate")
    frame = Frame(title=title, crumbs=home_crumb(visit), wrong=status != 200)
    return hall.renderer.show(visit, frame, "certificate.html", {"form": form, "notice": notice}, status=status)


async def help_page(hall: Hall, visit: Visit) -> HallResponse:
    """How to use the site, or this window."""
    body = f"help_{'site' if visit.window == 'site' else 'window'}.{visit.language}.html"
    frame = Frame(title=say(visit.language, "help"), crumbs=home_crumb(visit))
    return hall.renderer.show(visit, frame, "prose.html", {"body": body})


async def accessibility(hall: Hall, visit: Visit) -> HallResponse:
    """What works for whom, and what does not yet."""
    frame = Frame(title=say(visit.language, "accessibility"), crumbs=home_crumb(visit))
    return hall.renderer.show(visit, frame, "prose.html", {"body": f"accessibility.{visit.language}.html"})


async def language(hall: Hall, visit: Visit) -> HallResponse:
    """Keep the choice of language and go back to the same page."""
    chosen = next((known for known in LANGUAGES if known == visit.asked("to")), None)
    if chosen is None:
        raise PeerError(Kind.MALFORMED, "unknown language")
    back = visit.asked("back")
    target = back if hall.router.can_get(visit.window, back) else "/"
    return replies.redirect(target, headers=(replies.language_cookie(chosen),))
