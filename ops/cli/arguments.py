"""Words of the command line to a function that does it."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

ROLES: Final = ("edge", "static", "worker", "ferry_low", "ferry_high", "core", "staff", "ca")
Command = Callable[[], int]


def parse(arguments: list[str]) -> Command:
    """Read the command line.

    Args:
        arguments: the words after ``ferrygate``.

    Returns:
        What to call; it gives the exit code.  Modules of a command are imported only when it runs.

    Raises:
        SystemExit: wrong words (2) or --help (0), after argparse has said why.
    """
    parser = argparse.ArgumentParser(prog="ferrygate", description="Online service hall behind a file gap.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_run(commands)
    _add_up(commands)
    for name, told in (
        ("status", "every role, lane and queue at a glance"),
        ("doctor", "what is missing on this machine, with the remedy"),
    ):
        _with_root(commands.add_parser(name, help=told))
    replace = _with_root(commands.add_parser("replace", help="replace a running process without losing work"))
    replace.add_argument("name", help="for example worker-1")
    _with_root(commands.add_parser("stop", help="stop all roles of a running installation"))
    commands.add_parser("ca", help="certificate authority: ceremony, slips, revocation ...", add_help=False)
    if arguments[:1] == ["ca"]:
        from ops.cli.authority import authority

        return lambda: authority(arguments[1:])
    return _command(parser.parse_args(arguments))


def _add_run(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    run = commands.add_parser("run", help="run one role in this process")
    run.add_argument("role", choices=ROLES)
    run.add_argument("--settings", type=Path, required=True, help="the role's TOML file")


def _add_up(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    up = _with_root(commands.add_parser("up", help="make an installation if there is none, start every role"))
    up.add_argument("--demo-only", action="store_true", help="send one declaration, then stop")
    up.add_argument("--no-demo", action="store_true", help="start the roles and send nothing")


def _with_root(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    default = Path(os.environ.get("FERRYGATE_ROOT", "var"))
    parser.add_argument("--root", type=Path, default=default, help="folder of the installation (default: var)")
    return parser


def _command(found: argparse.Namespace) -> Command:
    if found.command == "run":
        from ops.cli.run import run

        return lambda: run(found.role, found.settings)
    if found.command == "up":
        from ops.cli.up import up

        return lambda: up(found.root.resolve(), demo=not found.no_demo, stay=not found.demo_only)
    if found.command == "doctor":
        from ops.cli.doctor import doctor

        return lambda: doctor(found.root.resolve())
    from ops.cli import running

    if found.command == "replace":
        return lambda: running.replace(found.root.resolve(), found.name)
    if found.command == "stop":
        return lambda: running.stop(found.root.resolve())
    return lambda: running.status(found.root.resolve())
