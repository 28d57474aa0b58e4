"""The words: complete in both languages, all used, all known, every place filled."""

from __future__ import annotations

import re
from pathlib import Path
from string import Formatter

import pytest

from dmz.hall import wording
from dmz.hall.language import choose
from dmz.hall.texts.services import HEADING_OF_GROUP, HEADINGS
from dmz.hall.wording import WORDS, merged, say, words
from wire_formats.bilingual import LANGUAGES, Label
from wire_formats.catalogue import SERVICES, Page
from wire_formats.errors import Bug

HALL = Path(wording.__file__).parent
TEMPLATES = sorted((HALL / "templates").glob("*.html"))
CODE = [path for path in HALL.rglob("*.py") if "texts" not in path.parts]


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("key", sorted(WORDS))
def test_both_languages_are_there_with_the_same_places(key: str) -> None:
    label = WORDS[key]
    assert label.zh.strip() == label.zh != "" and label.en.strip() and places(label.zh) == places(label.en)
    if key not in ("other_language", "other_language_hint", "nothing"):
        assert not re.search(r"[\u4e00-\u9fff]", label.en)


def test_a_missing_language_or_a_double_key_stops_the_start() -> None:
    for tables in ([{"a": Label("甲", "")}], [{"a": Label("甲", "A")}, {"a": Label("乙", "B")}]):
        with pytest.raises(Bug):
            merged(tables)


def test_templates_use_known_words_and_every_word_is_used() -> None:
    sources = [path.read_text("utf-8") for path in TEMPLATES]
    used = {key for source in sources for key in re.findall(r"\bt\.([a-z_]+)", source)}
    assert used <= set(WORDS), used - set(WORDS)
    code = "\n".join(path.read_text("utf-8") for path in CODE)
    spoken = {key for key in WORDS if f'"{key}"' in code}
    made = {key for key in WORDS if key.startswith(("state_", "hop_", "batch_", "window_", "for_", "heading_"))}
    assert set(WORDS) - used - spoken - made == set()


def test_templates_never_switch_escaping_off() -> None:
    for path in TEMPLATES:
        source = path.read_text("utf-8")
        assert not re.search(r"\|\s*safe|autoescape|Markup|style=|<script|<style|\son[a-z]+=", source), path.name
        assert not re.search(r"(?:href|value|content|action|src)=\{\{", source), f"{path.name}: unquoted attribute"
    for path in CODE:
        assert "Markup(" not in path.read_text("utf-8")


def test_prose_pages_exist_in_both_languages_with_the_same_parts() -> None:
    for stem in ("help_site", "help_window", "accessibility"):
        shapes = []
        for language in LANGUAGES:
            source = (HALL / "templates" / f"{stem}.{language}.html").read_text("utf-8")
            shapes.append(re.findall(r"<(h1|h2|details|li)\b", source))
        assert shapes[0] == shapes[1], stem


def test_every_group_of_services_has_its_heading() -> None:
    groups = {service.group for service in SERVICES.values() if service.page is not Page.OWN}
    assert groups <= set(HEADING_OF_GROUP) and set(HEADING_OF_GROUP.values()) == set(HEADINGS) <= set(WORDS)


def test_words_are_resolved_once() -> None:
    assert words("en") is words("en") and words("en").help == "Help" and words("zh-CN").help == "帮助"
    assert say("en", "form_saved", time="14:07") == "Draft saved at 14:07"


@pytest.mark.parametrize(
    ("cookie", "header", "language"),
    [
        (None, None, "zh-CN"),
        ("", "", "zh-CN"),
        ("en", "zh", "en"),
        ("fr", "en", "en"),
        (None, "en-GB,en;q=0.9", "en"),
        (None, "zh-TW,en;q=0.9", "zh-CN"),
        (None, "de,en;q=0.1", "en"),
        (None, "de,fr", "zh-CN"),
        (None, "en;q=0,zh;q=0.1", "zh-CN"),
        (None, "en;q=x,;;;,zh;q=1.0.0,==", "zh-CN"),
        (None, "zh;q=0.2,en;q=0.8", "en"),
        (None, "," * 10_000 + "en", "zh-CN"),
    ],
)
def test_the_language_is_the_visitors_choice_then_the_browsers(
    cookie: str | None, header: str | None, language: str
) -> None:
    assert choose(cookie, header) == language
