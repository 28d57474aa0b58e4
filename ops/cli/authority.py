"""`ferrygate ca ...`: words to the functions of ``ca.cli``."""

from __future__ import annotations

import argparse
import getpass
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry

from ca import cli
from ca.authority import Authority, open_authority
from ca.metrics import CaMetrics
from ca.profile_table import load_profiles
from ops.cli.faults import CannotRunError
from ops.layout import Layout
from ops.roles.ca import CaFile
from ops.runtime.clock import SystemClock, SystemRandomness
from wire_formats.certificate_names import CERTIFICATE_WINDOWS
from wire_formats.errors import HallError
from wire_formats.settings_reader import load_settings

_AGREEMENT: Final = "number of the signed agreement"


def authority(words: Sequence[str]) -> int:
    """Run one subcommand and print its lines.

    Raises:
        CannotRunError: refused, or a file cannot be read.
        SettingsError: the settings or a key cannot be used.
    """
    asked = _parser().parse_args(words)
    try:
        lines = _ceremony(asked) if asked.word == "ceremony" else _on_ledger(asked)
    except HallError as error:
        raise CannotRunError(str(error)) from None
    except OSError as error:
        raise CannotRunError(f"{error.filename}: {error.strerror}") from None
    print("\n".join(lines))
    return 0


def _ceremony(asked: argparse.Namespace) -> list[str]:
    return cli.ceremony(asked.file, clock=SystemClock(), randomness=SystemRandomness())


def _on_ledger(asked: argparse.Namespace) -> list[str]:
    settings = load_settings(CaFile, Layout(asked.root.resolve()).settings("ca")).ca
    metrics = CaMetrics(CollectorRegistry(), tuple(load_profiles()))
    opened = open_authority(settings, clock=SystemClock(), randomness=SystemRandomness(), metrics=metrics)
    try:
        return _lines(opened, asked, settings.crl_folder)
    finally:
        opened.ledger.close()


def _lines(opened: Authority, asked: argparse.Namespace, crl_folder: Path) -> list[str]:
    operator: str = asked.operator
    if asked.word == "prepare":
        return cli.prepare(opened, asked.account, asked.window, display=asked.display, operator=operator)
    if asked.word == "enable":
        return cli.enable(opened, asked.number, agreement=asked.agreement, operator=operator)
    if asked.word == "revoke":
        return cli.revoke(opened, asked.which, reason=asked.reason, operator=operator)
    if asked.word == "list":
        return cli.list_slips(opened, window=asked.window, state=asked.state, after=asked.after)
    if asked.word == "status":
        return cli.describe(opened.slips.status(asked.number))
    if asked.word == "sign":
        return cli.sign_request(
            opened, asked.file, profile=asked.profile, name=asked.name, hosts=tuple(asked.host), operator=operator
        )
    if asked.word == "crl":
        return cli.write_lists(opened, crl_folder, clock=SystemClock())
    return cli.verify_log(opened)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ferrygate ca", description="The certificate authority.")
    parser.add_argument("--root", type=Path, default=Path("var"), help="folder of the installation (default: var)")
    parser.add_argument("--operator", default=getpass.getuser(), help="who answers for this act (default: you)")
    words = parser.add_subparsers(dest="word", required=True, metavar="WORD")
    ceremony = words.add_parser("ceremony", help="make a root and issuing authorities from a reviewed file")
    ceremony.add_argument("file", type=Path)
    prepare = words.add_parser("prepare", help="make a slip (密码条); its secrets are printed once")
    prepare.add_argument("account")
    prepare.add_argument("--window", required=True, choices=CERTIFICATE_WINDOWS)
    prepare.add_argument("--display", default="", help="name shown in the certificate")
    enable = words.add_parser("enable", help="enable a slip for one download")
    enable.add_argument("number")
    enable.add_argument("--agreement", required=True, help=_AGREEMENT)
    revoke = words.add_parser("revoke", help="revoke a slip or a certificate; reaches the edges within seconds")
    revoke.add_argument("which", help="certificate number or serial")
    revoke.add_argument("--reason", default="unspecified")
    listed = words.add_parser("list", help="slips in order of number")
    for name in ("window", "state", "after"):
        listed.add_argument(f"--{name}", default="")
    words.add_parser("status", help="one slip with its times").add_argument("number")
    sign = words.add_parser("sign", help="a certificate for a signing request, as PEM")
    sign.add_argument("file", type=Path)
    sign.add_argument("--profile", required=True)
    sign.add_argument("--name", default="")
    sign.add_argument("--host", action="append", default=[])
    words.add_parser("crl", help="write the revocation lists")
    words.add_parser("verify-log", help="recompute the chain of the log")
    return parser
