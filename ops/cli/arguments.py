"""Words of the command line to a function that does it."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Final

from ops.cli.words import Words, add_root
from ops.layout import TRANSPORTS

ROLES: Final = (
    "edge", "static", "worker", "ferry_low", "ferry_high", "ferry_inspector", "core", "staff", "ca", "gatekeeper",
    "gatekeeper_low", "ferry_media",
)  # fmt: skip
LANGUAGES: Final = ("en", "zh-CN")
_HELP_COLUMNS: Final = 100
Command = Callable[[], int]

_ABOUT: Final = (
    "A city's online social-insurance hall whose production data cannot be reached from the internet. "
    "Begin with `ferrygate up`: it makes a demonstration in the folder var, starts every role, sends one wage "
    "declaration through the front door and prints addresses, accounts and passwords."
)
_MORE: Final = """\
`ferrygate COMMAND --help` shows the words of a command.

environment:
  FERRYGATE_ROOT        folder of the installation, where --root is not given (default: var)
  FERRYGATE_PORT_BASE   when an installation is made: its windows listen on this port and the next ones
  CITY_UNITS            when an installation is made: units of the synthetic city (default: 300)
  FERRYGATE_HOSTS       when an installation is made: names of its front door (default: localhost 127.0.0.1)
  FERRYGATE_WORKERS, FERRYGATE_EDGES
                        when an installation is made: how many workers and edges
  FERRYGATE_TRANSPORT   when an installation is made: directory or diode, as --transport

exit codes:
  0 done   1 failed, or something is not healthy   2 cannot run as asked (one line says why)   130 interrupted
