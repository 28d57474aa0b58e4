"""How long the path of a Unix socket may be: said before anything starts, and not by the kernel in the middle of it.

Source: unix(7): ``sun_path`` has 108 bytes, the last of them NUL.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from wire_formats.settings_reader import SettingsError

MOST_BYTES: Final = 107


def too_long(path: Path) -> str:
    """Say in one line why a path cannot be a Unix socket's; empty when it can."""
    size = len(os.fsencode(path))
    if size <= MOST_BYTES:
        return ""
    return f"{path}: the path of a Unix socket has at most {MOST_BYTES} bytes, this one has {size}"


def check_socket_paths(*paths: Path) -> None:
    """Check that each path can be a Unix socket's.

    Raises:
        SettingsError: one cannot.
    """
    for path in paths:
        if words := too_long(path):
            raise SettingsError(f"{words}; put the installation or the socket into a folder with a shorter path")
