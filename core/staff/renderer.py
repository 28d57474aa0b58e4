"""Templates to pages: two Jinja2 environments, one per language, everything compiled at start-up.

Escaping is on for every template and never switched off; an undefined name is an error.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

import jinja2

from core.staff import texts
from core.staff.flow import Operator
from core.staff.visit import Reply, Visit
from wire_formats.bilingual import LANGUAGES, Label, Language
from wire_formats.error_texts import TEXTS
from wire_formats.errors import HallError, code_of
from wire_formats.inner_web.language import other
from wire_formats.inner_web.replies import status_of
from wire_formats.instants import DAY_MS, HOUR_MS, MINUTE_MS, local_minute

TEMPLATES: Final = Path(__file__).parent / "templates"
STYLE: Final = (Path(__file__).parent / "files" / "staff.css").read_bytes()
STYLE_PATH: Final = f"/static/staff-{hashlib.sha256(STYLE).hexdigest()[:12]}.css"


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands around a page: the operator, the place in the navigation, the form token."""

    title: str
    operator: Operator | None = None
    section: str = ""


class Renderer:
    """Writes pages."""

    def __init__(self) -> None:
        self._environments = {language: _environment(language) for language in LANGUAGES}

    def page(
        self, visit: Visit, frame: Frame, template: str, model: Mapping[str, object], *, status: int = 200
    ) -> Reply:
        """Write a page as a reply.

        Args:
            visit: for whom.
            frame: what stands around it.
            template: file name under templates/.
            model: values the template uses.
            status: HTTP status.
        """
        environment = self._environments[visit.language]
        around = {
            "language": visit.language,
            "other": other(visit.language),
            "here": quote(visit.own_address, safe=""),
            "csrf": visit.session.csrf if visit.session is not None else "",
            "style": STYLE_PATH,
            "now_ms": visit.now_ms,
        }
        body = environment.get_template(template).render(model, page=around, frame=frame)
        headers = (
            ("Content-Type", "text/html; charset=utf-8"),
            ("Content-Language", visit.language),
            ("Vary", "Accept-Language, Cookie"),
        )
        return Reply(status, body.encode("utf-8"), headers)

    def error(self, visit: Visit, error: HallError, operator: Operator | None = None) -> Reply:
        """Write the page of an error: its public words and code, nothing of its private reason."""
        told = TEXTS[error.kind]
        frame = Frame(told.title.of(visit.language), operator)
        model = {"told": told, "code": code_of(error.kind)}
        return self.page(visit, frame, "error.html", model, status=status_of(error.kind))


def duration(length_ms: int) -> Label:
    """Write a span of time in its two largest units at most."""
    if length_ms >= DAY_MS:
        days, hours = length_ms // DAY_MS, length_ms % DAY_MS // HOUR_MS
        return Label(f"{days} 天 {hours} 小时", f"{days} d {hours} h")
    if length_ms >= HOUR_MS:
        hours, minutes = length_ms // HOUR_MS, length_ms % HOUR_MS // MINUTE_MS
        return Label(f"{hours} 小时 {minutes} 分", f"{hours} h {minutes} min")
    minutes = max(0, length_ms) // MINUTE_MS
    return Label(f"{minutes} 分钟", f"{minutes} min")


def _environment(language: Language) -> jinja2.Environment:
    # Set as in dmz/hall/renderer: zones share no code but the ground, which knows no templates.
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        cache_size=-1,
    )
    environment.globals["t"] = texts.Words(language)
    environment.filters["say"] = lambda label: label.of(language)
    environment.filters["fill"] = lambda text, **values: text.format(**values)
    environment.filters["district"] = lambda code: texts.district(code).of(language)
    environment.filters["minute"] = local_minute
    environment.filters["duration"] = lambda length_ms: duration(length_ms).of(language)
    for name, table in (
        ("state", texts.STATES),
        ("actor", texts.ACTORS),
        ("window", texts.WINDOWS),
    ):
        environment.filters[name] = _from_table(table, language)
    for name in environment.list_templates():
        environment.get_template(name)
    return environment


def _from_table(table: Mapping[str, Label], language: Language) -> object:
    def words(key: str) -> str:
        label = table.get(key)
        return label.of(language) if label is not None else key

    return words
