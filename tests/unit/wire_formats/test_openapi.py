"""The OpenAPI document says what the catalogue says."""

from __future__ import annotations

import json

import pytest

from wire_formats.catalogue import SERVICES, Page
from wire_formats.openapi import openapi_document


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_every_form_is_a_path_and_every_service_has_schemas(language: str) -> None:
    document = openapi_document(language=language)
    json.dumps(document)
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
