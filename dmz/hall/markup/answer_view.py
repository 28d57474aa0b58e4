"""An answer as data for pages: definition lists and tables, from the answer's declaration.

Only declared fields are shown, in the declared order; what a body holds beyond them is dropped (the core's outflow
guard would not have let it out either). A value of an unexpected type is shown as missing, never as its Python form.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from dmz.hall.markup import formats
from dmz.hall.markup.reference_place import place_of
from dmz.hall.wording import say
from wire_formats.bilingual import Language
from wire_formats.catalogue import SERVICES
from wire_formats.field_faults import FAULTS, Fault, words
from wire_formats.field_kinds import CreditCode, Day, Flag, IdNumber, Money, Month, Reference, Rows, Whole
from wire_formats.fields import Choice, Field, Secret, Sensitivity

NOTHING: Final = "—"
PAGE_ROWS: Final = 50
_TAGS: Final[Mapping[str, str]] = {
    "effective": "good",
    "audited": "good",
    "partly_effective": "warn",
    "submitted": "warn",
    "reviewing": "warn",
    "rechecking": "warn",
    "refused": "grave",
    "withdrawn": "quiet",
}


@dataclass(frozen=True)
class Cell:
    """One value, written.

    Attributes:
        text: for people.
        kind: "text", "short" (never wrapped), "number", "code" (identifiers, monospaced) or "tag" (a state).
        tag: "good", "warn", "grave" or "quiet" for a state.
        href: where it leads, or "".
    """

    text: str
    kind: str = "text"
    tag: str = ""
    href: str = ""


@dataclass(frozen=True)
class Fact:
    """A label and its value."""

    label: str
    cell: Cell


@dataclass(frozen=True)
class Column:
    """The heading of a column."""

    label: str
    number: bool


@dataclass(frozen=True)
class Table:
    """One page of a table.

    Attributes:
        total: rows of the whole table; page and pages count from 1.
    """

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    total: int
    page: int
    pages: int


@dataclass(frozen=True)
class Block:
    """A part of an answer: facts or a table, in the declared order."""

    facts: tuple[Fact, ...] = ()
    table: Table | None = None


def blocks(
    fields: Sequence[Field],
    body: Mapping[str, object],
    language: Language,
    *,
    page: int = 1,
    links: Mapping[str, str] | None = None,
) -> tuple[Block, ...]:
    """Write an answer.

    Args:
        fields: the declared answer.
        body: the answer.
        language: of labels and words.
        page: which page of its tables.
        links: field name -> prefix of the address its value leads to (a reference number becomes its 32 hex digits).
    """
    made: list[Block] = []
    facts: list[Fact] = []
    for field in fields:
        if isinstance(field, Rows):
            if facts:
                made.append(Block(facts=tuple(facts)))
                facts = []
            made.append(Block(table=_table(field, body.get(field.name), language, page, links or {})))
        elif field.sensitivity is not Sensitivity.SECRET and not _left_out(field, body):
            unit = f" {say(language, 'yuan')}" if isinstance(field, Money) else ""
            written = cell(field, body.get(field.name), language)
            shown = Cell(written.text + unit, "text" if unit else written.kind, written.tag) if unit else written
            facts.append(Fact(field.label.of(language), shown))
    if facts:
        made.append(Block(facts=tuple(facts)))
    return tuple(made)


def cell(field: Field, value: object, language: Language) -> Cell:
    """Write one value of a declared field."""
    if value is None or value == "" or isinstance(field, Secret):
        return Cell(NOTHING)
    if isinstance(field, Flag):
        return Cell(say(language, "yes" if value else "no")) if isinstance(value, bool) else Cell(NOTHING)
    if isinstance(field, Money | Whole):
        return _number(field, value)
    if not isinstance(value, str):
        return Cell(NOTHING)
    if isinstance(field, Choice) and field.name == "state":
        return Cell(_words_of(field, value, language), "tag", _TAGS.get(value, "quiet"))
    if isinstance(field, Month):
        return Cell(formats.month(value, language), "short")
    if isinstance(field, IdNumber | CreditCode | Reference | Day):
        return Cell(value, "code")
    return Cell(_words_of(field, value, language))


def column_label(field: Field, language: Language) -> str:
    """Give a column's heading; amounts name their unit."""
    label = field.label.of(language)
    if isinstance(field, Money) and "元" not in label and "yuan" not in label:
        return label + {"zh-CN": "（元）", "en": " (yuan)"}[language]
    return label


def _number(field: Money | Whole, value: object) -> Cell:
    if not isinstance(value, int) or isinstance(value, bool):
        return Cell(NOTHING)
    if isinstance(field, Money):
        return Cell(formats.yuan(value), "number")
    return Cell(str(value) if field.name in ("year", "row") else formats.count(value), "number")


def _words_of(field: Field, value: str, language: Language) -> str:
    """Give the words behind a code: its declared name, a service's title, a fault's words; else the code itself."""
    name = field.name_of(value)
    if name is not None:
        return name.of(language)
    if field.name == "service" and value in SERVICES:
        return SERVICES[value].title.of(language)
    if field.name == "code" and value in FAULTS:
        return words(Fault(value), field.label).of(language)
    return value


def _left_out(field: Field, body: Mapping[str, object]) -> bool:
    return not field.required and body.get(field.name) in (None, "")


def _table(field: Rows, value: object, language: Language, page: int, links: Mapping[str, str]) -> Table:
    rows = [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []
    pages = max(1, -(-len(rows) // PAGE_ROWS))
    page = min(max(page, 1), pages)
    shown = rows[(page - 1) * PAGE_ROWS : page * PAGE_ROWS]
    return Table(
        caption=field.label.of(language),
        columns=tuple(Column(column_label(c, language), isinstance(c, Money | Whole)) for c in field.columns),
        rows=tuple(tuple(_linked(c, row.get(c.name), language, links) for c in field.columns) for row in shown),
        total=len(rows),
        page=page,
        pages=pages,
    )


def _linked(field: Field, value: object, language: Language, links: Mapping[str, str]) -> Cell:
    written = cell(field, value, language)
    if field.name not in links or not isinstance(value, str) or written.text == NOTHING:
        return written
    place = place_of(value)
    return Cell(written.text, written.kind, written.tag, links[field.name] + place) if place else written
