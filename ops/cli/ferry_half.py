"""Which half of the ferry a command is about, and its settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from ferry.settings import HalfSettings
from ops.cli.faults import CannotRunError
from ops.cli.words import Words, add_root
from ops.layout import Layout
from ops.roles.ferry_high import FerryHighFile
from ops.roles.ferry_low import FerryLowFile
from wire_formats.settings_reader import load_settings

FILES: Final[dict[str, Any]] = {"low": FerryLowFile, "high": FerryHighFile}


def add_side(word: Words) -> None:
    """Let the words name the installation and the half."""
    add_root(word)
    word.add_argument(
        "--side", choices=tuple(FILES), default="",
        help="which half: low (DMZ) or high (core); needed where both are (default: the one that is here)",
    )  # fmt: skip


def sides(root: Path, side: str) -> list[str]:
    """Give the halves a command is about: the named one, or those that are here.

    Raises:
        CannotRunError: none is here.
    """
    layout = Layout(root.resolve())
    there = [one for one in FILES if layout.settings(f"ferry_{one}").exists()]
    if not there:
        raise CannotRunError(f"{root}: neither half of the ferry is here; `make run` makes a demonstration")
    return [side] if side else there


def half_settings(root: Path, side: str) -> HalfSettings:
    """Read the settings of one half.

    Raises:
        CannotRunError: both are here and none was named, or none is here.
        SettingsError: they cannot be used.
    """
    found = sides(root, side)
    if len(found) > 1:
        raise CannotRunError("both halves of the ferry are here: say --side low (DMZ) or --side high (core)")
    settings: HalfSettings = load_settings(FILES[found[0]], Layout(root.resolve()).settings(f"ferry_{found[0]}")).ferry
    return settings
