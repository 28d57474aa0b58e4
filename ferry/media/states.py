"""The life of a medium, as one half's register sees it.

    blank ──export──▶ exported ──receipt──▶ receipted ──sanitise──▶ sanitised ──export──▶ ...
      │                  └──lost──▶ lost ──(found: receipt)──▶ receipted
      └──import──▶ imported ──receipt written──▶ receipted ──sanitise──▶ sanitised ──import──▶ ...

A write-once medium is used once: it is destroyed, which the register calls sanitised, too.

Source: research, section 5 (ISM 0947 sanitise after each transfer, 1713 media register).
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Final

from wire_formats.bilingual import Label
from wire_formats.errors import Kind, Refused


class MediumState(enum.Enum):
    """Where a medium is."""

    BLANK = "blank"
    EXPORTED = "exported"
    IMPORTED = "imported"
    RECEIPTED = "receipted"
    SANITISED = "sanitised"
    LOST = "lost"


class MediumKind(enum.Enum):
    """What a medium is made of."""

    WRITE_ONCE = "write_once"
    REWRITABLE = "rewritable"


STATE_LABELS: Final[Mapping[MediumState, Label]] = {
    MediumState.BLANK: Label("空白", "blank"),
    MediumState.EXPORTED: Label("已导出", "exported"),
    MediumState.IMPORTED: Label("已导入", "imported"),
    MediumState.RECEIPTED: Label("已回执", "receipted"),
    MediumState.SANITISED: Label("已清除", "sanitised"),
    MediumState.LOST: Label("丢失", "lost"),
}
_MOVES: Final[Mapping[MediumState, frozenset[MediumState]]] = {
    MediumState.BLANK: frozenset({MediumState.EXPORTED, MediumState.IMPORTED, MediumState.LOST}),
    MediumState.EXPORTED: frozenset({MediumState.RECEIPTED, MediumState.LOST}),
    MediumState.IMPORTED: frozenset({MediumState.RECEIPTED, MediumState.SANITISED, MediumState.LOST}),
    MediumState.RECEIPTED: frozenset({MediumState.RECEIPTED, MediumState.SANITISED, MediumState.LOST}),
    MediumState.SANITISED: frozenset({MediumState.EXPORTED, MediumState.IMPORTED, MediumState.LOST}),
    MediumState.LOST: frozenset({MediumState.RECEIPTED, MediumState.SANITISED}),
}


def check_move(serial: str, kind: MediumKind, before: MediumState, after: MediumState) -> None:
    """Check that a medium may go from one state to another.

    Raises:
        Refused: CONFLICT; the text says what the medium is and what has to be done first.
    """
    if kind is MediumKind.WRITE_ONCE and before is MediumState.SANITISED and after is not MediumState.LOST:
        raise Refused(Kind.CONFLICT, f"medium {serial} is write-once and was destroyed; take another one")
    if after not in _MOVES[before]:
        raise Refused(Kind.CONFLICT, f"medium {serial} is {before.value}: it cannot become {after.value}")
