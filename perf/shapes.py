"""What is typed into forms, made from the declarations: every field's kind knows an honest text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from wire_formats.catalogue import service
from wire_formats.fields import Choice, Field

FIRST_MONTH: Final = "2024-01"
LAST_MONTH: Final = "2024-12"
_BY_KIND: Final[dict[str, Callable[[Field], str]]] = {
    "text": lambda _: "",
    "whole": lambda field: "2024" if field.name == "year" else "1",
    "money": lambda _: "5432.10",
    "month": lambda field: LAST_MONTH if field.name.startswith("to_") else FIRST_MONTH,
    "day": lambda _: "",
    "choice": lambda field: next(iter(field.choices)) if isinstance(field, Choice) and field.required else "",
    "flag": lambda _: "yes",
}


def texts(code: str, known: Mapping[str, str]) -> dict[str, str]:
    """Give texts for the form of a service.

    Args:
        code: the service.
        known: fields that must have a certain text (identity numbers, names).

    Raises:
        KeyError: a field has a kind this module cannot make up and ``known`` lacks it.
    """
    given = {}
    for field in service(code).form_fields:
        text = known[field.name] if field.name in known else _BY_KIND[field.kind](field)
        if text:
            given[field.name] = text
    return given
