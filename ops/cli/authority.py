"""`ferrygate ca ...`: words to the functions of ``ca.cli``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry

from ca import cli
from ca.authority import Authority, open_authority
from ca.lifecycle import KeyState, RevocationReason
from ca.metrics import CaMetrics
from ca.profile_table import load_profiles
from ops.cli.faults import CannotRunError
from ops.cli.words import Words, account_id, add_operator, add_root, add_word
from ops.layout import Layout
from ops.roles.ca import CaFile
from ops.runtime.clock import SystemClock, SystemRandomness
from wire_formats.certificate_names import CERTIFICATE_WINDOWS
from wire_formats.errors import HallError
from wire_formats.settings_reader import load_settings

_ABOUT: Final = (
    "The certificate authority of an installation: makes slips and certificates, revokes them, writes the lists. "
    "Works on the authority's own database, beside the running role."
)


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
    if asked.word in {"crl", "staple", "verify-log"}:
        return _publications(opened, asked, crl_folder)
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
    return cli.sign_request(
        opened, asked.file, profile=asked.profile, name=asked.name, hosts=tuple(asked.host), operator=operator
    )


def _publications(opened: Authority, asked: argparse.Namespace, crl_folder: Path) -> list[str]:
    if asked.word == "staple":
        return cli.write_staple(opened, asked.certificate, asked.file, clock=SystemClock())
    if asked.word == "crl":
        return cli.write_lists(opened, crl_folder, clock=SystemClock())
    return cli.verify_log(opened)


def _parser() -> Words:
    parser = Words(prog="ferrygate ca", description=_ABOUT)
    add_root(parser)
    add_operator(parser)
    words = parser.add_subparsers(dest="word", required=True, metavar="WORD", title="words")
    ceremony = add_word(words, "ceremony", "make a root and issuing authorities from a reviewed file")
    ceremony.add_argument("file", metavar="FILE", type=Path, help="TOML; set-up writes one to ca/ceremony.toml")
    _add_slip_words(words)
    revoke = add_word(words, "revoke", "revoke a slip or a certificate; reaches the edges within seconds")
    revoke.add_argument("which", metavar="NUMBER", help="number of the slip, or serial of the certificate")
    reasons = tuple(reason.name.lower() for reason in RevocationReason)
    revoke.add_argument(
        "--reason", metavar="REASON", choices=reasons, default="unspecified", help=f"one of {', '.join(reasons)}"
    )
    sign = add_word(words, "sign", "print a certificate for a signing request, as PEM with its chain")
    sign.add_argument("file", metavar="FILE", type=Path, help="the signing request (PEM or DER)")
    profiles = tuple(load_profiles())
    sign.add_argument(
        "--profile", metavar="PROFILE", required=True, choices=profiles, help=f"one of {', '.join(profiles)}"
    )
    sign.add_argument("--name", metavar="NAME", default="", help="of the holder, where the profile wants one")
    sign.add_argument("--host", metavar="HOST", action="append", default=[], help="name of a server; may be repeated")
    staple = add_word(words, "staple", "write the OCSP response that a server passes to its clients, good for a week")
    staple.add_argument("certificate", metavar="CERTIFICATE", type=Path, help="of the server, PEM")
    staple.add_argument("file", metavar="FILE", type=Path, help="to write; the edge reads dmz/keys/server.ocsp")
    add_word(words, "crl", "write the revocation list of every authority")
    add_word(words, "verify-log", "recompute the chain of the authority's log and print its last digest")
    return parser


def _add_slip_words(words: argparse._SubParsersAction[Words]) -> None:
    prepare = add_word(words, "prepare", "make a slip (密码条) for an account; its secrets are printed once")
    prepare.add_argument(
        "account",
        metavar="ACCOUNT",
        type=account_id,
        help="id of the account the certificate is for: 32 hexadecimal digits, as `ferrygate core find` shows it",
    )
    prepare.add_argument(
        "--window",
        metavar="WINDOW",
        required=True,
        choices=CERTIFICATE_WINDOWS,
        help=f"one of {', '.join(CERTIFICATE_WINDOWS)}",
    )
    prepare.add_argument("--display", metavar="NAME", default="", help="name shown in the certificate")
    enable = add_word(words, "enable", "enable a slip for one download, after its agreement is signed")
    enable.add_argument("number", metavar="NUMBER", help="number of the slip")
    enable.add_argument("--agreement", metavar="NUMBER", required=True, help="number of the signed agreement")
    listed = add_word(words, "list", "up to 200 slips in order of number")
    listed.add_argument(
        "--window", metavar="WINDOW", choices=CERTIFICATE_WINDOWS, default="", help="only those of this window"
    )
    states = tuple(state.value for state in KeyState)
    listed.add_argument(
        "--state", metavar="STATE", choices=states, default="", help=f"only those in this state: {', '.join(states)}"
    )
    listed.add_argument(
        "--after", metavar="NUMBER", default="", help="only numbers after this one, to go on with a list"
    )
    add_word(words, "status", "one slip with its times").add_argument(
        "number", metavar="NUMBER", help="number of the slip"
    )
