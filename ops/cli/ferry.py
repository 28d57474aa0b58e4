"""`ferrygate ferry ...`: the words of the ferry; each has a module of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ops.cli.ferry_acts_words import NAMES
from ops.cli.words import Words

_ABOUT: Final = "The ferry over the gap (网闸, 摆渡)."
_MEDIA: Final = "`ferrygate ferry media --help` shows its words."


def ferry(words: Sequence[str]) -> int:
    """Run one subcommand.

    Raises:
        CannotRunError: it cannot be done as asked.
        SettingsError: settings or keys cannot be used.
    """
    if words[:1] == ["media"]:
        from ops.cli.ferry_media import media

        return media(words[1:])
    if words[:1] in (["evidence"], ["verify"]):
        from ops.cli import ferry_log

        return (ferry_log.evidence if words[0] == "evidence" else ferry_log.verify)(words[1:])
    if words[:1] == ["resend-list"]:
        from ops.cli.ferry_resend import resend_list

        return resend_list(words[1:])
    if words[:1] and words[0] in NAMES:
        from ops.cli.ferry_acts import acts

        return acts(words)
    parser = Words(prog="ferrygate ferry", description=_ABOUT)
    named = parser.add_subparsers(dest="word", required=True, metavar="WORD", title="words")
    # Named here for the help only: their own parsers read the rest.
    named.add_parser(
        "media", help="carry files on discs and sticks (光盘, U盘): export, import, register", description=_MEDIA
    )
    named.add_parser("resend-list", help="where there is no way back: what did not arrive, carried by hand")
    named.add_parser("evidence", help="write the evidence that a request, answer or crossing went over the gap (证据)")
    named.add_parser("verify", help="check evidence, or audit the logs of both halves, with public keys only")
    named.add_parser("lanes", help="every lane: numbers, gaps, ages, pauses (通道)")
    named.add_parser("held", help="held bundles (待审): list, show, release, reject; two operators decide")
    named.add_parser("quarantined", help="quarantined bundles (隔离): list, show; from their notices, never contents")
    named.add_parser("pause", help="let a lane take nothing more from its sources (暂停)")
    named.add_parser("resume", help="let a paused lane go on (恢复)")
    named.add_parser("log", help="what operators did, its chain verified (操作记录)")
    named.add_parser("journal", help="search a half's journal by request, digest, state or time (流水)")
    parser.parse_args(words)
    return 0
