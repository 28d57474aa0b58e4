"""Which language a page speaks: the visitor's own choice (cookie), else the browser's (RFC 9110 section 12.5.4)."""

from __future__ import annotations

import re
from typing import Final

from wire_formats.bilingual import LANGUAGES, Language

COOKIE_LIFE_S: Final = 365 * 24 * 3600
_MAX_HEADER: Final = 256
_RANGE: Final = re.compile(r"([A-Za-z]{1,8})(?:-[A-Za-z0-9-]{1,30})?(?: ?; ?q=([01](?:\.[0-9]{1,3})?))?", re.ASCII)
_KNOWN: Final[dict[str, Language]] = {"zh": "zh-CN", "en": "en"}


def choose(cookie: str, accept_language: str) -> Language:
    """Choose by cookie, then by `Accept-Language`, then Chinese; either may be empty."""
    for language in LANGUAGES:
        if cookie == language:
            return language
    best: Language = "zh-CN"
    best_weight = 0.0
    for part in accept_language[:_MAX_HEADER].split(","):
        match = _RANGE.fullmatch(part.strip())
        if match is None or match[1].lower() not in _KNOWN:
            continue
        weight = float(match[2] or 1)
        if weight > best_weight:
            best, best_weight = _KNOWN[match[1].lower()], weight
    return best


def other(language: Language) -> Language:
    """Give the language to switch to."""
    return "en" if language == "zh-CN" else "zh-CN"
