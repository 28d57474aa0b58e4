"""Templates to pages: two Jinja2 environments, one per language, everything compiled at start-up.

Escaping is on for every template; an undefined name is an error.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import jinja2

from ferry.acts.texts import ACT_WORDS, OUTCOMES, REASON_WORDS, STATE_WORDS, WAYS, WHAT_NOW, WHY_HELD, detail_words
from ferry.console import media_texts, texts
from ferry.console.plots import sparkline
from ferry.console.trouble_texts import (
    FIGURES,
    LOG_STATES,
    TRANSPORTS,
    figure_text,
    trouble_words,
    why_words,
)
from ferry.console.visit import Visit
from ferry.lane.crossing import State
from ferry.media.slip import grouped
from ferry.media.states import STATE_LABELS
from ferry.set_aside_texts import WHY_SET_ASIDE, what_now
from wire_formats.bilingual import LANGUAGES, Language
from wire_formats.error_texts import TEXTS
from wire_formats.errors import HallError, code_of
from wire_formats.ids import reference_number
from wire_formats.inner_web.language import other
from wire_formats.inner_web.replies import Reply, status_of
from wire_formats.instants import local_second

_HERE: Final = Path(__file__).parent
STYLE: Final = (_HERE / "files" / "console.css").read_bytes()
STYLE_PATH: Final = f"/static/console-{hashlib.sha256(STYLE).hexdigest()[:12]}.css"


class Renderer:
    """Writes pages."""

    def __init__(self) -> None:
        self._environments = {language: _environment(language) for language in LANGUAGES}

    def page(self, visit: Visit, template: str, model: Mapping[str, object], *, status: int = 200) -> Reply:
        """Write a page as a reply."""
        around = {
            "language": visit.language,
            "other": other(visit.language),
            "token": visit.token,
            "style": STYLE_PATH,
            "operator": visit.operator.name if visit.operator is not None else "",
            "path": visit.path,
            "now_ms": visit.now_ms,
        }
        body = self._environments[visit.language].get_template(template).render(model, page=around)
        headers = (("Content-Type", "text/html; charset=utf-8"), ("Content-Language", visit.language))
        return Reply(status, body.encode("utf-8"), headers)

    def error(self, visit: Visit, error: HallError) -> Reply:
        """Write the page of an error: its public words and code, nothing of its private reason."""
        told = TEXTS[error.kind]
        return self.page(
            visit, "error.html", {"told": told, "code": code_of(error.kind), "half": ""}, status=status_of(error.kind)
        )


def _environment(language: Language) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE / "templates"), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, auto_reload=False, cache_size=-1,
    )  # fmt: skip
    environment.globals["t"] = texts.Words(language)
    environment.globals["sparkline"] = sparkline
    environment.filters["say"] = lambda label: label.of(language)
    environment.filters["moment"] = lambda at_ms: local_second(int(at_ms))
    environment.filters["receipt"] = lambda hexed: reference_number(bytes.fromhex(hexed))
    environment.filters["why"] = lambda reason: WHY_HELD[reason].of(language)
    environment.filters["now_what"] = lambda reason: WHAT_NOW[reason].of(language)
    environment.filters["state"] = lambda name: STATE_WORDS[State(name)].of(language)
    environment.filters["medium"] = lambda state: STATE_LABELS[state].of(language)
    for name, table in (("act", ACT_WORDS), ("reason", REASON_WORDS), ("outcome", OUTCOMES), ("way", WAYS)):
        environment.filters[name] = lambda word, table=table: table[word].of(language) if word in table else word
    environment.filters["why_set_aside"] = lambda reason: WHY_SET_ASIDE[reason].of(language)
    environment.filters["set_aside_now"] = lambda reason: what_now(reason).of(language)
    environment.filters["detail"] = lambda detail: detail_words(detail).of(language)
    environment.filters["trouble"] = lambda trouble: trouble_words(trouble).of(language)
    environment.filters["why_word"] = lambda word: why_words(word).of(language)
    environment.filters["figure_text"] = figure_text
    environment.filters["grouped"] = grouped
    environment.filters["size"] = _size
    named = (("link", texts.LINKS), ("lane", texts.LANES), ("order", media_texts.ORDERS))
    states = (("transport", TRANSPORTS), ("log_state", LOG_STATES), ("figure", FIGURES))
    for name, table in (*named, *states, ("media_act", media_texts.MEDIA_ACTS)):
        environment.filters[name] = lambda word, table=table: table[word].of(language) if word in table else word
    for template in environment.list_templates():
        environment.get_template(template)
    return environment


def _size(count: int) -> str:
    """Write a number of bytes for people."""
    amount, unit = float(count), "B"
    for larger in ("KB", "MB", "GB", "TB"):
        if amount < 1000:
            break
        amount, unit = amount / 1000, larger
    return f"{count} B" if unit == "B" else f"{amount:.1f} {unit}"
