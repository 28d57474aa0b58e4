"""The gap between two folders, as a carrier that nobody may trust: it loses, tears, doubles, reorders, delays, repeats.

It moves whole files and looks into none; the control lanes lose and repeat theirs as well.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Final

from tests.simulation.world import World
from wire_formats.drop import TEMPORARY, DropName, parse_name
from wire_formats.errors import PeerError

EVERY_S: Final = 0.03
LANES: Final = ("interactive", "bulk", "control")
_KEPT: Final = 64


@dataclass
class Rates:
    """How often each fate meets a file, 0..1; the rest arrives as it was sent."""

    lose: float = 0.0
    tear: float = 0.0
    flip: float = 0.0
    double: float = 0.0
    delay: float = 0.0
    replay: float = 0.0
    spare_control: bool = False
    """whether the control lanes are left alone"""
    litter: float = 0.0


@dataclass(frozen=True)
class Lost:
    """A bundle the carrier lost."""

    direction: str
    lane: str
    name: DropName
    at: float


@dataclass
class Carrier:
    """Moves files from the sender's folder to the receiver's, in both directions."""

    world: World
    rates: Rates
    chance: random.Random
    down: bool = False
    lost: list[Lost] = field(default_factory=list)
    _waiting: dict[str, float] = field(default_factory=dict)
    _kept: list[tuple[str, bytes]] = field(default_factory=list)

    def start(self) -> None:
        self._turn()

    def _turn(self) -> None:
        self.world.scheduler.after(EVERY_S * self.chance.uniform(0.3, 2.0), self._turn)
        if self.down:
            return
        low, high = self.world.gap
        for source, target, direction in ((low, high, "inbound"), (high, low, "outbound")):
            for lane in LANES:
                self._carry(f"{source}/{direction}/{lane}", f"{target}/{direction}/{lane}", direction, lane)
        if self._kept and self.chance.random() < self.rates.replay:
            path, data = self.chance.choice(self._kept)
            self._put(path, data, "repeats")

    def _carry(self, source: str, target: str, direction: str, lane: str) -> None:
        disk, now = self.world.disks["gap"], self.world.scheduler.now
        if source not in disk.folders or target not in disk.folders:
            return
        names = [name for name in disk.listing(source) if name != TEMPORARY]
        self.chance.shuffle(names)
        for name in names:
            path = f"{source}/{name}"
            if self._waiting.get(path, 0.0) > now:
                continue
            fate = self._fate(already_delayed=path in self._waiting)
            if lane == "control" and self.rates.spare_control:
                fate = ""
            if fate == "delay":
                self._waiting[path] = now + self.chance.uniform(0.05, 3.0)
                continue
            self._waiting.pop(path, None)
            data = bytes(disk.find(path).content)
            disk.unlink(path)
            self._deliver(fate, f"{target}/{name}", data, direction, lane)

    def _fate(self, *, already_delayed: bool) -> str:
        draw, rates = self.chance.random(), self.rates
        for fate in ("lose", "tear", "flip", "double", "litter", "delay"):
            rate = getattr(rates, fate)
            if draw < rate:
                return "" if fate == "delay" and already_delayed else fate
            draw -= rate
        return ""

    def _deliver(self, fate: str, path: str, data: bytes, direction: str, lane: str) -> None:
        if fate == "lose":
            self._lose(path, direction, lane)
            return
        if fate == "tear" and len(data) > 1:
            data = data[: self.chance.randrange(len(data))]
        elif fate == "flip" and data:
            torn = bytearray(data)
            torn[self.chance.randrange(len(torn))] ^= 1 << self.chance.randrange(8)
            data = bytes(torn)
        elif fate == "litter":
            self._put(path.rsplit("/", 1)[0] + "/..strange name", data, "litters")
        elif fate == "double":
            again = self.chance.uniform(0.01, 5.0)
            self.world.scheduler.after(again, lambda: self._put(path, data, "doubles"))
        if self.rates.replay:
            if len(self._kept) >= _KEPT:
                self._kept.pop(self.chance.randrange(_KEPT))
            self._kept.append((path, data))
        self._put(path, data, {"tear": "tears", "flip": "alters"}.get(fate, ""))

    def _lose(self, path: str, direction: str, lane: str) -> None:
        if lane == "control":
            self.world.disturb(f"carrier loses {direction} control")
            return
        self.world.trace.note(f"carrier loses {direction} {lane} {path.rsplit('/', 1)[1]}")
        try:
            self.lost.append(Lost(direction, lane, parse_name(path.rsplit("/", 1)[1]), self.world.scheduler.now))
        except PeerError:
            return

    def _put(self, path: str, data: bytes, verb: str) -> None:
        disk = self.world.disks["gap"]
        if verb:
            self.world.disturb(f"carrier {verb} {path.removeprefix('/proc/sim/gap/')}")
        try:
            inode = disk.find(path)
            inode.truncate(0)
        except FileNotFoundError:
            inode = disk.create(path)
        inode.write(data, 0)
        self.world.gap_changed(path)