"""
_UP: Final = (
    "Make an installation if there is none, start every role, send one real wage declaration, then serve until "
    "Ctrl-C or `ferrygate stop`. An installation that is there already is used as it is; to it the workbooks are sent "
    "with --demo-only, else one employee is declared."
)
_STATUS: Final = (
    "Show every process with its state, age and figures, and every lane of the ferry. "
    "Exit code 0 when all are healthy, otherwise 1."
)
_DOCTOR: Final = (
    "Look at this machine and at the installation: Python, packages, clock, disk, ports, settings, keys, databases; "
    "each line says what was found and what to do. Changes nothing. Exit code 0 when nothing is broken, otherwise 1."
)
_REPLACE: Final = (
    "Start one process anew. The new static, worker or edge process starts beside the old one, takes over its "
    "listening sockets, and only when it is healthy does the old one finish what it has begun and end; if it does not "
    "become healthy, the old one serves on. Any other process ends before the new one starts; what is for it waits in "
    "files. No request and no session is lost. Returns when the new one is healthy and the old one has ended."
)
_UPGRADE: Final = (
    "After the code, a package or a settings file has changed: replace the front door (static, then every worker, then "
    "the edge) one process after the other, as `ferrygate replace` does, while `ferrygate up` runs and the load goes "
    "on. Stops at the first that does not become healthy: that one and those after it serve on as they were. The "
    "ferry, the core, the staff window and the certificate authority are replaced when they are named. Old and new "
    "serve side by side for a moment, so a version's database changes and frames must leave the one before it working."
)
_STOP: Final = (
    "Ask a running `ferrygate up` to stop all its roles in order; what is under way is finished. "
    "Returns when everything has stopped."
)
_RUN: Final = (
    "Run one role in the foreground until it is told to stop (SIGTERM), for a service manager. "
    "`ferrygate up` does the same for every role of an installation."
)
_OPENAPI: Final = (
    "Print the OpenAPI 3.1 document of all services as JSON, made from the same declarations as the forms: "
    "paths with the fields of each form, and the schemas of what crosses the gap. Needs no installation."
)
_UNITS: Final = (
    "Write systemd units for every process of an installation, with users (sysusers.d) and owners of folders "
    "(tmpfiles.d): one user per zone, walls around each process. Changes nothing here; tells what comes next."
)
_WAF: Final = "Web application firewall: `ferrygate waf --help` shows its words."
_BANS: Final = "Bans at the front door: `ferrygate bans --help` shows its words."
_FERRY: Final = "The ferry over the gap: `ferrygate ferry --help` shows its words."
_CORE: Final = "Accounts, operators, official notices: `ferrygate core --help` shows its words."
_CA: Final = "Certificate authority: `ferrygate ca --help` shows its words."


def parse(arguments: list[str]) -> Command:
    """Read the command line.

    Args:
        arguments: the words after ``ferrygate``.

    Returns:
        What to call; it gives the exit code.  Modules of a command are imported only when it runs.

    Raises:
        SystemExit: wrong words (2, after one line that says why) or --help (0).
    """
    if arguments[:1] == ["ca"]:
        from ops.cli.authority import authority

        return lambda: authority(arguments[1:])
    if arguments[:1] == ["waf"]:
        from ops.cli.firewall import firewall

        return lambda: firewall(arguments[1:])
    if arguments[:1] == ["bans"]:
        from ops.cli.bans import bans

        return lambda: bans(arguments[1:])
    if arguments[:1] == ["ferry"]:
        from ops.cli.ferry import ferry

        return lambda: ferry(arguments[1:])
    if arguments[:1] == ["core"]:
        from ops.cli.administration import administration

        return lambda: administration(arguments[1:])
    return _command(_parser().parse_args(arguments))


def _parser() -> Words:
    about = textwrap.fill(_ABOUT, _HELP_COLUMNS)
    parser = Words(
        prog="ferrygate", description=about, epilog=_MORE, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", title="commands")
    up = _add(commands, "up", "make the installation if there is none, start every role, serve", _UP)
    ways = up.add_mutually_exclusive_group()
    ways.add_argument("--demo-only", action="store_true", help="stop after the declaration")
    ways.add_argument("--no-demo", action="store_true", help="send no declaration")
    up.add_argument(
        "--transport", choices=TRANSPORTS, default="",
        help="joins the ferry's halves in a new installation: directory (default), or diode (UDP one way, on loopback)",
    )  # fmt: skip
    _add(commands, "status", "every role, lane and queue at a glance", _STATUS)
    _add(commands, "doctor", "what is missing on this machine, with the remedy", _DOCTOR)
    replace = _add(commands, "replace", "replace a running process without losing work", _REPLACE)
    replace.add_argument("name", metavar="NAME", help="as `ferrygate status` shows it, for example worker-1")
    upgrade = _add(commands, "upgrade", "replace the front door, one process after the other, under load", _UPGRADE)
    upgrade.add_argument(
        "names", metavar="NAME", nargs="*", help="only these, for example worker-1, or worker for all workers, or core"
    )
    _add(commands, "stop", "stop all roles of a running installation", _STOP)
    run = commands.add_parser("run", help="run one role in the foreground, for a service manager", description=_RUN)
    run.add_argument("role", metavar="ROLE", choices=ROLES, help=f"one of {', '.join(ROLES)}")
    run.add_argument("--settings", metavar="FILE", type=Path, required=True, help="the role's TOML file")
    _add_openapi(commands)
    units = _add(commands, "units", "systemd units, users and owners of folders for an installation", _UNITS)
    units.add_argument("--out", metavar="FOLDER", type=Path, default=Path("units"), help="where to (default: units)")
    # Named here for the help only: their own parsers read the rest.
    commands.add_parser("waf", help="web application firewall: check its rules, explain a verdict", description=_WAF)
    commands.add_parser("bans", help="who is banned at the front door: list, add, lift, export", description=_BANS)
    commands.add_parser("ferry", help="the ferry over the gap: media, evidence, audit of the log", description=_FERRY)
    commands.add_parser("core", help="find and disable accounts, load official notices", description=_CORE)
    commands.add_parser("ca", help="certificate authority: ceremony, slips, revocation, lists, log", description=_CA)
    return parser


def _add(
    commands: argparse._SubParsersAction[Words], name: str, told: str, description: str
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=told, description=description)
    add_root(parser)
    return parser


def _add_openapi(commands: argparse._SubParsersAction[Words]) -> None:
    told = "print the OpenAPI 3.1 document of all services"
    parser = commands.add_parser("openapi", help=told, description=_OPENAPI)
    parser.add_argument("--out", metavar="FILE", type=Path, help="write into this file instead (replaced if it exists)")
    parser.add_argument(
        "--host", default="localhost", help="name of the front door, for addresses (default: localhost)"
    )
    parser.add_argument(
        "--language", choices=LANGUAGES, default="en", help="of titles and descriptions: en (default) or zh-CN"
    )


def _command(found: argparse.Namespace) -> Command:
    if found.command == "run":
        from ops.cli.run import run

        return lambda: run(found.role, found.settings)
    if found.command == "openapi":
        from ops.cli.openapi import openapi

        return lambda: openapi(found.out, host=found.host, language=found.language)
    return _of_an_installation(found)


def _of_an_installation(found: argparse.Namespace) -> Command:
    if found.command == "up":
        from ops.cli.up import up

        return lambda: up(
            found.root.resolve(), demo=not found.no_demo, stay=not found.demo_only, transport=found.transport
        )
    if found.command == "doctor":
        from ops.cli.doctor import doctor

        return lambda: doctor(found.root.resolve())
    if found.command == "units":
        from ops.cli.units import units

        return lambda: units(found.root.resolve(), found.out)
    if found.command == "upgrade":
        from ops.cli.upgrade import upgrade

        return lambda: upgrade(found.root.resolve(), found.names)
    from ops.cli import running

    if found.command == "replace":
        return lambda: running.replace(found.root.resolve(), found.name)
    if found.command == "stop":
        return lambda: running.stop(found.root.resolve())
    return lambda: running.status(found.root.resolve())
