"""What happened, as a value; and where it is told: metrics, the JSON log, lines for a SIEM.

Every ban, lift and throttle is told. Of single offences only so many a second are: a flood of requests must not become
a flood of lines; what was left out is counted. Metrics count everything.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from twisted.logger import Logger

from dmz.edge.connection_limits import Rate, RateTable
from dmz.edge.watch_port import Trace
from dmz.intrusion.cef import cef_line
from dmz.intrusion.metrics import IntrusionMetrics
from dmz.intrusion.offences import Offence
from dmz.intrusion.subjects import Subject, subject_text
from wire_formats.collaborators import Clock
from wire_formats.instants import SECOND_MS

Sink = Callable[[str], None]
OFFENCE_LINES: Final = Rate(per_second=20.0, burst=200)
_BAN_SEVERITY: Final = 8


class Happening(Enum):
    """What can happen: (word, CEF name, severity; of an offence its own count)."""

    OFFENCE = ("offence", "", 0)
    THROTTLED = ("throttled", "Offender slowed down", 6)
    BANNED = ("banned", "Offender banned", _BAN_SEVERITY)
    LIFTED = ("lifted", "Ban lifted", 3)
    SCANNER_ABSENT = ("clamd_absent", "Virus scanner does not answer", 7)
    SCANNER_BACK = ("clamd_back", "Virus scanner answers again", 2)

    def __init__(self, word: str, told: str, severity: int) -> None:
        self.word = word
        self.told = told
        self.severity = severity


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened.

    Attributes:
        what: of it.
        subject: whom it concerns; None: nobody.
        offence: of an OFFENCE.
        trace: of an OFFENCE.
        score: after it.
        reason: of a ban.
        until_ms: end of a ban.
        count: the how manieth ban in a row.
        by: who banned or lifted: a process, or an operator's name.
    """

    what: Happening
    subject: Subject | None = None
    offence: Offence | None = None
    trace: Trace | None = None
    score: int = 0
    reason: str = ""
    until_ms: int = 0
    count: int = 0
    by: str = ""


class EventTeller:
    """Tells events.

    Args:
        metrics: of this process.
        clock: for the lines' time.
        process: name of this process.
        sinks: take CEF lines; must neither raise nor wait.
    """

    _log = Logger()

    def __init__(self, metrics: IntrusionMetrics, clock: Clock, process: str, sinks: Sequence[Sink] = ()) -> None:
        self._metrics = metrics
        self._clock = clock
        self._process = process
        self._sinks = tuple(sinks)
        self._lines: RateTable[str] = RateTable(OFFENCE_LINES, 1)

    def tell(self, event: Event) -> None:
        """Count an event, log it, and write its line."""
        now_ms = self._clock.now_ms()
        if event.offence is not None:
            self._metrics.offences[event.offence].inc()
            if self._lines.take("", now_ms / SECOND_MS) > 0:
                self._metrics.lines_left_out.inc()
                return
        else:
            self._metrics.actions[event.what.word].inc()
        self._write(event)
        if self._sinks:
            line = cef_line(title_of(event), extension_of(event, now_ms, self._process))
            for sink in self._sinks:
                sink(line)

    def _write(self, event: Event) -> None:
        subject = "" if event.subject is None else subject_text(event.subject)
        match event.what:
            case Happening.OFFENCE:
                self._log.info(
                    "offence_counted",
                    offender=subject,
                    reason="" if event.offence is None else event.offence.word,
                    score=event.score,
                    address="" if event.trace is None else event.trace.address,
                    request_id="" if event.trace is None else event.trace.request_id,
                )
            case Happening.THROTTLED:
                self._log.warn("offender_throttled", offender=subject, score=event.score)
            case Happening.BANNED:
                self._log.warn(
                    "offender_banned",
                    offender=subject,
                    reason=event.reason,
                    until_ms=event.until_ms,
                    count=event.count,
                    operator=event.by,
                )
            case Happening.LIFTED:
                self._log.warn("ban_lifted", offender=subject, operator=event.by)
            case Happening.SCANNER_ABSENT:
                self._log.error("clamd_absent", reason=event.reason)
            case Happening.SCANNER_BACK:
                self._log.info("clamd_back")


def title_of(event: Event) -> tuple[str, str, int]:
    """Give the head of an event's CEF line: signature id, name, severity."""
    if event.offence is not None:
        return event.offence.word, event.offence.told, event.offence.severity
    return event.what.word, event.what.told, event.what.severity


def extension_of(event: Event, now_ms: int, process: str) -> list[tuple[str, str]]:
    """Give the fields of an event's CEF line; custom fields carry their label, as the format asks.

    Args:
        event: what happened.
        now_ms: when it is told.
        process: who tells it.
    """
    told = [("rt", str(now_ms)), ("deviceProcessName", process), ("act", event.what.word)]
    address = event.trace.address if event.trace is not None else ""
    if not address and isinstance(event.subject, str):
        address = event.subject
    if address:
        told.extend(_source(address))
    certificate = event.trace.certificate if event.trace is not None else None
    if certificate is None and isinstance(event.subject, bytes):
        certificate = event.subject
    if certificate is not None:
        told += [("cs1Label", "clientCertificateSha256"), ("cs1", certificate.hex())]
    if event.trace is not None:
        told += [("cs2Label", "window"), ("cs2", event.trace.window), ("externalId", event.trace.request_id)]
    told += [("reason", event.reason), ("suser", event.by)]
    if event.score:
        told += [("cn1Label", "score"), ("cn1", str(event.score))]
    if event.until_ms:
        told += [("end", str(event.until_ms)), ("cnt", str(event.count))]
    return [(key, value) for key, value in told if value]


def _source(address: str) -> list[tuple[str, str]]:
    """Give the source: ``src`` takes IPv4 only; IPv6 has a custom field with a label."""
    if ":" not in address:
        return [("src", address)]
    return [("c6a2Label", "Source IPv6 Address"), ("c6a2", address.partition("/")[0])]
