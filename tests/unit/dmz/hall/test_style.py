"""The style sheet: contrast computed from its colours (WCAG 2.2, 1.4.3 and 1.4.11), no dead rules, small."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dmz.hall.frame import LATE_MINUTES

ROOT = Path(__file__).parents[4]
CSS = (ROOT / "dmz" / "static" / "files" / "hall.css").read_text("utf-8")
TEMPLATES = "\n".join(p.read_text("utf-8") for p in (ROOT / "dmz" / "hall" / "templates").glob("*.html"))

TEXT = [
    ("ink", "paper"), ("ink", "sheet"), ("ink", "wash"), ("soft", "paper"), ("soft", "sheet"), ("soft", "wash"),
    ("onriver", "river"), ("onriver", "deep"), ("link", "paper"), ("link", "sheet"), ("link", "wash"),
    ("seal", "paper"), ("seal", "sealwash"), ("seal", "sheet"), ("good", "goodwash"), ("good", "paper"),
    ("warn", "warnwash"), ("ink", "warnwash"), ("ink", "sealwash"), ("ink", "goodwash"), ("focusink", "focus"),
]  # fmt: skip
SHAPES = [("edge", "paper"), ("edge", "sheet"), ("seal", "paper"), ("river", "paper"), ("river", "sheet")]


def colours(scheme: str) -> dict[str, str]:
    light, dark = CSS.partition("@media (prefers-color-scheme: dark)")[::2]
    found = dict(re.findall(r"--([a-z]+): (#[0-9a-f]{6});", light))
    if scheme == "dark":
        found.update(re.findall(r"--([a-z]+): (#[0-9a-f]{6});", dark.partition("}\n}")[0]))
    return found


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def test_the_formula_agrees_with_the_known_extremes() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("front", "back"), TEXT)
def test_text_can_be_read(scheme: str, front: str, back: str) -> None:
    named = colours(scheme)
    assert contrast(named[front], named[back]) >= 4.5, (scheme, named[front], named[back])


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("front", "back"), SHAPES)
def test_borders_of_inputs_and_marks_can_be_seen(scheme: str, front: str, back: str) -> None:
    named = colours(scheme)
    assert contrast(named[front], named[back]) >= 3, (scheme, named[front], named[back])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_focus_ring_is_seen_on_every_ground(scheme: str) -> None:
    named = colours(scheme)
    for ground in ("paper", "sheet", "wash", "deep", "river"):
        best = max(contrast(named["focus"], named[ground]), contrast(named["focusink"], named[ground]))
        assert best >= 3, (scheme, ground)


def test_every_class_is_used_and_every_used_class_exists() -> None:
    rules = re.sub(r"/\*.*?\*/", "", CSS, flags=re.DOTALL)
    ruled = set(re.findall(r"\.([a-z][a-z0-9-]*)", re.sub(r"\{[^{}]*\}", "{}", rules)))
    python = "\n".join(p.read_text("utf-8") for p in (ROOT / "dmz" / "hall").rglob("*.py"))
    written = set(re.findall(r"[a-z][a-z0-9-]*", " ".join(re.findall(r'class="([^"]*)"', TEMPLATES))))
    data = set(re.findall(r'"([a-z][a-z0-9]*)"', python)) | {f"late-{minutes}" for minutes in LATE_MINUTES}
    assert ruled <= written | data, ruled - written - data


def test_it_loads_nothing_and_is_small() -> None:
    assert "@import" not in CSS and "url(" not in CSS and "http" not in CSS
    assert len(CSS.encode()) < 18_000


def test_print_phone_and_forced_colours_are_cared_for() -> None:
    for query in (
        "@media print",
        "max-width: 40rem",
        "forced-colors: active",
        "prefers-reduced-motion",
        ":focus-visible",
    ):
        assert query in CSS
