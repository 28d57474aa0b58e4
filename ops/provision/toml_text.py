"""Writes settings as TOML: the few types that settings have.  Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias, Union

Value: TypeAlias = Union[str, int, bool, Path, "tuple[str, ...]", "Mapping[str, Value]"]


def toml_text(table: Mapping[str, Value], *, note: str = "") -> str:
    """Write a table; nested tables follow under their headings.

    Args:
        table: keys are plain words, except in nested tables of names.
        note: a comment at the head of the file.
    """
    lines = [f"# {line}" for line in note.splitlines()]
    _write(lines, "", table)
    return "\n".join(lines).strip() + "\n"


def _write(lines: list[str], prefix: str, table: Mapping[str, Value]) -> None:
    for key, value in table.items():
        if not isinstance(value, Mapping):
            lines.append(f"{_key(key)} = {_value(value)}")
    for key, value in table.items():
        if isinstance(value, Mapping):
            name = f"{prefix}{_key(key)}"
            lines += ["", f"[{name}]"]
            _write(lines, f"{name}.", value)


def _key(key: str) -> str:
    plain = key.replace("_", "").replace("-", "")
    return key if plain.isascii() and plain.isalnum() else _text(key)


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, tuple):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    return _text(str(value))


def _text(text: str) -> str:
    """Write a basic string: JSON's escapes are TOML's, but TOML escapes DEL, too."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
