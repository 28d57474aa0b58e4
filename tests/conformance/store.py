"""Compiled patterns kept between runs: compiling those of a Core Rule Set takes ten seconds and more."""

from __future__ import annotations

from pathlib import Path


class PatternStore:
    """Compiled patterns in a directory, by key.

    Args:
        directory: made when needed; None keeps nothing.
    """

    def __init__(self, directory: Path | None) -> None:
        self._directory = directory
        self._key = ""

    def load(self, key: str) -> bytes | None:
        """Give what was kept under a key."""
        self._key = key
        path = self._directory / key if self._directory else None
        return path.read_bytes() if path is not None and path.is_file() else None

    def keep(self, data: bytes | None) -> None:
        """Keep under the key that was last asked for, unless it is there."""
        if self._directory is None or data is None or (self._directory / self._key).is_file():
            return
        self._directory.mkdir(parents=True, exist_ok=True)
        (self._directory / self._key).write_bytes(data)
