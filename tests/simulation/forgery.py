"""What a hostile hand puts into the folders of the gap and of both sides: forged, torn, foreign, and honest things elsewhere."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

from tests.simulation import processes
from tests.simulation.world import World
from tests.support.wire_samples import answer_item, request_item
from wire_formats.bundle import SealStream, encode_bundle, new_bundle
from wire_formats.drop import DropName
from wire_formats.lane_control import Acknowledgement, Heartbeat, sign_control
from wire_formats.request import LANES
from wire_formats.suites import SigningKey

_FAR: Final = 1 << 40


@dataclass
class Forger:
    """Puts down what nobody may believe."""

    world: World
    chance: random.Random
    _number: int = 0

    def forge(self) -> None:
        """Put down one thing."""
        self._number += 1
        self.chance.choice((self._bundle, self._acknowledgement, self._heartbeat, self._rubbish))()

    def _key(self) -> SigningKey:
        """A key that is known to nobody, or that may not sign this."""
        return self.chance.choice((self.world.kit.stranger, self.world.kit.keys["worker"][0]))

    def _bundle(self) -> None:
        now_ms = self.world.machines["dmz"].now_ms()
        lane, direction = self.chance.choice(LANES), self.chance.choice(("inbound", "outbound"))
        item = request_item(now_ms=now_ms, lane=lane) if direction == "inbound" else answer_item()
        bundle = new_bundle(direction, [item])
        for key in (self.world.kit.stranger, self.world.kit.stranger):
            bundle = SealStream(direction, lane, now_ms).seal(bundle, key, now_ms=now_ms)
        low, high = self.world.gap
        folder = f"{high if direction == 'inbound' else low}/{direction}/{lane}"
        sender = "low" if direction == "inbound" else "high"
        self._put(folder, DropName(now_ms, self._number, sender), encode_bundle(bundle))

    def _acknowledgement(self) -> None:
        """An acknowledgement of everything, so that the sender forgets it."""
        now_ms = self.world.machines["core"].now_ms()
        for direction, half, folder in self._towards():
            running = self.world.roles[half].running
            if running is None:
                continue
            for lane, station in running.half._senders.items():
                outbox = station.sender.outbox
                message = Acknowledgement(lane.direction, lane.lane, outbox.epoch, max(outbox.mark, 1), (), now_ms + 1)
                name = DropName(0, (2 << 8) + self._number % 64, "high" if half == "low" else "low", "notice")
                self._put(f"{folder}/{direction}/control", name, sign_control(message, self._key()))

    def _heartbeat(self) -> None:
        """A heartbeat of an epoch far away, so that the lane closes."""
        now_ms = self.world.machines["core"].now_ms()
        for direction, half, folder in self._towards():
            own = "inbound" if direction == "inbound" else "outbound"
            message = Heartbeat(own, self.chance.choice(LANES), now_ms + _FAR, 1, bytes(32), now_ms)
            name = DropName(0, self._number % 64, "high" if half == "low" else "low", "notice")
            self._put(f"{folder}/{direction}/control", name, sign_control(message, self._key()))

    def _rubbish(self) -> None:
        low, high = self.world.gap
        folder = self.chance.choice((
            f"{high}/inbound/interactive", f"{low}/outbound/bulk", f"{processes.DMZ}/outbox/interactive",
            f"{processes.CORE}/outbox/bulk",
        ))  # fmt: skip
        name = self.chance.choice((str(DropName(1, self._number, "low")), "-rf", "a" * 255, "x.bundle", "‮.notice"))
        self._put(folder, name, self.chance.randbytes(self.chance.choice((0, 1, 300))))

    def _towards(self) -> tuple[tuple[str, str, object], ...]:
        low, high = self.world.gap
        return (("outbound", "low", low), ("inbound", "high", high))

    def _put(self, folder: object, name: object, data: bytes) -> None:
        path = f"{folder}/{name}"
        disk = self.world.disks[path.split("/")[3]]
        if str(folder) not in disk.folders:
            return
        self.world.disturb(f"forged: {len(data)} bytes in {str(folder).removeprefix('/proc/sim/')}")
        try:
            disk.find(path).truncate(0)
        except FileNotFoundError:
            disk.create(path)
        disk.find(path).write(data, 0)
