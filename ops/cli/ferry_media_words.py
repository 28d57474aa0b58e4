"""The words of `ferrygate ferry media`, and their help: an operator needs nothing else."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

from ops.cli.words import Words, add_root, you
from wire_formats.errors import PeerError
from wire_formats.medium import check_serial

_ABOUT: Final = "Carry files over the gap on discs and sticks (光盘, U盘), and keep the media register (介质登记)."
_ROUND: Final = """\
a medium's way:
  sender     register WH-0001                        enter a blank medium, once
             export WH-0001 --to /mnt/usb --key li.p12 --key wang.p12 --slip WH-0001.html
             unmount, print the slip, hand both over
  receiver   mount it read-only:  mount -o ro,nosuid,nodev,noexec /dev/sdX1 /mnt/usb
             import /mnt/usb                         compare the digest with the slip
             receipt WH-0001 --out WH-0001.receipt   carry it back, on another medium
             sanitised WH-0001                       after it was wiped, or destroyed
  sender     receipt --in WH-0001.receipt            counts as acknowledgement
             sanitised WH-0001 | lost WH-0001        a lost one's files go onto the next medium

On the gatekeeper console the export is prepared first, and each operator signs it where his key is:
             sign FILE.statement --key li.p12 --out li.signature
             cancel                                  gives the files of a prepared export back

A disc is burnt from the exported folder or image with any program. --key is an encrypted PKCS#12 or PEM file, or card
(a PIV card in the reader). The whole manual: docs/media.md.
"""


def parser() -> Words:
    """Make the parser."""
    made = Words(
        prog="ferrygate ferry media",
        description=_ABOUT,
        epilog=_ROUND,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    words = made.add_subparsers(dest="word", required=True, metavar="WORD", title="words")
    _add(words, "list", "what waits for a medium, and every medium with its state")
    register = _add(words, "register", "enter a blank medium into the register")
    _add_serial(register)
    register.add_argument("--label", metavar="TEXT", type=_label, default="-", help="what is written on it")
    register.add_argument("--write-once", action="store_true", help="a disc that is written once and then destroyed")
    _add_export(words)
    _add_sign(words)
    _add(words, "cancel", "give the files of a prepared export back; signatures over it are worth nothing any more")
    taken = _add(words, "import", "take the files of a medium in; it must be mounted read-only")
    taken.add_argument("source", metavar="PLACE", type=Path, help="folder it is mounted at, or the image file")
    taken.add_argument("--writable-ok", action="store_true", help="take it although it is mounted writable")
    _add_receipt(words)
    slip = _add(words, "slip", "the accompanying slip (交接单) of a medium's last export")
    _add_serial(slip)
    slip.add_argument("--out", metavar="FILE", type=Path, help="write into this new file (.html: a page to print)")
    _add_serial(_add(words, "sanitised", "note that a medium was wiped, or that a write-once one was destroyed"))
    _add_serial(_add(words, "lost", "note that a medium is lost; its files go onto the next one"))
    history = _add(words, "history", "every act of the register, its chain verified")
    history.add_argument("serial", metavar="SERIAL", nargs="?", default="", help="only this medium")
    return made


def _add_export(words: argparse._SubParsersAction[Words]) -> None:
    export = _add(words, "export", "write what waits onto a medium, signed by two operators")
    _add_serial(export)
    where = export.add_mutually_exclusive_group(required=True)
    where.add_argument("--to", metavar="FOLDER", type=Path, help="where the blank medium is mounted")
    where.add_argument("--image", metavar="FILE", type=Path, help="write one new file instead, to burn or to copy")
    export.add_argument(
        "--key", metavar="KEY", action="append", default=[],
        help="of an operator: a PKCS#12 or PEM file, card, or card:READER; twice, the passphrase or PIN is asked for",
    )  # fmt: skip
    export.add_argument("--slip", metavar="FILE", type=Path, help="write the slip, too (.html: a page to print)")


def _add_sign(words: argparse._SubParsersAction[Words]) -> None:
    """Let an operator sign where his key is; needs no installation."""
    told = "sign a prepared export that the console gave as a file; the signature goes back to the console"
    sign = words.add_parser("sign", help=told, description=f"{told[0].upper()}{told[1:]}.")
    sign.add_argument("statement", metavar="FILE", type=Path, help="the statement, as the console gave it")
    sign.add_argument(
        "--key", metavar="KEY", required=True,
        help="yours: a PKCS#12 or PEM file, card, or card:READER; the passphrase or PIN is asked for",
    )  # fmt: skip
    sign.add_argument("--out", metavar="FILE", type=Path, required=True, help="write the signature into this new file")


def _add_receipt(words: argparse._SubParsersAction[Words]) -> None:
    receipt = _add(words, "receipt", "write the receipt of an imported medium, or take one in that came back")
    receipt.add_argument("serial", metavar="SERIAL", nargs="?", type=_serial, help="of the imported medium")
    which = receipt.add_mutually_exclusive_group(required=True)
    which.add_argument("--out", metavar="FILE", type=Path, help="write the receipt of SERIAL into this new file")
    which.add_argument("--in", dest="take", metavar="FILE", type=Path, help="take this receipt in")


def _add(words: argparse._SubParsersAction[Words], name: str, told: str) -> Words:
    word = words.add_parser(name, help=told, description=f"{told[0].upper()}{told[1:]}.")
    add_root(word)
    word.add_argument(
        "--side", choices=("low", "high"), default="",
        help="which half: low (DMZ) or high (core); needed where both are (default: the one that is here)",
    )  # fmt: skip
    word.add_argument(
        "--operator", metavar="NAME", type=_label, default=you(), help="who answers for it (default: you)"
    )
    return word


def _add_serial(word: argparse.ArgumentParser) -> None:
    word.add_argument(
        "serial", metavar="SERIAL", type=_serial, help="number on the medium: 4 to 32 of A-Z, 0-9 and inner hyphens"
    )


def _serial(text: str) -> str:
    """Take a serial.

    Raises:
        argparse.ArgumentTypeError: outside the grammar.
    """
    try:
        return check_serial(text)
    except PeerError as error:
        raise argparse.ArgumentTypeError(f"'{text[:40]}': {error.private}") from None


def _label(text: str) -> str:
    """Take a line of text.

    Raises:
        argparse.ArgumentTypeError: empty, too long, or not printable.
    """
    if not text or len(text) > 64 or not text.isprintable():
        raise argparse.ArgumentTypeError("1 to 64 printable characters")
    return text
