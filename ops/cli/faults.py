"""What ends a command with one clear line and exit code 2."""

from __future__ import annotations


class CannotRunError(Exception):
    """The command cannot run as asked; the text is one line with the remedy."""
