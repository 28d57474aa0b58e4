"""Reads words of the command line; whatever is wrong with them is one line with the way to the help, exit code 2."""

from __future__ import annotations

import argparse
import getpass
import os
import re
from pathlib import Path
from typing import Final, NoReturn

EXIT_WRONG_WORDS = 2
_ACCOUNT_ID: Final = re.compile("[0-9a-f]{32}")
#: What a user name may have; the narrowest log takes 32 characters.
_OPERATOR_CHARACTERS: Final = 32
_OPERATOR: Final = re.compile(f"[A-Za-z0-9_.@-]{{1,{_OPERATOR_CHARACTERS}}}")
_OTHER_SIGNS: Final = re.compile("[^A-Za-z0-9_.@-]")


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


def add_operator(parser: argparse.ArgumentParser) -> None:
    """Let the words name who answers for an act, for the log."""
    default = _OTHER_SIGNS.sub("-", you())[:_OPERATOR_CHARACTERS]
    told = "who answers for it, for the log (default: you)"
    parser.add_argument("--operator", metavar="NAME", type=operator_name, default=default, help=told)


def operator_name(text: str) -> str:
    """Take the name of who answers for an act.

    Raises:
        argparse.ArgumentTypeError: too long for the log, or with other signs than a user name has.
    """
    if not _OPERATOR.fullmatch(text):
        raise argparse.ArgumentTypeError(f"'{text[:40]}' is no name for the log: 1 to 32 of A-Z a-z 0-9 _ . @ -")
    return text


def add_word(words: argparse._SubParsersAction[Words], name: str, told: str) -> Words:
    """Add a word with its explanation."""
    return words.add_parser(name, help=told, description=f"{told[0].upper()}{told[1:]}.")


def account_id(text: str) -> str:
    """Take an account's id; a user name would make a certificate that belongs to nobody.

    Raises:
        argparse.ArgumentTypeError: not an id.
    """
    if not _ACCOUNT_ID.fullmatch(text):
        raise argparse.ArgumentTypeError(
            f"'{text[:40]}' is no id of an account: 32 hexadecimal digits, shown by `ferrygate core find`; no user name"
        )
    return text


def you() -> str:
    """Give the name of who runs this process."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run as a number without a name
        return str(os.getuid())
