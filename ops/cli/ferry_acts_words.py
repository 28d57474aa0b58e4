"""The words of the gatekeepers' commands, and their help."""

from __future__ import annotations

import argparse
import datetime
from typing import Final

from ferry.acts.act import REASONS
from ferry.journal_search import MOST_ROWS
from ferry.lane.crossing import State
from ops.cli.ferry_half import add_side
from ops.cli.words import Words, add_word

NAMES: Final = ("held", "quarantined", "pause", "resume", "log", "lanes", "journal")
_ABOUT: Final = "What gatekeeper operators (网闸操作员) look at and do; the manual is docs/gatekeeper.md."
_MOST_LINES: Final = 10_000


def parser() -> Words:
    """Make the parser."""
    made = Words(prog="ferrygate ferry", description=_ABOUT)
    words = made.add_subparsers(dest="word", required=True, metavar="WORD", title="words")
    _add_held(words)
    _add_quarantined(words)
    for name, told in (
        ("pause", "let a lane take nothing more; what waits is kept; --side for the receiving end (暂停通道)"),
        ("resume", "let a paused lane go on (恢复通道)"),
    ):
        word = add_word(words, name, told)
        word.add_argument("lane", metavar="LANE", help="inbound-interactive, outbound-bulk, ...")
        _add_act(word, "maintenance")
    log = add_word(words, "log", "the operators' acts, their chain verified (操作记录)")
    add_side(log)
    log.add_argument("--most", type=_count, default=100, metavar="N", help="newest lines shown (default: 100)")
    add_side(add_word(words, "lanes", "every lane: numbers, gaps, ages, pauses (通道)"))
    _add_journal(words)
    return made


def _add_held(words: argparse._SubParsersAction[Words]) -> None:
    held = add_word(words, "held", "held bundles (待审): look, and release or reject them, two operators each")
    more = held.add_subparsers(dest="held_word", required=True, metavar="WORD", title="words")
    add_side(add_word(more, "list", "what is held, why, and who has said what"))
    for name, told in (
        ("show", "what may be shown of it: seals, services, sizes; never contents"),
        ("release", "say that it may go on; it does when a second operator says so"),
        ("reject", "say that it is rejected for good; it is when a second operator says so"),
    ):
        word = add_word(more, name, told)
        word.add_argument("item", metavar="DIGEST", help="beginning of its digest, at least 6 digits")
        if name == "show":
            add_side(word)
        else:
            _add_act(word, "looked_at")


def _add_quarantined(words: argparse._SubParsersAction[Words]) -> None:
    quarantined = add_word(words, "quarantined", "quarantined bundles (隔离): look only, from their notices")
    more = quarantined.add_subparsers(dest="quarantined_word", required=True, metavar="WORD", title="words")
    listed = add_word(more, "list", "what lies there and why, newest first")
    add_side(listed)
    listed.add_argument("--page", type=_count, default=1, metavar="N", help="which page (default: 1, the newest)")
    show = add_word(more, "show", "everything its notice says, and what to look at; never contents")
    show.add_argument("item", metavar="DIGEST", help="beginning of its digest, at least 6 digits")
    add_side(show)


def _add_act(word: Words, reason: str) -> None:
    add_side(word)
    word.add_argument(
        "--key", metavar="KEY", required=True,
        help="yours: a PKCS#12 or PEM file, card, or card:READER; the passphrase or PIN is asked for",
    )  # fmt: skip
    word.add_argument("--reason", choices=REASONS, default=reason, help=f"why (default: {reason})")


def _add_journal(words: argparse._SubParsersAction[Words]) -> None:
    journal = add_word(words, "journal", "look into a half's journal (流水)")
    more = journal.add_subparsers(dest="journal_word", required=True, metavar="WORD", title="words")
    search = add_word(more, "search", "crossings by request, digest, state or time, newest first")
    add_side(search)
    search.add_argument("--request", default="", metavar="ID", help="id or receipt number (回执号) of a request")
    search.add_argument("--digest", default="", metavar="HEX", help="beginning of a file's, bundle's or leaf's digest")
    search.add_argument("--state", default="", choices=("", *(state.value for state in State)), metavar="STATE",
                        help=", ".join(state.value for state in State))  # fmt: skip
    search.add_argument(
        "--since", type=_instant, default=0, metavar="TIME", help="ISO 8601, for example 2026-01-15T08:00"
    )
    search.add_argument(
        "--until", type=_instant, default=0, metavar="TIME", help="ISO 8601; local time of China if no zone"
    )
    search.add_argument(
        "--most", type=_count, default=50, metavar="N", help=f"rows shown (default: 50; {MOST_ROWS} a page)"
    )


def _instant(text: str) -> int:
    """Take an instant.

    Raises:
        argparse.ArgumentTypeError: not ISO 8601.
    """
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text[:40]}' is no time; for example 2026-01-15T08:00") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.timezone(datetime.timedelta(hours=8)))
    return round(moment.timestamp() * 1000)


def _count(text: str) -> int:
    """Take a number of rows.

    Raises:
        argparse.ArgumentTypeError: not from 1 to 10,000.
    """
    if not text.isdecimal() or not 1 <= int(text) <= _MOST_LINES:
        raise argparse.ArgumentTypeError(f"'{text[:20]}' is not from 1 to {_MOST_LINES}")
    return int(text)
