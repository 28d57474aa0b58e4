"""`ferrygate ferry resend-list`: what did not arrive, carried by hand where there is no way back."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ferry.one_way.keeper import RESEND_LISTS
from ferry.one_way.lists import RESEND_LIST
from ferry.settings import HalfSettings
from ops.cli import installation
from ops.cli.faults import CannotRunError
from ops.cli.words import Words, add_root, add_word
from ops.layout import Layout
from ops.roles.ferry_high import FerryHighFile
from ops.roles.ferry_low import FerryLowFile
from wire_formats.drop import DropName, prepare_drop, write_drop
from wire_formats.errors import PeerError, Unavailable
from wire_formats.instants import iso
from wire_formats.lane_manifest import MAX_LIST_BYTES, ResendList, peek_resend_list
from wire_formats.settings_reader import load_settings

_ABOUT: Final = (
    "Where there is no way back over the gap, the high half writes a signed list of "
    "what did not arrive; a person carries it to the low half, which sends that again."
)


def resend_list(words: Sequence[str]) -> int:
    """Run one act and print its lines.

    Raises:
        CannotRunError: there is no list, or the file is none.
        SettingsError: a half's settings cannot be used.
    """
    asked = _parser().parse_args(words)
    layout, _ = installation.load(asked.root.resolve())
    lines = write(layout, asked.file) if asked.act == "write" else apply(layout, asked.file)
    print("\n".join(lines))
    return 0


def write(layout: Layout, target: Path) -> list[str]:
    """Copy the high half's list to where a person takes it from; gives what it says.

    Raises:
        CannotRunError: there is none.
    """
    settings: HalfSettings = load_settings(FerryHighFile, layout.settings("ferry_high")).ferry
    _check_one_way(settings)
    place = settings.status.with_name(RESEND_LIST)
    try:
        data = place.read_bytes()
    except FileNotFoundError:
        raise CannotRunError("nothing has arrived so far: there is no list to carry") from None
    try:
        target.write_bytes(data)
    except OSError as error:
        raise CannotRunError(f"{target}: {error.strerror}") from None
    return [*_told(_peek(data, place)), f"written to {target}; carry it to the low half, then apply it there"]


def apply(layout: Layout, source: Path) -> list[str]:
    """Hand a list to the low half, which checks its signature; gives what it says.

    Raises:
        CannotRunError: the file is no resend list, or the half's folder cannot be written.
    """
    settings: HalfSettings = load_settings(FerryLowFile, layout.settings("ferry_low")).ferry
    _check_one_way(settings)
    try:
        with source.open("rb") as file:
            data = file.read(MAX_LIST_BYTES + 1)
    except OSError as error:
        raise CannotRunError(f"{source}: {error.strerror}") from None
    found = _peek(data, source)
    folder = settings.status.with_name(RESEND_LISTS)
    try:
        if not folder.exists():  # no half has run yet; it makes its drop
            prepare_drop(folder)
        write_drop(folder, DropName(found.made_ms, 0, "resend-list", "notice"), data)
    except (OSError, Unavailable) as error:
        raise CannotRunError(f"{folder}: cannot be written: {error}") from None
    return [*_told(found), "handed to the low half; `ferrygate status` tells what it made of it (list=...)"]


def _check_one_way(settings: HalfSettings) -> None:
    if not settings.transport.one_way:
        raise CannotRunError("there is a way back here: what is missing is sent again by itself (transport.one_way)")


def _peek(data: bytes, place: Path) -> ResendList:
    try:
        return peek_resend_list(data)
    except PeerError as error:
        raise CannotRunError(f"{place}: no resend list: {error.private}") from None


def _told(found: ResendList) -> list[str]:
    lines = [f"resend list of {iso(found.made_ms)}, {found.direction}: {found.missing} bundles missing"]
    for lane in found.lanes:
        numbers = ", ".join(map(str, lane.missing[:20])) + (" ..." if len(lane.missing) > 20 else "")
        told = f": missing {numbers}" if lane.missing else ""
        lines.append(f"  {lane.lane}: epoch {lane.epoch}, everything arrived up to {lane.cumulative}{told}")
    return lines


def _parser() -> argparse.ArgumentParser:
    parser = Words(prog="ferrygate ferry resend-list", description=_ABOUT)
    add_root(parser)
    acts = parser.add_subparsers(dest="act", required=True, metavar="ACT", title="acts")
    written = add_word(acts, "write", "copy the high half's present list into a file")
    written.add_argument("file", metavar="FILE", type=Path, help="replaced if it exists")
    applied = add_word(acts, "apply", "hand a list to the low half, which sends again what it asks for")
    applied.add_argument("file", metavar="FILE", type=Path, help="as `resend-list write` made it")
    return parser
