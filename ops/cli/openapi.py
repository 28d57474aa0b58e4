"""`ferrygate openapi`: the catalogue as an OpenAPI document, for those who write another client, gatekeeper or core."""

from __future__ import annotations

import json
from pathlib import Path

from ops.cli.faults import CannotRunError
from wire_formats.openapi import openapi_document


def openapi(out: Path | None, *, host: str, language: str) -> int:
    """Print the document, or write it into a file.

    Args:
        out: the file; None prints.
        host: name of the front door.
        language: "en" or "zh-CN".

    Raises:
        CannotRunError: the file cannot be written.
    """
    text = json.dumps(openapi_document(host=host, language=language), ensure_ascii=False, indent=2)
    if out is None:
        print(text, flush=True)
        return 0
    try:
        out.write_text(f"{text}\n", encoding="utf-8")
    except OSError as error:
        raise CannotRunError(f"{out}: {error.strerror}; name a file that can be written") from None
    return 0
