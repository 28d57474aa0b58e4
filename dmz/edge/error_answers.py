"""A page for every refusal: what happened, what to do, the error code and the request's number; nothing private.

Source: invariant 9 ("refusal is clear"); CSP as for every page, so the page needs no script.
"""

from __future__ import annotations

import html
from typing import Final

from dmz.edge.refusals import status_of
from dmz.hall.language import COOKIE, choose
from dmz.messages import FormBack, GivesFormBack, HallResponse, Pair
from wire_formats.bilingual import Label, Language
from wire_formats.error_texts import remedy, text
from wire_formats.errors import HallError, Kind, code_of

#: Served without a certificate too (see ``admittance``): the page that asks for one must look like the hall.
STYLE_SHEET: Final = "/static/hall.css"
_HALL: Final = Label("社会保险网上办事大厅", "Social Insurance Online Hall")
_CODE: Final = Label("错误代码", "Error code")
_NUMBER: Final = Label("请求编号", "Request number")
_REASON: Final = Label("原因代码", "Reason code")
_FIELD: Final = Label("涉及的填写项", "The field concerned")
_BACK: Final = Label("返回首页", "Back to the first page")
_FORM: Final = Label("返回填写页面，已填内容保留", "Back to the form with what you typed")
_RETRY_SECONDS: Final = Label("请在 {number} 秒后重试。", "Try again in {number} seconds.")
_RETRY_MINUTES: Final = Label("请在 {number} 分钟后重试。", "Try again in {number} minutes.")
_RETRY_HOURS: Final = Label("请在 {number} 小时后重试。", "Try again in {number} hours.")
_SITE: Final = Label("前往网站：下载证书、选择办事大厅", "To the site: download a certificate, choose a window")
#: Going back would meet the same refusal; these are mended at the public site.
_MENDED_AT_SITE: Final = frozenset(
    {Kind.CERTIFICATE_REQUIRED, Kind.CERTIFICATE_EXPIRED, Kind.CERTIFICATE_REVOKED, Kind.WRONG_WINDOW}
)
_PAGE: Final = """<!DOCTYPE html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{title} · {hall}</title>
<link rel="stylesheet" href="{style}">
</head>
<body>
<header class="mast"><div class="wrap"><span class="brand">{hall}</span></div></header>
<main id="main" class="wrap">
<h1>{title}</h1>
<p class="lead">{remedy}</p>
{field}{retry}<p>{code_name} <span class="code">{code}</span></p>
{detail}<p>{number_name} <span class="code">{number}</span></p>
{form}<p><a href="{way}">{way_name}</a></p>
</main>
</body>
</html>
"""


def error_answer(error: HallError, *, request_id: str, language: Language, site_url: str = "") -> HallResponse:
    """Make the page of a refusal: what its kind means, when to try again, which rule where that is public.

    A form that was refused, or met a busy hall, is given back by a button (``dmz.hall.form_back``).

    Args:
        error: what was refused; nothing private of it is shown.
        request_id: shown, so that support can find the log line.
        language: of the page.
        site_url: address of the public site, or "" if it is not known.
    """
    kind, retry_after_s = error.kind, error.retry_after_s
    to_site = bool(site_url) and kind in _MENDED_AT_SITE
    reason = f'<p>{_REASON.of(language)} <span class="code">{html.escape(error.detail)}</span></p>\n'
    form = error.form if isinstance(error, GivesFormBack) else None
    field = "" if error.field is None else _field_line(error.field, language)
    body = _PAGE.format(
        language=language,
        hall=html.escape(_HALL.of(language)),
        title=html.escape(text(kind).of(language)),
        remedy=html.escape(remedy(kind).of(language)),
        style=STYLE_SHEET,
        field=field,
        retry="" if retry_after_s is None else f"<p><strong>{_retry_words(retry_after_s, language)}</strong></p>\n",
        code_name=_CODE.of(language),
        code=code_of(kind),
        detail=reason if error.detail else "",
        number_name=_NUMBER.of(language),
        number=html.escape(request_id),
        form="" if form is None else _form(form, language),
        way=html.escape(site_url if to_site else "/"),
        way_name=(_SITE if to_site else _BACK).of(language),
    )
    headers: list[Pair] = [
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Language", language),
        ("Vary", "Accept-Language, Cookie"),
    ]
    if retry_after_s is not None:
        headers.append(("Retry-After", str(max(1, retry_after_s))))
    if kind is Kind.METHOD_NOT_ALLOWED:
        headers.append(("Allow", "GET, HEAD, POST"))
    return HallResponse(status_of(error), tuple(headers), body.encode("utf-8"))


def _field_line(label: Label, language: Language) -> str:
    """Say where the user finds what was refused."""
    return f"<p>{_FIELD.of(language)} <strong>{html.escape(label.of(language))}</strong></p>\n"


def _form(form: FormBack, language: Language) -> str:
    """A form of hidden fields; its values are hostile until they are escaped."""
    hidden = "".join(
        f'<input type="hidden" name="{html.escape(name)}" value="{html.escape(value)}">' for name, value in form.fields
    )
    button = f'<div class="acts"><button class="btn">{_FORM.of(language)}</button></div>'
    return f'<form method="post" action="{html.escape(form.path)}">{hidden}{button}</form>\n'


def _retry_words(seconds: int, language: Language) -> str:
    """Say when to try again, in the unit that a person would use; rounded up, so that it is true."""
    for label, size, most in ((_RETRY_SECONDS, 1, 90), (_RETRY_MINUTES, 60, 90 * 60)):
        if seconds <= most:
            return label.of(language).format(number=max(1, -(-seconds // size)))
    return _RETRY_HOURS.of(language).format(number=-(-seconds // 3_600))


def page_language(cookies: str | None, accept_language: str | None) -> Language:
    """Choose the page's language from raw header values; neither needs to be well-formed.

    Args:
        cookies: the Cookie header, or None.
        accept_language: the Accept-Language header, or None.
    """
    chosen = None
    for piece in (cookies or "").split("; ")[:16]:
        name, _, value = piece.partition("=")
        if name == COOKIE:
            chosen = value
    return choose(chosen, accept_language)
