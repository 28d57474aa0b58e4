"""From form texts to a body, and from a body to a verdict: the declaration at work.

``check_form`` is for people: it reads every field and reports all errors of all fields.
``check_body`` and ``check_answer`` are for peers: they accept the normal form and raise otherwise.

Source: DESIGN invariant 7; research "msgspec stops at the first error".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from wire_formats.bilingual import Label
from wire_formats.canonical import Json
from wire_formats.catalogue.entry import Service
from wire_formats.errors import Kind, PeerError
from wire_formats.field_faults import Fault, FieldFault, words
from wire_formats.field_kinds import Rows
from wire_formats.fields import Field, to_half_width

#: Text longer than this is not even cleaned; no field is as long.
MAX_TEXT: Final = 4096


@dataclass(frozen=True, slots=True)
class FieldError:
    """One error of one field, ready to be shown."""

    field: Field
    fault: Fault

    @property
    def words(self) -> Label:
        """What the user reads."""
        return words(self.fault, self.field.label)


@dataclass(frozen=True, slots=True)
class FormResult:
    """What reading a form or row gave: a body if there are no errors."""

    body: dict[str, Json]
    errors: tuple[FieldError, ...]
    warnings: tuple[str, ...] = ()


def check_form(service: Service, texts: Mapping[str, str]) -> FormResult:
    """Read the fields of a form; tables are added by the caller.

    Args:
        service: whose form it is.
        texts: field name -> text as typed; unknown names are ignored here (the firewall refuses them).
    """
    return read_texts(service.form_fields, texts)


def read_texts(fields: Sequence[Field], texts: Mapping[str, str]) -> FormResult:
    """Read texts by fields and collect every error and warning."""
    body: dict[str, Json] = {}
    errors: list[FieldError] = []
    warnings: list[str] = []
    for field in fields:
        text = texts.get(field.name, "")
        try:
            value = _read(field, text)
        except FieldFault as wrong:
            errors.append(FieldError(field, wrong.fault))
            continue
        if value is not None:
            body[field.name] = value
            if field.kind not in {"text", "secret"} and to_half_width(text) != text:
                warnings.append("full_width")
    return FormResult(body, tuple(errors), tuple(warnings))


def _read(field: Field, text: str) -> Json:
    if len(text) > max(MAX_TEXT, field.max_length):
        raise FieldFault("too_long", most=field.max_length)
    cleaned = field.clean(text)
    if cleaned == "":
        if field.required:
            raise FieldFault("missing")
        return None
    return field.read(cleaned)


def check_body(service: Service, body: Mapping[str, Json]) -> None:
    """Judge a request's body by its declaration.

    Raises:
        PeerError: BAD_FIELD, naming service and field but never the value.
    """
    _check_object(service.fields, body, service.code)


def check_answer(service: Service, answer: Mapping[str, Json]) -> None:
    """Judge an answer by its declaration: nothing undeclared leaves the core.

    Raises:
        PeerError: BAD_FIELD.
    """
    _check_object(service.answer, answer, service.code)


def _check_object(fields: Sequence[Field], value: Mapping[str, Json], where: str) -> None:
    known = 0
    for field in fields:
        if field.name not in value:
            if field.required:
                raise PeerError(Kind.BAD_FIELD, f"{where}.{field.name}: missing")
            continue
        known += 1
        item = value[field.name]
        try:
            field.check(item)
        except FieldFault as wrong:
            raise PeerError(Kind.BAD_FIELD, f"{where}.{field.name}: {wrong.fault.code}") from None
        if isinstance(field, Rows) and isinstance(item, list):
            _check_rows(field, item, f"{where}.{field.name}")
    if known != len(value):
        raise PeerError(Kind.BAD_FIELD, f"{where}: undeclared field")


def _check_rows(table: Rows, rows: list[Json], where: str) -> None:
    columns = table.wire_columns
    for row in rows:
        if not isinstance(row, dict):
            raise PeerError(Kind.BAD_FIELD, f"{where}: row is not an object")
        _check_object(columns, row, where)
