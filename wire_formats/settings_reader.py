"""Strict TOML to a frozen dataclass: one class per role, one file per process.

An unknown key, a missing key, a wrong type or a value out of range is refused with the name of the
file and the key, before anything starts.

Supported field types: ``str``, ``int``, ``bool``, ``Path``, ``tuple[str, ...]``,
``tuple[int, ...]``, ``dict[str, str]``, ``dict[str, int]``, another settings dataclass, and ``X | None``.
A field's ``metadata`` may carry ``least`` and ``most`` for integers and ``choices`` for text.
Relative paths are resolved against the folder of the settings file.
"""

from __future__ import annotations

import dataclasses
import tomllib
import types
import typing
from pathlib import Path
from typing import Any, TypeVar

S = TypeVar("S")


class SettingsError(Exception):
    """A settings file cannot be used; the text names file, key and remedy in one line."""


def number(default: int, *, least: int, most: int) -> Any:
    """Declare an integer setting with its range.

    Returns:
        A dataclass field, so that a class reads ``port: int = number(7002, least=0, most=65535)``.
    """
    return dataclasses.field(default=default, metadata={"least": least, "most": most})


def read_settings(cls: type[S], text: str, source: Path) -> S:
    """Read one settings file.

    Args:
        cls: a frozen dataclass; fields without default are required.
        text: the TOML text.
        source: the file it came from; relative paths are taken from its folder.

    Raises:
        SettingsError: one line with the file, the key and what to do.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{source}: not valid TOML: {error}") from None
    return _build(cls, table, source, "")


def load_settings(cls: type[S], path: Path) -> S:
    """Read a settings file from disk.

    Raises:
        SettingsError: also when the file cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise SettingsError(
            f"{path}: cannot read settings: {error.strerror}; `ferrygate up` writes them when it makes an installation"
        ) from None
    except UnicodeDecodeError:
        raise SettingsError(f"{path}: not UTF-8 text") from None
    return read_settings(cls, text, path)


def _build(cls: type[S], table: dict[str, Any], source: Path, prefix: str) -> S:
    hints = typing.get_type_hints(cls)
    fields = {field.name: field for field in dataclasses.fields(cls) if field.init}  # type: ignore[arg-type]
    for key in table:
        if key not in fields:
            known = ", ".join(sorted(fields))
            raise SettingsError(f"{source}: unknown setting '{prefix}{key}'; known here: {known}")
    values: dict[str, Any] = {}
    for name, field in fields.items():
        if name in table:
            values[name] = _value(hints[name], table[name], field, source, prefix + name)
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise SettingsError(f"{source}: setting '{prefix}{name}' is missing")
    try:
        return cls(**values)
    except ValueError as error:
        raise SettingsError(f"{source}: {error}") from None


def _value(hint: Any, value: Any, field: dataclasses.Field[Any], source: Path, name: str) -> Any:
    origin = typing.get_origin(hint)
    if origin in (types.UnionType, typing.Union):
        hint = next(part for part in typing.get_args(hint) if part is not type(None))
        origin = typing.get_origin(hint)
    if dataclasses.is_dataclass(hint) and isinstance(value, dict):
        return _build(typing.cast("type[Any]", hint), value, source, f"{name}.")
    if origin is tuple and isinstance(value, list):
        inner = typing.get_args(hint)[0]
        return tuple(_value(inner, item, field, source, f"{name}[{i}]") for i, item in enumerate(value))
    if origin is dict and isinstance(value, dict):
        inner = typing.get_args(hint)[1]
        return {key: _value(inner, item, field, source, f"{name}.{key}") for key, item in value.items()}
    if hint is Path and isinstance(value, str) and value:
        return (source.parent / value).resolve()
    if hint in (str, int, bool) and type(value) is hint:
        return _in_range(value, field, source, name)
    wanted = getattr(hint, "__name__", str(hint))
    raise SettingsError(f"{source}: setting '{name}' must be {wanted}, not {type(value).__name__}")


def _in_range(value: Any, field: dataclasses.Field[Any], source: Path, name: str) -> Any:
    least, most = field.metadata.get("least"), field.metadata.get("most")
    choices = field.metadata.get("choices")
    if type(value) is int and least is not None and most is not None and not least <= value <= most:
        raise SettingsError(f"{source}: setting '{name}' must be from {least} to {most}, not {value}")
    if choices is not None and value not in choices:
        raise SettingsError(f"{source}: setting '{name}' must be one of {', '.join(choices)}, not '{value}'")
    return value
