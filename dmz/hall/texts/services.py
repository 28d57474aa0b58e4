"""Headings under which a window's home lists its services; a service's group is the part of its code before the dot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from wire_formats.bilingual import Label

TEXTS: Final[Mapping[str, Label]] = {
    "heading_registration": Label("参保登记", "Enrolment"),
    "heading_declaration": Label("申报", "Declarations"),
    "heading_queries": Label("查询", "Look up"),
    "heading_cases": Label("业务办理情况", "Cases and results"),
}

HEADING_OF_GROUP: Final[Mapping[str, str]] = {
    "employee": "heading_registration",
    "wage": "heading_declaration",
    "unit": "heading_queries",
    "person": "heading_queries",
    "case": "heading_cases",
}

HEADINGS: Final = ("heading_declaration", "heading_registration", "heading_queries", "heading_cases")
