"""`ferrygate bans ...`: who is banned at the front door; an operator bans and lifts.

Works on the edge's folder of bans, whether or not an edge runs; a running one takes a change in within a second, on all
its children. Every change is a line in ``log/bans.log`` beside the edge's own log, with the operator's name.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from dmz.intrusion.ban_board import BanBoard, write_ban
from dmz.intrusion.bans import OPERATOR, Ban, BanBook
from dmz.intrusion.cef import cef_line
from dmz.intrusion.events import Event, Happening, extension_of, title_of
from dmz.intrusion.settings import IntrusionSettings
from dmz.intrusion.subjects import Subject, lies_in, parse_networks, parse_subject, subject_text
from ops.cli.faults import CannotRunError
from ops.cli.installation import load
from ops.cli.table import duration, render
from ops.cli.users import check_user
from ops.cli.words import Words, add_operator, add_root, add_word
from ops.layout import Layout
from ops.roles.edge import EdgeFile
from ops.runtime.clock import SystemClock
from ops.runtime.log_output import RotatingFile
from wire_formats.drop import TEMPORARY, prepare_drop
from wire_formats.errors import PeerError, Unavailable
from wire_formats.instants import HOUR_MS, MINUTE_MS, iso
from wire_formats.settings_reader import load_settings

LONGEST_HOURS: Final = 30 * 24
_LENGTH: Final = re.compile(r"([0-9]{1,6})(min|h|d)", re.ASCII)
_UNITS: Final = {"min": MINUTE_MS, "h": HOUR_MS, "d": 24 * HOUR_MS}
_ALL: Final = 1 << 20
_LOG_BYTES: Final = 5_000_000
_LOGS_KEPT: Final = 5
_ABOUT: Final = (
    "Bans at the front door: addresses and client certificates that are turned away for a time. The edge bans by "
    "itself whoever scans, attacks or guesses passwords (docs/intrusion-watch.md). A banned address keeps out only "
    "those without a valid certificate; a certificate is banned wherever it comes from."
)


def bans(words: Sequence[str]) -> int:
    """Run one subcommand and print its lines.

    Raises:
        CannotRunError: no installation, or it cannot be done as asked.
        SettingsError: the edge's settings cannot be used.
    """
    asked = _parser().parse_args(words)
    layout, _ = load(asked.root.resolve())
    settings = load_settings(EdgeFile, layout.settings("edge")).intrusion
    desk = _Desk(layout, settings, asked.operator)
    try:
        if asked.word == "list":
            print(desk.as_json() if asked.json else desk.as_table())
        elif asked.word == "export":
            desk.export(asked.format, asked.out)
        elif asked.word == "add":
            print(desk.add(_subject(asked.subject), asked.length))
        else:
            print(desk.lift(_subject(asked.subject)))
    except Unavailable as error:
        raise CannotRunError(f"{settings.bans}: {error.private}") from None
    except OSError as error:
        raise CannotRunError(f"{error.filename}: {error.strerror}") from None
    return 0


class _Desk:
    """Reads and writes the bans of one edge.

    Raises:
        CannotRunError: another user than the edge's runs this.
    """

    def __init__(self, layout: Layout, settings: IntrusionSettings, operator: str) -> None:
        self._layout = layout
        self._settings = settings
        self._operator = operator
        self._now_ms = SystemClock().now_ms()
        check_user(settings.bans, "the bans", "the edge")
        if not (settings.bans / TEMPORARY).is_dir():  # no edge has run yet; it makes its drop
            prepare_drop(settings.bans)
        self._book = BanBook(settings.ban_rules())
        board = BanBoard(settings.bans, self._book, sender=OPERATOR, keeper=False)
        for ban in board.scan(most=_ALL):
            self._book.take(ban)

    def active(self) -> list[Ban]:
        """The bans that hold now; what ends first comes first."""
        return sorted(self._book.active(self._now_ms), key=lambda ban: (ban.until_ms, subject_text(ban.subject)))

    def as_table(self) -> str:
        """The bans for people."""
        rows = [
            (
                subject_text(ban.subject),
                iso(ban.until_ms),
                duration(ban.until_ms - self._now_ms),
                ban.reason,
                str(ban.count),
                ban.by,
            )
            for ban in self.active()
        ]
        return render(("banned", "until", "left", "reason", "times", "by"), rows) if rows else "nobody is banned"

    def as_json(self) -> str:
        """The bans for programs: a list of objects."""
        told = [
            {
                "subject": subject_text(ban.subject),
                "made": iso(ban.made_ms),
                "until": iso(ban.until_ms),
                "reason": ban.reason,
                "times": ban.count,
                "by": ban.by,
            }
            for ban in self.active()
        ]
        return json.dumps(told, indent=2)

    def as_cef(self) -> str:
        """The bans as CEF lines, for a SIEM that missed the events."""
        events = [
            Event(Happening.BANNED, ban.subject, reason=ban.reason, until_ms=ban.until_ms, count=ban.count, by=ban.by)
            for ban in self.active()
        ]
        return "\n".join(cef_line(title_of(event), extension_of(event, self._now_ms, "bans")) for event in events)

    def export(self, form: str, out: Path | None) -> None:
        """Print the bans, or write them into a file."""
        text = self.as_json() if form == "json" else self.as_cef()
        whole = text + "\n" if text else ""
        if out is None:
            print(whole, end="")
        else:
            out.write_text(whole, encoding="utf-8")

    def add(self, subject: Subject, length_ms: int) -> str:
        """Ban from now on, whatever was said before.

        Raises:
            CannotRunError: the address is trusted.
        """
        if lies_in(subject, parse_networks(self._settings.trusted)):
            raise CannotRunError(f"{subject_text(subject)} is in a trusted network; `trusted` in edge.toml names them")
        ban = self._book.next_ban(subject, OPERATOR, self._now_ms, self._operator)
        ban = Ban(subject, ban.made_ms, ban.made_ms + length_ms, ban.count, OPERATOR, self._operator)
        self._say(ban, "banned")
        return f"{subject_text(subject)} banned until {iso(ban.until_ms)}"

    def lift(self, subject: Subject) -> str:
        """Take a ban back; the next one begins short again.

        Raises:
            CannotRunError: there is none.
        """
        if not self._book.until_ms(subject, self._now_ms):
            raise CannotRunError(f"{subject_text(subject)} is not banned; `ferrygate bans list` shows who is")
        made_ms = self._book.next_ban(subject, OPERATOR, self._now_ms, self._operator).made_ms
        self._say(Ban(subject, made_ms, made_ms, 0, OPERATOR, self._operator), "lifted")
        return f"{subject_text(subject)} lifted"

    def _say(self, ban: Ban, act: str) -> None:
        write_ban(self._settings.bans, ban)
        log = RotatingFile(self._layout.log("edge").with_name("bans.log"), most_bytes=_LOG_BYTES, keep=_LOGS_KEPT)
        line = {
            "time": iso(self._now_ms),
            "event": f"operator_{act}",
            "operator": self._operator,
            "subject": subject_text(ban.subject),
            "until": iso(ban.until_ms),
        }
        log(json.dumps(line, ensure_ascii=False))
        log.close()
        if log.lost:
            raise CannotRunError("the ban holds, but the operators' log could not be written: no space on the disk")


def _subject(text: str) -> Subject:
    try:
        return parse_subject(text)
    except PeerError:
        raise CannotRunError(
            f"'{text[:80]}' is neither an IPv4 address, an IPv6 address, nor the SHA-256 fingerprint of a certificate"
        ) from None


def _length(text: str) -> int:
    """Read a length of time.

    Raises:
        argparse.ArgumentTypeError: none, or too long.
    """
    match = _LENGTH.fullmatch(text)
    length_ms = int(match[1]) * _UNITS[match[2]] if match is not None else 0
    if not 0 < length_ms <= LONGEST_HOURS * HOUR_MS:
        raise argparse.ArgumentTypeError(f"'{text[:20]}' is no length like 30min, 12h or 7d, up to 30d")
    return length_ms


def _parser() -> Words:
    parser = Words(prog="ferrygate bans", description=_ABOUT)
    add_root(parser)
    add_operator(parser)
    words = parser.add_subparsers(dest="word", required=True, metavar="WORD", title="words")
    listed = add_word(words, "list", "who is banned now, until when and why")
    listed.add_argument("--json", action="store_true", help="as JSON, for programs")
    export = add_word(words, "export", "the bans that hold now, for other systems")
    export.add_argument("--format", choices=("json", "cef"), default="cef", help="cef (default) or json")
    export.add_argument("--out", metavar="FILE", type=Path, help="write into this file instead (replaced if it exists)")
    add = add_word(words, "add", "ban an address or a certificate")
    add.add_argument("subject", metavar="WHO", help="IPv4 or IPv6 address (of IPv6 its /64), or SHA-256 fingerprint")
    add.add_argument(
        "--for", dest="length", metavar="LENGTH", type=_length, default=HOUR_MS, help="30min, 12h, 7d … (default: 1h)"
    )
    lift = add_word(words, "lift", "lift a ban before its end")
    lift.add_argument("subject", metavar="WHO", help="as `ferrygate bans list` shows it")
    return parser
