"""Reads words of the command line; whatever is wrong with them is one line with the way to the help, exit code 2."""

from __future__ import annotations

import argparse
import getpass
import os
from pathlib import Path
from typing import NoReturn

EXIT_WRONG_WORDS = 2


class Words(argparse.ArgumentParser):
    """A parser whose complaint is one line; the parsers of its subcommands are of the same kind."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and end.

        Raises:
            SystemExit: always, with 2.
        """
        self.exit(EXIT_WRONG_WORDS, f"ferrygate: {message}; `{self.prog} --help` shows what is possible\n")


def add_root(parser: argparse.ArgumentParser) -> None:
    """Let the words name an installation's folder."""
    default = Path(os.environ.get("FERRYGATE_ROOT", "var"))
    told = "folder of the installation (default: FERRYGATE_ROOT, or var)"
    parser.add_argument("--root", metavar="FOLDER", type=Path, default=default, help=told)


def you() -> str:
    """Give the name of whoever runs the command, for logs."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run as a number without a name
        return str(os.getuid())
