"""What was asked, field by field, with the catalogue's labels; and what a reviewer should look at twice.  Pure.

Source: catalogue B18, B23, E17; RULES, Identifiers (an unknown area is a warning, 疑点).
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from core.rules.approval import LEAST_CREDIT
from core.staff import texts
from wire_formats.bilingual import Label
from wire_formats.canonical import Json
from wire_formats.catalogue import SERVICES, Service
from wire_formats.field_faults import Fault, words
from wire_formats.field_kinds import CreditCode, Flag, IdNumber, Money, Rows
from wire_formats.fields import Field, Secret
from wire_formats.identifiers import birth_date, credit_code_warning, id_number_warning

YES_NO: Final = {True: Label("是", "Yes"), False: Label("否", "No")}
HIDDEN: Final = Label("（不显示）", "(not shown)")
WORKING_AGE: Final = 16
"""Least age for work (Labour Law, art. 15)."""
PENSION_AGE: Final = 60


class Line(NamedTuple):
    """One field: its label, its value in both languages, and whether it is digits to compare."""

    label: Label
    value: Label
    digits: bool = False


class TableRow(NamedTuple):
    """One row of a batch: its line in the sheet, its cells, and what was wrong with it."""

    number: int
    cells: tuple[Line, ...]
    fault: Label | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What warnings are made of besides the body."""

    today: datetime.date
    period: int
    submitted_month: int
    unit_active: bool = True
    credit_level: int = 100
    clamped: int = 0
    rows_failed: int = 0


class Caution(NamedTuple):
    """One thing to look at twice: code (a key of texts.WARNINGS) and the number its words need."""

    code: str
    value: int = 0


def title_of(service: str) -> Label:
    """Return a service's title; an unknown one keeps its code."""
    entry = SERVICES.get(service)
    return entry.title if entry is not None else Label(service, service)


def lines_of(service: str, body: Mapping[str, Json]) -> tuple[Line, ...]:
    """Return the form's fields in catalogue order; keys the catalogue no longer knows come last, as they are."""
    entry = SERVICES.get(service)
    known = entry.form_fields if entry is not None else ()
    lines = [_line(field, body[field.name]) for field in known if field.name in body]
    table = entry.table.name if entry is not None and entry.table is not None else None
    names = {field.name for field in known} | {table}
    lines += [Line(Label(key, key), _plain(value)) for key, value in body.items() if key not in names]
    return tuple(lines)


def table_of(service: str, body: Mapping[str, Json], *, first: int, rows: int) -> tuple[TableRow, ...]:
    """Return some rows of a batch's table.

    Args:
        service: service code.
        body: one part of the batch.
        first: index of the first row wanted.
        rows: how many at most.
    """
    table = _table(SERVICES.get(service))
    found = body.get(table.name) if table is not None else None
    if table is None or not isinstance(found, list):
        return ()
    shown = []
    for index, row in enumerate(found[first : first + rows], start=first + 1):
        if isinstance(row, dict):
            cells = tuple(_line(column, row[column.name]) for column in table.columns if column.name in row)
            number = row.get("row")
            shown.append(TableRow(number if isinstance(number, int) else index, cells))
    return tuple(shown)


def fault_words(code: str) -> Label:
    """Return the words of a row's fault."""
    return words(Fault(code, {}), Label("该项", "This value"))


def id_numbers_of(service: str, body: Mapping[str, Json], *, first: int = 0, rows: int = 0) -> tuple[str, ...]:
    """Return the identity numbers among the shown fields: whose data a page shows."""
    entry = SERVICES.get(service)
    if entry is None:
        return ()
    found = [body.get(field.name) for field in entry.form_fields if isinstance(field, IdNumber)]
    if entry.table is not None:
        names = [column.name for column in entry.table.columns if isinstance(column, IdNumber)]
        listed = body.get(entry.table.name)
        shown: Sequence[Any] = listed[first : first + rows] if isinstance(listed, list) else ()
        found += [row.get(name) for row in shown if isinstance(row, dict) for name in names]
    return tuple(dict.fromkeys(number for number in found if isinstance(number, str)))


def warnings_of(service: str, body: Mapping[str, Json], facts: Facts) -> tuple[Caution, ...]:
    """Return what a reviewer should look at twice; nothing here refuses a case."""
    return (*_field_warnings(service, body, facts.today), *_fact_warnings(facts))


def _field_warnings(service: str, body: Mapping[str, Json], today: datetime.date) -> Iterator[Caution]:
    entry = SERVICES.get(service)
    for field in entry.form_fields if entry is not None else ():
        value = body.get(field.name)
        if isinstance(field, IdNumber) and isinstance(value, str):
            if id_number_warning(value):
                yield Caution("id_area")
            yield from _age_warnings(value, today)
        if isinstance(field, CreditCode) and isinstance(value, str) and credit_code_warning(value):
            yield Caution("credit_organisation")


def _age_warnings(id_number: str, today: datetime.date) -> Iterator[Caution]:
    born = birth_date(id_number)
    if born is None:
        return
    age = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
    if age < WORKING_AGE:
        yield Caution("age_young", age)
    elif age >= PENSION_AGE:
        yield Caution("age_old", age)


def _fact_warnings(facts: Facts) -> Iterator[Caution]:
    if not facts.unit_active:
        yield Caution("unit_inactive")
    if facts.credit_level < LEAST_CREDIT:
        yield Caution("credit_low", facts.credit_level)
    if facts.period > facts.submitted_month:
        yield Caution("period_later", facts.period)
    if facts.clamped:
        yield Caution("base_clamped", facts.clamped)
    if facts.rows_failed:
        yield Caution("rows_failed", facts.rows_failed)


def _line(field: Field, value: Json) -> Line:
    return Line(field.label, _shown(field, value), isinstance(field, IdNumber | CreditCode | Money))


def _shown(field: Field, value: Json) -> Label:
    if isinstance(field, Secret):
        return HIDDEN
    name = field.name_of(value)
    if name is not None:
        return texts.with_code(name, str(value))
    if isinstance(field, Flag) and isinstance(value, bool):
        return YES_NO[value]
    text = field.write(value)
    return Label(text, text)


def _plain(value: Json) -> Label:
    text = str(value)[:200]
    return Label(text, text)


def _table(entry: Service | None) -> Rows | None:
    return entry.table if entry is not None else None
