"""Words in both languages of the hall: simplified Chinese and English."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

Language = Literal["zh-CN", "en"]

LANGUAGES: Final[tuple[Language, ...]] = ("zh-CN", "en")


class Label(NamedTuple):
    """One text in both languages."""

    zh: str
    en: str

    def of(self, language: Language) -> str:
        """Give the text in one language."""
        return self.zh if language == "zh-CN" else self.en

    def fill(self, **values: object) -> Label:
        """Fill ``{name}`` places in both texts."""
        return Label(self.zh.format(**values), self.en.format(**values))
