"""Where rule files come from: a port, and the one that reads a machine's directories.

Nothing that a rule file names leads out: a file must lie in the directory of the file that names it, or below a root
that the operator gave.  Links are followed before that is judged.

Source: ModSecurity reference manual v3, Include and @pmFromFile (relative to the file that names them).
"""

from __future__ import annotations

import glob
from pathlib import Path
from typing import Final, Protocol

from dmz.waf.seclang.model import RuleSetError

#: Signs of a name that a message repeats; the longest path has as many.
MOST_NAME: Final = 4_096


class RuleFiles(Protocol):
    """Finds and reads the files of a rule set."""

    def find(self, pattern: str, beside: str) -> tuple[str, ...]:
        """Give the names of the files that are meant, sorted; () when there are none.

        Args:
            pattern: a path, absolute or relative to the other file, or a glob (``*``, ``?``, ``[…]``).
            beside: the file that names it, as ``find`` gave it; "" for the operator.

        Raises:
            RuleSetError: a file that may not be read from here.
        """

    def read(self, file: str, most: int) -> bytes:
        """Give a file's bytes.

        Args:
            file: a name that ``find`` gave.
            most: bytes that are allowed.

        Raises:
            RuleSetError: unreadable, or larger.
        """


class DirectoryFiles:
    """Rule files below some roots; names are absolute paths without links."""

    def __init__(self, *roots: Path) -> None:
        if not roots:
            raise ValueError("rule files need a root")
        self._roots = tuple(root.resolve() for root in roots)

    def find(self, pattern: str, beside: str) -> tuple[str, ...]:
        """Find as RuleFiles says; the operator's relative paths begin at the first root.

        Raises:
            RuleSetError: a file outside the roots and outside the directory of ``beside``.
        """
        home = Path(beside).parent if beside else self._roots[0]
        try:
            if glob.has_magic(pattern):
                candidates = [Path(name) for name in glob.glob(str(home / pattern))]  # noqa: PTH207  (absolute patterns)
            else:
                candidates = [home / pattern]
            files = sorted({path.resolve() for path in candidates if path.is_file()})
        except (OSError, ValueError, RuntimeError) as error:
            raise RuleSetError(f"cannot look for {pattern[:MOST_NAME]!r}: {error}") from error
        allowed = (*self._roots, *((home,) if beside else ()))
        for path in files:
            if not any(path.is_relative_to(root) for root in allowed):
                raise RuleSetError(f"{pattern[:MOST_NAME]!r} leads out of the rule directories, to {path}")
        return tuple(str(path) for path in files)

    def read(self, file: str, most: int) -> bytes:
        """Read as RuleFiles says.

        Raises:
            RuleSetError: unreadable, or more than ``most`` bytes.
        """
        try:
            with Path(file).open("rb") as stream:
                data = stream.read(most + 1)
        except OSError as error:
            raise RuleSetError(f"cannot read {file}: {error.strerror}") from error
        if len(data) > most:
            raise RuleSetError(f"{file} has more than {most} bytes")
        return data
