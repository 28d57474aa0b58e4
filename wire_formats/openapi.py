"""The catalogue as an OpenAPI 3.1 document, from the same declarations as the forms.

It describes what a browser without scripts sends: urlencoded text fields to ``/s/<code>`` of a window,
behind a client certificate and a session cookie.  The body as it crosses the gap and the answer are
given as schemas, for those who write another gatekeeper or core.

Source: OpenAPI 3.1.0; DESIGN invariant 7.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from wire_formats.catalogue import SERVICES, Page, Service
from wire_formats.error_texts import TEXTS
from wire_formats.errors import code_of
from wire_formats.fields import Field, anchored

_PORTS: Final = {"unit": 7002, "community": 7012, "person": 7022, "site": 8443}


def openapi_document(*, host: str = "localhost", language: str = "en") -> dict[str, Any]:
    """Give the whole document as plain data.

    Args:
        host: name of the front door, for the list of servers.
        language: "en" or "zh-CN", for titles and descriptions.
    """
    chinese = language == "zh-CN"
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Ferrygate 网上办事大厅" if chinese else "Ferrygate service hall",
            "version": "1",
            "description": "; ".join(
                f"{code_of(kind)} {entry.title.zh if chinese else entry.title.en}" for kind, entry in TEXTS.items()
            ),
        },
        "servers": [{"url": f"https://{host}:{port}", "description": window} for window, port in _PORTS.items()],
        "paths": {
            f"/s/{entry.code}": _path(entry, chinese=chinese)
            for entry in SERVICES.values()
            if entry.page in (Page.FORM, Page.SEARCH)
        },
        "components": {
            "schemas": {
                name: schema
                for entry in SERVICES.values()
                for name, schema in (
                    (f"{entry.code}.request", object_schema(entry.fields)),
                    (f"{entry.code}.answer", object_schema(entry.answer)),
                )
            },
            "securitySchemes": {
                "certificate": {"type": "mutualTLS"},
                "session": {"type": "apiKey", "in": "cookie", "name": "__Host-session"},
            },
        },
        "security": [{"certificate": [], "session": []}],
    }


def object_schema(fields: Sequence[Field]) -> dict[str, Any]:
    """Give the JSON Schema of an object with these fields, as it crosses the gap."""
    return {
        "type": "object",
        "properties": {field.name: field.schema() for field in fields},
        "required": [field.name for field in fields if field.required],
        "additionalProperties": False,
    }


def _path(entry: Service, *, chinese: bool) -> dict[str, Any]:
    title, summary = (entry.title.zh, entry.summary.zh) if chinese else (entry.title.en, entry.summary.en)
    return {
        "post": {
            "operationId": entry.code,
            "summary": title,
            "description": summary,
            "tags": list(entry.windows),
            "requestBody": {
                "required": True,
                "content": {"application/x-www-form-urlencoded": {"schema": _form_schema(entry, chinese=chinese)}},
            },
            "responses": {"200": {"description": title}, "303": {"description": title}, "422": {"description": title}},
        }
    }


def _form_schema(entry: Service, *, chinese: bool) -> dict[str, Any]:
    properties = {
        field.name: {
            "type": "string",
            "maxLength": field.max_length,
            "pattern": anchored(field.pattern),
            "title": field.label.zh if chinese else field.label.en,
        }
        for field in entry.form_fields
    }
    return {
        "type": "object",
        "properties": properties,
        "required": [field.name for field in entry.form_fields if field.required],
    }
