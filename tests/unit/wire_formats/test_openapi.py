"""The OpenAPI document says what the catalogue says, and others can read it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from perf.shapes import texts
from wire_formats.catalogue import SERVICES, Page
from wire_formats.fields import PersonName, Secret, anchored
from wire_formats.openapi import object_schema, openapi_document

KNOWN = {
    "id_number": "11010519491231002X",
    "name": "张·三",
    "start_month": "2024-01",
    "reference": "2024-0000-0000-0000-0000-0000-00",
}


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_every_form_is_a_path_and_every_service_has_schemas(language: str) -> None:
    document = openapi_document(language=language)
    shown = {entry.code for entry in SERVICES.values() if entry.page in (Page.FORM, Page.SEARCH)}
    assert {path.removeprefix("/s/") for path in document["paths"]} == shown
    for entry in SERVICES.values():
        request = document["components"]["schemas"][f"{entry.code}.request"]
        assert list(request["properties"]) == [field.name for field in entry.fields]
        assert request["additionalProperties"] is False
    form = document["paths"]["/s/employee.add"]["post"]["requestBody"]["content"]["application/x-www-form-urlencoded"]
    assert form["schema"]["required"] == ["id_number", "name", "household", "origin", "start_month", "wage"]


def test_codes_of_other_registers_are_named_and_not_closed() -> None:
    answer = openapi_document()["components"]["schemas"]["unit.profile.answer"]["properties"]
    *named, other = answer["district"]["anyOf"]
    assert {"const": "420102", "title": "江岸区 Jiang'an"} in named
    assert len(named) == 13
    assert other["type"] == "string"
    assert answer["unit_state"]["enum"] == ["active", "suspended", "closed"]


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_another_program_takes_the_document(language: str) -> None:
    validate(json.loads(json.dumps(openapi_document(language=language))))


def _patterns(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("pattern"), str):
            yield value["pattern"]
        for inner in value.values():
            yield from _patterns(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _patterns(inner)


def test_patterns_are_of_the_common_dialect() -> None:
    """JSON Schema searches, so a pattern must be anchored; ``\\U`` and ``\\A`` are Python's alone."""
    found = set(_patterns(openapi_document()))
    assert len(found) > 10
    for pattern in found:
        assert (pattern[0], pattern[-1]) == ("^", "$"), pattern
        assert not re.search(r"\\[UAZzNP]|\(\?[^:]", pattern), pattern
        re.compile(pattern)


def test_schemas_judge_as_fields_do() -> None:
    name = PersonName(name="name", label=SERVICES["wage.declare"].title)
    judge = Draft202012Validator(name.schema())
    for good in ("张三", "阿卜杜拉·买买提", "O'Neill", "\U00020000\u4e00"):
        assert judge.is_valid(good)
        name.check(good)
    for wrong in ("张三1", "<张三>", "", "张" * 51):
        assert not judge.is_valid(wrong)
    sealed = Draft202012Validator(object_schema([Secret(name="password", label=name.label)]))
    assert sealed.is_valid({"password": "A" * 200})
    assert not sealed.is_valid({"password": "secret"})
    assert anchored(r"a|[\U00020000-\U0002ffff]") == "^(?:a|[\U00020000-\U0002ffff])$"


@pytest.mark.parametrize("code", ["wage.declare", "employee.add"])
def test_an_honest_form_fits_its_schema(code: str) -> None:
    path = openapi_document()["paths"][f"/s/{code}"]
    schema = path["post"]["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]
    known = {field.name: KNOWN[field.name] for field in SERVICES[code].form_fields if field.name in KNOWN}
    Draft202012Validator(schema).validate(texts(code, known))
