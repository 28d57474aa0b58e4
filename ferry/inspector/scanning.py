"""Has what was opened looked at by clamd, where one is set up: nothing passes that was not scanned.

    clamd does not answer at all       the question is not answered; the bundle waits, and is asked for again
    it answers, and fails over these   the same, but told as the inspector's own death would be: counted, item by item,
                                       and after the third time the item is held
    FOUND                              the item is refused and goes to the quarantine, from which nothing is released

What crosses is rows and fields, never a file: the scanner sees the canonical body, and after it every text as the core
will read it, one a line (a virus inside a JSON text is escaped and would not be known there).

A clamd that hangs costs ``deadline_s`` a question and no more than ``question_s`` in all.
Source: research, section 8, "clamd dead or mute"; wire_formats.clamd.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from ferry.inspector.frames import NotScanned, Refusal, Verdict
from wire_formats.canonical import Json, JsonLimits, decode_object
from wire_formats.clamd import (
    END,
    INSTREAM,
    MAX_REPLY,
    NO_ANSWER,
    PING,
    PONG,
    TOO_LARGE,
    Scanned,
    ScanVerdict,
    portion,
    read_reply,
)
from wire_formats.errors import Kind
from wire_formats.request import MAX_CONTENT_BYTES, SALT_BYTES

_PORTION: Final = 1 << 16
_LIMITS: Final = JsonLimits(size_bytes=MAX_CONTENT_BYTES)

#: Gives a connection to clamd, or raises OSError.
Dial = Callable[[], socket.socket]


@dataclass(frozen=True, slots=True)
class ScanLimits:
    """How long and how much.

    Attributes:
        deadline_s: Longest time for one command.
        question_s: Longest time for all items of one question. With a connection that takes ``deadline_s`` before and
            after it stays below the ten seconds at which the kernel ends an inspector.
        most_bytes: Most that is streamed for one item; a larger one is refused.
    """

    deadline_s: float = 3.0
    question_s: float = 3.5
    most_bytes: int = 2 << 20


class Scanner:
    """Asks clamd, one connection per command; blocks, as everything in the inspector's loop does.

    Args:
        dial: gives a connection.
        seconds: a monotonic clock.
        limits: see ScanLimits.
    """

    def __init__(self, dial: Dial, seconds: Callable[[], float], limits: ScanLimits = ScanLimits()) -> None:
        self._dial = dial
        self._seconds = seconds
        self._limits = limits

    def scan_all(self, verdicts: Sequence[Verdict]) -> tuple[Verdict, ...] | NotScanned:
        """Have every opened content scanned; gives the verdicts with what was found, or why there are none."""
        if not self.answers():
            return NotScanned(NO_ANSWER, guilty=False)
        end = self._seconds() + self._limits.question_s
        judged: list[Verdict] = []
        for verdict in verdicts:
            if isinstance(verdict, Refusal):
                judged.append(verdict)
                continue
            stream = scanned_bytes(verdict)
            if len(stream) > self._limits.most_bytes:
                judged.append(Refusal(Kind.TOO_LARGE, "too large for the virus scanner"))
                continue
            scanned = self._scan(stream, end)
            if scanned.verdict is ScanVerdict.NOT_SCANNED:
                return NotScanned(scanned.told, guilty=scanned.told != TOO_LARGE)
            judged.append(_found(scanned) if scanned.verdict is ScanVerdict.INFECTED else verdict)
        return tuple(judged)

    def answers(self) -> bool:
        """Tell whether clamd answers at all."""
        return self._command((PING,), self._seconds() + self._limits.deadline_s) == PONG

    def _scan(self, stream: bytes, end: float) -> Scanned:
        portions = (portion(stream[at : at + _PORTION]) for at in range(0, len(stream), _PORTION))
        until = min(end, self._seconds() + self._limits.deadline_s)
        return read_reply(self._command((INSTREAM, *portions, END), until))

    def _command(self, pieces: Iterable[bytes], until: float) -> bytes:
        """Write a command and give the reply up to its NUL; b"" without one in time."""
        try:
            connection = self._dial()
        except OSError:
            return b""
        with connection:
            # Who refuses what he is sent answers early and hangs up; the reply may be there all the same.
            with suppress(OSError):
                for piece in pieces:
                    connection.settimeout(self._left(until))
                    connection.sendall(piece)
            try:
                return self._reply(connection, until)
            except OSError:
                return b""

    def _reply(self, connection: socket.socket, until: float) -> bytes:
        reply = b""
        while len(reply) <= MAX_REPLY and b"\0" not in reply:
            connection.settimeout(self._left(until))
            if not (more := connection.recv(MAX_REPLY)):
                break
            reply += more
        return reply

    def _left(self, until: float) -> float:
        left = until - self._seconds()
        if left <= 0:
            raise TimeoutError
        return left


def scanned_bytes(content: bytes) -> bytes:
    """Give what the scanner sees of an opened content: the body, then its texts, one a line."""
    body = content[SALT_BYTES:]
    return b"\n".join((body, *(text.encode() for text in _texts(decode_object(body, limits=_LIMITS)))))


def _texts(value: Json) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)


def _found(scanned: Scanned) -> Refusal:
    return Refusal(Kind.INFECTED, f"virus scanner: {scanned.told}")
