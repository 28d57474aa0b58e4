r"""clamd's INSTREAM: what is written, and what a reply means. Pure.

::

    → zINSTREAM\0  (length, 4 bytes big-endian; bytes)*  0000
    ← stream: OK\0   |   stream: <signature> FOUND\0   |   <reason> ERROR\0
    → zPING\0  ← PONG\0

One connection for each command. clamd keeps its own limits (StreamMaxLength), and past them the answer is an ERROR.

Source: clamd(8), section COMMANDS.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from enum import Enum
from typing import Final

INSTREAM: Final = b"zINSTREAM\0"
PING: Final = b"zPING\0"
PONG: Final = b"PONG\0"
MAX_REPLY: Final = 4_096
NO_ANSWER: Final = "no_answer"
TOO_LARGE: Final = "too_large"
_LENGTH: Final = struct.Struct(">I")
_FOUND: Final = re.compile(r"stream: ([!-~]{1,200}) FOUND", re.ASCII)
END: Final = _LENGTH.pack(0)


class ScanVerdict(Enum):
    """What a scan gave."""

    CLEAN = "clean"
    INFECTED = "infected"
    NOT_SCANNED = "not_scanned"


@dataclass(frozen=True, slots=True)
class Scanned:
    """The result of a scan.

    Attributes:
        verdict: of it.
        told: the signature's name, or why nothing was scanned.
    """

    verdict: ScanVerdict
    told: str = ""


def portion(data: bytes) -> bytes:
    """Give bytes with their length before them; nothing for none, since an empty portion ends the stream."""
    return _LENGTH.pack(len(data)) + data if data else b""


def read_reply(reply: bytes) -> Scanned:
    """Read a reply of INSTREAM; anything odd is NOT_SCANNED."""
    if not reply:
        return Scanned(ScanVerdict.NOT_SCANNED, NO_ANSWER)
    text = reply.decode("ascii", "replace")
    if text == "stream: OK\0":
        return Scanned(ScanVerdict.CLEAN)
    match = _FOUND.fullmatch(text[:-1]) if text.endswith("\0") else None
    if match is not None:
        return Scanned(ScanVerdict.INFECTED, match[1])
    return Scanned(ScanVerdict.NOT_SCANNED, TOO_LARGE if "size limit exceeded" in text else "clamd_error")
