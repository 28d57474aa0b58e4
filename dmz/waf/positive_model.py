"""First stage: only what the routes declare; the rule ids are fixed words, listed here.

route.unknown  route.method                              no such page, or not by this method
param.unknown  param.twice  param.too_long               parameters of query and form
param.control_character  param.pattern  param.choice  param.signs
body.unexpected  body.type                               a body where none belongs, or of another type
upload.unknown  upload.too_large  cookie.value
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from dmz.messages import SESSION_COOKIE_PREFIX, Pair
from dmz.waf.routes import ParamRule, RouteRule, RouteTable
from dmz.waf.structure import Shape, Text, fault_of, is_harmless, trust_of
from dmz.waf.verdict import Stage, Verdict, refusal
from dmz.waf.view import Inspected, Place, RequestView
from wire_formats.errors import Kind

URLENCODED: Final = "application/x-www-form-urlencoded"
MULTIPART: Final = "multipart/form-data"
_TYPED: Final = frozenset({Shape.FREE, Shape.FORMED})
_OWN_COOKIE: Final = re.compile("[A-Za-z0-9_-]{0,256}", re.ASCII)


def judge(view: RequestView, table: RouteTable) -> tuple[Verdict | None, list[Inspected]]:
    """Judge a request by the allow-list.

    Returns:
        A refusal, or None and the texts that the negative rules must see.
    """
    rule, refused = find_route(view, table)
    if rule is None:
        return refused, []
    refused = _body(view, rule) or _uploads(view, rule) or _cookies(view)
    if refused is not None:
        return refused, []
    texts: list[Inspected] = []
    refused = _pairs(view.request.query, rule.query_by_name, texts) or _pairs(
        view.request.form, rule.form_by_name, texts
    )
    texts += (Inspected(Place.FILE_NAME, upload.name, upload.filename) for upload in view.request.uploads)
    return refused, texts


def find_route(view: RequestView, table: RouteTable) -> tuple[RouteRule | None, Verdict | None]:
    """Find a request's route, or say why there is none."""
    methods = table.methods(view.request.window, view.request.path)
    if not methods:
        return None, refusal(Stage.ROUTE, "route.unknown", kind=Kind.NOT_FOUND)
    rule = methods.get(view.method)
    if rule is None:
        return None, refusal(Stage.ROUTE, "route.method", kind=Kind.METHOD_NOT_ALLOWED)
    return rule, None


def _body(view: RequestView, rule: RouteRule) -> Verdict | None:
    request = view.request
    if view.method != "POST":
        unexpected = bool(request.form or request.uploads)
        return refusal(Stage.CONTENT, "body.unexpected") if unexpected else None
    if not request.form and not request.uploads:
        return None
    fits = view.content_type == URLENCODED or (view.content_type == MULTIPART and bool(rule.uploads))
    return None if fits else refusal(Stage.CONTENT, "body.type")


def _uploads(view: RequestView, rule: RouteRule) -> Verdict | None:
    for upload in view.request.uploads:
        if upload.name not in rule.uploads:
            return refusal(Stage.CONTENT, "upload.unknown")
        if len(upload.data) > rule.upload_bytes:
            return refusal(Stage.CONTENT, "upload.too_large", upload.name, kind=Kind.BODY_TOO_LARGE)
    return None


def _cookies(view: RequestView) -> Verdict | None:
    """Judge our own cookies; what other programs of the host have set is nobody's input here."""
    for name, value in view.request.cookies:
        if name.startswith(SESSION_COOKIE_PREFIX) and not _OWN_COOKIE.fullmatch(value):
            return refusal(Stage.PARAMETER, "cookie.value")
    return None


def _pairs(pairs: Iterable[Pair], rules: Mapping[str, ParamRule], texts: list[Inspected]) -> Verdict | None:
    times: dict[str, int] = {}
    for name, value in pairs:
        rule = rules.get(name)
        if rule is None:
            return refusal(Stage.PARAMETER, "param.unknown")
        seen = times.get(name, 0) + 1
        if seen > rule.times:
            return refusal(Stage.PARAMETER, "param.twice", name)
        times[name] = seen
        if len(value) > rule.most:
            return refusal(Stage.PARAMETER, "param.too_long", name)
        if rule.shape in _TYPED and is_harmless(value):
            continue
        fault = fault_of(value, rule.shape, rule.compiled, lines=rule.lines)
        if fault:
            return refusal(Stage.PARAMETER, f"param.{fault}", name)
        if value and trust_of(value, rule.shape, rule.compiled) is Text.TYPED:
            texts.append(Inspected(Place.TEXT, name, value))
    return None
