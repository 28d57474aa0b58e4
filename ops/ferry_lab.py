"""One end of a diode to be measured (``python -m ops.ferry_lab``): for `make bench-ferry` only, no command leads here.

    python -m ops.ferry_lab send --settings FILE      sends files through the product's own outlet
    python -m ops.ferry_lab receive --settings FILE   takes them from the product's own inlet and compares every byte

The settings are the links of one half (``[diode]``) and what to do with them::

    [lab]
    result = "sent.json"  # written when all is done: one JSON object
    lane = "bulk"
    files = 1000
    bytes = 5000000
    per_second = 0  # files a second; 0: as fast as the outlet takes them
    acknowledged = (
        false  # receiver acknowledges on the opposite link, sender sends again (the ferry's Outbox and Inbox)
    )

A file is 8 bytes number, 8 bytes instant of sending, and a fixed pattern.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from twisted.internet.task import LoopingCall

from ferry.lane.inbox import Inbox
from ferry.lane.outbox import Outbox
from ferry.transports.diode.inlet import DiodeInlet
from ferry.transports.diode.metrics import DiodeMetrics
from ferry.transports.diode.outlet import DiodeOutlet
from ferry.transports.diode.settings import DiodeSettings
from ops.runtime import stopping
from ops.runtime.metrics_page import Health
from ops.runtime.role_main import EXIT_CANNOT_START, Running, Surroundings, run_role, say
from ops.runtime.role_settings import RoleSettings
from wire_formats.drop import DropName
from wire_formats.errors import Kind, Unavailable
from wire_formats.settings_reader import SettingsError, load_settings, number

INBOUND: Final = "inbound"
OUTBOUND: Final = "outbound"
CONTROL: Final = "control"
EPOCH: Final = 1
_HEAD: Final = struct.Struct(">Qd")
#: One acknowledgement: when it was made, all up to a number, and up to 32 numbers that are missing.
_ACK: Final = struct.Struct(">QQ")
_GAP: Final = struct.Struct(">Q")
_TICK_S: Final = 0.001
_ACK_S: Final = 0.05
#: A receiver that hears nothing more for so long has received what it will.
_QUIET_S: Final = 4.0
#: A queue that was full is asked again after this.
_FULL_S: Final = 0.02
_CREDITS: Final = 4096
_AT_ONCE: Final = 256


@dataclass(frozen=True, kw_only=True)
class LabSettings:
    """What to send or to expect; see above."""

    result: Path
    lane: str = "bulk"
    files: int = number(1, least=1, most=10_000_000)
    bytes: int = number(1000, least=_HEAD.size, most=10_000_000)
    per_second: int = number(0, least=0, most=1_000_000)
    acknowledged: bool = False


@dataclass(frozen=True)
class LabFile:
    """A settings file of the lab."""

    diode: DiodeSettings
    lab: LabSettings


def pattern(size: int) -> bytes:
    """Give the part of a file that is always the same."""
    return hashlib.shake_128(size.to_bytes(4, "big")).digest(size - _HEAD.size)


class Lab:
    """What both ends have in common: their links, their time, their result."""

    def __init__(self, file: LabFile, around: Surroundings, sends: str, receives: str) -> None:
        self.lab = file.lab
        self.reactor = around.reactor
        metrics = DiodeMetrics(around.registry)
        self.outlet = DiodeOutlet(
            file.diode, sends, reactor=self.reactor, randomness=around.randomness, metrics=metrics
        )  # fmt: skip
        self.inlet = DiodeInlet(file.diode, receives, reactor=self.reactor, metrics=metrics)
        self.pattern = pattern(file.lab.bytes)
        self._began = self.reactor.seconds()
        self._busy = os.times()
        self._ticker = LoopingCall(self.tick)
        self._ticker.clock = self.reactor
        self.done = False

    async def start(self) -> None:
        """Open the links and begin."""
        self.inlet.prepare()
        self.outlet.prepare()
        self.begin_clock()
        self._ticker.start(_TICK_S, now=False)

    async def stop(self) -> None:
        """Close the links."""
        if self._ticker.running:
            self._ticker.stop()
        self.outlet.close()
        self.inlet.close()

    def begin_clock(self) -> None:
        """Count time and processor time from now on."""
        self._began, self._busy = self.reactor.seconds(), os.times()

    def tick(self) -> None:
        """Do what is due; overridden."""

    def finish(self, told: dict[str, Any], *, ended: float) -> None:
        """Write the result and end the process."""
        busy = os.times()
        told |= {
            "seconds": ended - self._began,
            "cpu_s": busy.user - self._busy.user + busy.system - self._busy.system,
            "out": self.outlet.report().figures | self.outlet.report().lanes[self.lab.lane],
            "in": self.inlet.report().figures | self.inlet.report().lanes[self.lab.lane],
        }
        self.done = True
        self.lab.result.write_text(json.dumps(told), encoding="utf-8")
        stopping.stop(self.reactor)


class LabSender(Lab):
    """Sends the files."""

    def __init__(self, file: LabFile, around: Surroundings) -> None:
        super().__init__(file, around, INBOUND, OUTBOUND)
        self._outbox = Outbox(epoch=EPOCH, most_bundles=_CREDITS, most_bytes=1 << 40)
        self._next = 1
        self._again = 0
        self._full_until = 0.0
        self._looked_s = 0.0

    def tick(self) -> None:
        """Send what the outlet takes, and again what was not acknowledged."""
        if self.done:
            return
        now = self.reactor.seconds()
        try:
            if self.lab.acknowledged:
                self._acknowledgements()
            if self.lab.acknowledged and now - self._looked_s >= _ACK_S:
                self._looked_s = now
                carried = self.outlet.carrying(self.lab.lane)
                for sequence in self._outbox.due(now, most=_AT_ONCE, on_its_way=lambda at: _name(at) in carried):
                    self._again += self._outbox.tries(sequence) > 0
                    self._put(sequence, now)
            self._send(now)
        except Unavailable:
            return
        if self._next > self.lab.files and self.outlet.empty and not len(self._outbox):
            self.finish({"files": self.lab.files, "again": self._again}, ended=now)

    def _send(self, now: float) -> None:
        due = self.lab.files
        if self.lab.per_second:
            due = min(due, int((now - self._began) * self.lab.per_second))
        for _ in range(_AT_ONCE):
            if self._next > due or (self.lab.acknowledged and not self._outbox.has_room()):
                return
            if self.lab.acknowledged:
                self._outbox.add(self._next, self.lab.bytes, now)
            self._next += 1
            try:
                self._put(self._next - 1, now)
            except Unavailable:
                self._next -= not self.lab.acknowledged
                raise

    def _put(self, sequence: int, now: float) -> None:
        if now < self._full_until:
            raise Unavailable(Kind.BUSY)
        data = _HEAD.pack(sequence, now) + self.pattern
        self._full_until = now + _FULL_S
        self.outlet.put(self.lab.lane, _name(sequence), data)
        self._full_until = 0.0
        self._outbox.sent(sequence, now)

    def _acknowledgements(self) -> None:
        for name in self.inlet.waiting(CONTROL, most=16).names:
            data = self.inlet.read(CONTROL, name, limit=1024)
            self.inlet.remove(CONTROL, name)
            made, cumulative = _ACK.unpack_from(data)
            gaps = [gap for (gap,) in _GAP.iter_unpack(data[_ACK.size :])]
            self._outbox.acknowledge(EPOCH, cumulative, gaps, made, now_ms=made)


def _name(sequence: int) -> DropName:
    return DropName(EPOCH, sequence, "lab")


class LabReceiver(Lab):
    """Takes the files and compares them."""

    def __init__(self, file: LabFile, around: Surroundings) -> None:
        super().__init__(file, around, OUTBOUND, INBOUND)
        self._inbox = Inbox(epoch=EPOCH)
        self._seen: set[int] = set()
        self._wrong = self._twice = self._made = 0
        self._waits: list[float] = []
        self._last_s = self._acknowledged_s = 0.0

    def tick(self) -> None:
        """Take what has come; acknowledge now and then."""
        if self.done:
            return
        now = self.reactor.seconds()
        self._take(now)
        if self.lab.acknowledged and now - self._acknowledged_s >= _ACK_S:
            self._acknowledged_s = now
            self._acknowledge()
        quiet = bool(self._seen) and now - self._last_s > _QUIET_S
        if quiet or (len(self._seen) >= self.lab.files and not self.lab.acknowledged):
            self.finish(self._told(), ended=self._last_s)

    def _take(self, now: float) -> None:
        for name in self.inlet.waiting(self.lab.lane, most=_AT_ONCE).names:
            data = self.inlet.read(self.lab.lane, name, limit=self.lab.bytes)
            self.inlet.remove(self.lab.lane, name)
            sequence, sent_s = _HEAD.unpack_from(data)
            if data[_HEAD.size :] != self.pattern or sequence != name.sequence:
                self._wrong += 1
                continue
            self._last_s = now
            self._twice += sequence in self._seen
            if sequence not in self._seen:
                self._waits.append(now - sent_s)
            if not self._seen:
                self.begin_clock()
            self._seen.add(sequence)
            self._inbox.settle(EPOCH, sequence, b"")

    def _acknowledge(self) -> None:
        self._made += 1
        gaps = b"".join(_GAP.pack(gap) for gap in self._inbox.gaps())
        data = _ACK.pack(self._made, self._inbox.cumulative) + gaps
        self.outlet.put(CONTROL, DropName(0, self._made % 64, "lab"), data)

    def _told(self) -> dict[str, Any]:
        waits = sorted(self._waits)
        return {
            "files": len(self._seen),
            "wrong": self._wrong,
            "twice": self._twice,
            "wait_p50_s": waits[len(waits) // 2],
            "wait_p99_s": waits[len(waits) * 99 // 100],
            "wait_most_s": waits[-1],
        }


def run(word: str, settings: Path) -> int:
    """Run one end until it is done; gives the exit code.

    Raises:
        SettingsError: the file cannot be used.
    """
    file = load_settings(LabFile, settings)
    made: Callable[[LabFile, Surroundings], Lab] = LabSender if word == "send" else LabReceiver

    def compose(around: Surroundings) -> Running:
        lab = made(file, around)
        return Running(start=lab.start, stop=lab.stop, health=lambda: Health(ready=not lab.done))

    return run_role(RoleSettings(f"lab-{word}"), compose)


def main() -> int:
    """Run what was asked for; gives the exit code."""
    parser = argparse.ArgumentParser(prog="python -m ops.ferry_lab", description=__doc__)
    parser.add_argument("word", choices=("send", "receive"))
    parser.add_argument("--settings", type=Path, required=True)
    words = parser.parse_args()
    try:
        return run(words.word, words.settings)
    except SettingsError as error:
        say(str(error))
        return EXIT_CANNOT_START


if __name__ == "__main__":
    sys.exit(main())
