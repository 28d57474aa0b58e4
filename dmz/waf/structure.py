"""What people may type into a field of a known kind, honest mistakes included.

A value is one of three: TRUSTED (it has the field's exact form, or holds nothing that could be an attack), TYPED (an
honest mistake perhaps; the page explains it, after the negative rules have seen it), or a fault.

In a number, a month or a name a few signs from a slip of the finger or from a spreadsheet ("'110101…") are honest; more
than STRAY_SIGNS of them are not.
"""

from __future__ import annotations

import enum
import re
from typing import Final

STRAY_SIGNS: Final = 2
LENGTH_FACTOR: Final = 4
LENGTH_SLACK: Final = 64


class Shape(enum.Enum):
    """How a parameter's text is judged."""

    EXACT = "exact"
    """The whole text matches a pattern: made by our own pages."""
    CLOSED = "closed"
    """Empty, or matches a pattern: a choice among fixed values."""
    FORMED = "formed"
    """Typed by people into a field with a form: numbers, months, names."""
    FREE = "free"
    """Typed by people: any text."""
    HIDDEN = "hidden"
    """Anything printable; never looked into."""


class Text(enum.Enum):
    """What a text turned out to be."""

    TRUSTED = "trusted"
    TYPED = "typed"


_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff\ud800-\udfff]")
_CONTROL_BUT_LINES: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff\ud800-\udfff]")
#: Words of any script and the marks of Chinese text that are no signs of any language of machines.
_HARMLESS: Final = re.compile(r"[\w·.\-，。、《》“”‘’…—]*")
#: Long runs of plain letters and digits can hide another text (Base64, serialised objects).
_LONG_RUN: Final = re.compile(r"[A-Za-z0-9_]{16}")
_STRAY: Final = re.compile(r"""[<>'"`;{}\[\]|&^%!#?\\()$]""")


_LONG: Final = 16


def is_harmless(text: str) -> bool:
    """Say whether a text that people typed has no fault and needs no rule, whatever the field."""
    return _HARMLESS.fullmatch(text) is not None and (len(text) < _LONG or _LONG_RUN.search(text) is None)


def fault_of(text: str, shape: Shape, pattern: re.Pattern[str] | None, *, lines: bool) -> str:
    """Give the rule that a text breaks, or "".

    Args:
        text: as sent; its length has been judged.
        shape: how to judge it.
        pattern: of the whole text, for EXACT and CLOSED.
        lines: whether line breaks may occur.
    """
    if (_CONTROL_BUT_LINES if lines else _CONTROL).search(text):
        return "control_character"
    if shape is Shape.EXACT and pattern is not None and not pattern.fullmatch(text):
        return "pattern"
    if shape is Shape.CLOSED and text and pattern is not None and not pattern.fullmatch(text):
        return "choice"
    if shape is Shape.FORMED and len(_STRAY.findall(text)) > STRAY_SIGNS:
        return "signs"
    return ""


def trust_of(text: str, shape: Shape, pattern: re.Pattern[str] | None) -> Text:
    """Tell whether a text without faults needs the negative rules."""
    if shape in (Shape.EXACT, Shape.CLOSED, Shape.HIDDEN):
        return Text.TRUSTED
    if is_harmless(text):
        return Text.TRUSTED
    if shape is Shape.FORMED and pattern is not None and not _STRAY.search(text) and pattern.fullmatch(text):
        return Text.TRUSTED if " " not in text else Text.TYPED
    return Text.TYPED
