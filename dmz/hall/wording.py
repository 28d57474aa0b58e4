"""All words of the hall, resolved per language once at start-up (gettext in the loop cost 3.5 times a page)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import SimpleNamespace
from typing import Final

from dmz.hall.texts import account, batch, cases, common, errors, services, site
from wire_formats.bilingual import LANGUAGES, Label, Language
from wire_formats.errors import Bug, Kind

TABLES: Final[tuple[Mapping[str, Label], ...]] = (
    common.TEXTS,
    site.TEXTS,
    account.TEXTS,
    cases.TEXTS,
    batch.TEXTS,
    errors.TEXTS,
    services.TEXTS,
)


def merged(tables: Iterable[Mapping[str, Label]] = TABLES) -> dict[str, Label]:
    """Join the tables.

    Raises:
        Bug: a key stands in two of them, or a text lacks a language.
    """
    words: dict[str, Label] = {}
    for table in tables:
        for key, label in table.items():
            if key in words:
                raise Bug(Kind.BUG, f"the text {key} is defined twice")
            if not label.zh or not label.en:
                raise Bug(Kind.BUG, f"the text {key} lacks a language")
            words[key] = label
    return words


WORDS: Final[Mapping[str, Label]] = merged()

_BY_LANGUAGE: Final[Mapping[str, SimpleNamespace]] = {
    language: SimpleNamespace(**{key: label.of(language) for key, label in WORDS.items()}) for language in LANGUAGES
}


def words(language: Language) -> SimpleNamespace:
    """Give all words in one language, as attributes; templates see this as `t`."""
    return _BY_LANGUAGE[language]


def say(language: Language, key: str, **values: object) -> str:
    """Give one text, with its `{name}` places filled."""
    text = WORDS[key].of(language)
    return text.format(**values) if values else text
