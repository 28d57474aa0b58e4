"""Templates to pages: two Jinja2 environments, one per language, everything compiled at start-up.

Escaping is on for every template and never switched off (no `safe`, no `Markup`); an undefined name is an error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import jinja2

from dmz.hall import replies
from dmz.hall.frame import Frame, PageView, page_view
from dmz.hall.hall_settings import HallSettings
from dmz.hall.markup import formats
from dmz.hall.visit import Visit
from dmz.hall.wording import words
from dmz.messages import HallResponse, Pair
from wire_formats.bilingual import LANGUAGES, Language

TEMPLATES: Final = Path(__file__).parent / "templates"


class Renderer:
    """Writes pages.

    Args:
        assets: gives the address of a static file (with its digest, so that it can be cached for ever).
        settings: of the hall.
    """

    def __init__(self, assets: Callable[[str], str], settings: HallSettings) -> None:
        self._settings = settings
        self._environments: dict[Language, jinja2.Environment] = {
            language: _environment(language, assets) for language in LANGUAGES
        }

    def show(
        self,
        visit: Visit,
        frame: Frame,
        template: str,
        model: Mapping[str, object],
        *,
        status: int = 200,
        headers: tuple[Pair, ...] = (),
    ) -> HallResponse:
        """Write a page as a response.

        Args:
            visit: for whom.
            frame: title, crumbs and what else stands around the page.
            template: file name under templates/.
            model: the values the template uses.
            status: HTTP status.
            headers: beyond those of every page.
        """
        body = self.write(page_view(visit, frame, self._settings), template, model)
        return replies.page(body, visit.language, status=status, headers=headers)

    def write(self, page: PageView, template: str, model: Mapping[str, object]) -> str:
        """Write a page as text."""
        return self._environments[page.language].get_template(template).render(model, page=page)


def _environment(language: Language, assets: Callable[[str], str]) -> jinja2.Environment:
    # Set as in core/staff/renderer: zones share no code but the ground, which knows no templates.
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        cache_size=-1,
    )
    environment.globals["t"] = words(language)
    environment.globals["asset"] = assets
    environment.filters["fill"] = _fill
    environment.filters["count"] = formats.count
    for name in environment.list_templates():
        environment.get_template(name)
    return environment


def _fill(text: str, **values: object) -> str:
    """Fill the places of one of our own texts; the result is escaped like any other value."""
    return text.format(**values)
