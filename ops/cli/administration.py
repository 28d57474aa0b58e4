"""`ferrygate core ...`: words to the functions of ``core.cli``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from core import cli
from core.db.engine import open_engine
from core.db.migrate import check_revision
from ops.cli import installation
from ops.cli.faults import CannotRunError
from ops.cli.words import Words, account_id, add_operator, add_root, add_word
from ops.roles.core import CoreFile
from ops.runtime.clock import SystemClock
from wire_formats.errors import HallError
from wire_formats.settings_reader import load_settings

_ABOUT: Final = (
    "The core of an installation: finds and disables accounts and operators, loads official notices. "
    "Works on the production database, beside the running role."
)


def administration(words: Sequence[str]) -> int:
    """Run one subcommand and print its lines.

    Raises:
        CannotRunError: refused, or the database cannot be used.
        SettingsError: the settings or a notice's file cannot be used.
    """
    asked = _parser().parse_args(words)
    layout, _ = installation.load(asked.root.resolve())
    engine = open_engine(load_settings(CoreFile, layout.settings("core")).core.database_url)
    try:
        check_revision(engine)
        lines = _lines(engine, asked)
    except HallError as error:
        raise CannotRunError(str(error)) from None
    except SQLAlchemyError as error:
        raise CannotRunError(
            f"the production database: {type(error).__name__}; `ferrygate doctor` tells more"
        ) from None
    finally:
        engine.dispose()
    print("\n".join(lines))
    return 0


def _lines(engine: Engine, asked: argparse.Namespace) -> list[str]:
    if asked.word == "find":
        return cli.find(engine, asked.text)
    operator, now_ms = asked.operator, SystemClock().now_ms()
    if asked.word == "disable":
        return cli.disable(engine, asked.account, operator=operator, now_ms=now_ms)
    if asked.word == "enable":
        return cli.enable(engine, asked.account, operator=operator, now_ms=now_ms)
    if asked.word == "disable-operator":
        return cli.disable_operator(engine, asked.name, operator=operator, now_ms=now_ms)
    return cli.load_notice(engine, asked.file, operator=operator, now_ms=now_ms)


def _parser() -> Words:
    parser = Words(prog="ferrygate core", description=_ABOUT)
    add_root(parser)
    add_operator(parser)
    words = parser.add_subparsers(dest="word", required=True, metavar="WORD", title="words")
    find = add_word(words, "find", f"find accounts and their ids, at most {cli.MOST_FOUND}")
    find.add_argument(
        "text",
        metavar="TEXT",
        help="an account's id or user name, a unit's credit code, a person's identity number, or a piece of the name",
    )
    for name, told in (
        ("disable", "disable an account; whoever is signed in with it is out at once"),
        ("enable", "enable an account that was disabled"),
    ):
        add_word(words, name, told).add_argument(
            "account", metavar="ACCOUNT", type=account_id, help="id of the account, as `ferrygate core find` shows it"
        )
    add_word(words, "disable-operator", "disable an operator of the staff window").add_argument(
        "name", metavar="NAME", help="the operator's user name"
    )
    add_word(
        words, "load-notice", "load base limits and rates of an official notice, in front of what ships"
    ).add_argument(
        "file", metavar="FILE", type=Path, help="TOML, in the form of core/reference/base_limits.toml and rates.toml"
    )
    return parser
