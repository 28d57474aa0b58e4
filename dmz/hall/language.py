"""Which language a page speaks: the visitor's own choice (cookie), else the browser's (RFC 9110 section 12.5.4)."""

from __future__ import annotations

from typing import Final

from wire_formats.bilingual import LANGUAGES, Language

COOKIE: Final = "lang"
COOKIE_LIFE_S: Final = 365 * 24 * 3600
_MAX_HEADER_CHARACTERS: Final = 512
_MAX_RANGES: Final = 16


def choose(cookie: str | None, accept_language: str | None) -> Language:
    """Choose by cookie, then by `Accept-Language`, then Chinese."""
    for language in LANGUAGES:
        if cookie == language:
            return language
    return _accepted(accept_language or "") or "zh-CN"


def other(language: Language) -> Language:
    """Give the language to switch to."""
    return "en" if language == "zh-CN" else "zh-CN"


def _accepted(header: str) -> Language | None:
    """Give the language of the range with the greatest weight; unknown languages are passed over."""
    best: Language | None = None
    best_weight = 0.0
    for part in header[:_MAX_HEADER_CHARACTERS].split(",")[:_MAX_RANGES]:
        tag, _, parameter = part.strip().partition(";")
        primary = tag.strip().lower().partition("-")[0]
        language: Language | None = {"zh": "zh-CN", "en": "en"}.get(primary)  # type: ignore[assignment]
        weight = _weight(parameter.strip())
        if language is not None and weight > best_weight:
            best, best_weight = language, weight
    return best


def _weight(parameter: str) -> float:
    if not parameter:
        return 1.0
    name, _, value = parameter.partition("=")
    digits = value.strip()
    if name.strip().lower() != "q" or len(digits) > 5 or not digits.replace(".", "", 1).isdigit():
        return 0.0
    return min(float(digits), 1.0)
