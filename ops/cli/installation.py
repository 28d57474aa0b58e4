"""Reads ``installation.toml`` for the commands."""

from __future__ import annotations

from pathlib import Path

from ops.cli.faults import CannotRunError
from ops.layout import Installation, Layout
from wire_formats.settings_reader import load_settings


def load(root: Path) -> tuple[Layout, Installation]:
    """Read the installation under ``root``.

    Raises:
        CannotRunError: there is none.
        SettingsError: its file cannot be used.
    """
    layout = Layout(root)
    if not layout.installation.exists():
        raise CannotRunError(f"{root}: no installation here; `make run` or `ferrygate up --root {root}` makes one")
    return layout, load_settings(Installation, layout.installation)
