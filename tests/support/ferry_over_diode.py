"""Both halves over diodes on loopback and one fake clock."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred

from ferry.settings import DIODE, FerryLimits, TransportSettings
from ferry.transports.diode.settings import DiodeSettings
from tests.support.diode_kit import KEY, StillReactor, free_udp_ports
from tests.support.ferry_kit import (
    EchoCore,
    FerryKit,
    NoWatch,
    SetClock,
    answered_ids,
    request_ids,
    requests,
    worker_author,
)
from tests.support.machines import NOW_MS

STEP_S = 0.01


class Loses:
    """Between an outlet and its socket: loses datagrams."""

    def __init__(self, half: Any, loses: Callable[[bytes], bool]) -> None:
        self._out = half.half._outlet._out
        self._loses = loses
        half.half._outlet._out = self

    def send(self, datagrams: list[bytes]) -> int:
        for datagram in datagrams:
            if not self._loses(datagram):
                self._out.send([datagram])
        return len(datagrams)


class Joined:
    """Both halves, joined by two diodes, or by one."""

    def __init__(
        self, root: Path, loss_per_10000: int = 500, *, one_way: bool = False, limits: FerryLimits = FerryLimits()
    ) -> None:
        self.kit = FerryKit(root)
        self.kit.write_keys()
        (root / "diode.key").write_bytes(KEY)
        self.reactor = StillReactor()
        self.reactor.advance(1000)
        self.clock = SetClock(NOW_MS)
        low_out, low_in, high_out, high_in = (f"127.0.0.1:{port}" for port in free_udp_ports(4))
        key = root / "diode.key"
        low = DiodeSettings(
            key=key, send_from=low_out, send_to=high_in, receive_at=low_in, receive_from=high_out,
            loss_per_10000=loss_per_10000,
        )  # fmt: skip
        high = DiodeSettings(
            key=key, send_from=high_out, send_to=low_in, receive_at=high_in, receive_from=low_out,
            loss_per_10000=loss_per_10000,
        )  # fmt: skip
        around: dict[str, Any] = {"clock": self.clock, "limits": limits}
        joined = TransportSettings(DIODE, low, one_way), TransportSettings(DIODE, high, one_way)
        self.low: Any = self.kit.build_low(self.reactor, NoWatch(), transport=joined[0], **around)
        self.high: Any = self.kit.build_high(self.reactor, NoWatch(), transport=joined[1], **around)
        self.low.start()
        self.high.start()
        self.core = EchoCore(self.kit, self.clock)

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds / STEP_S)):
            self.clock.ms += round(STEP_S * 1000)
            self.reactor.advance(STEP_S)
            for reader in list(self.reactor.readers):
                reader.doRead()
            self.core.turn()

    def send(self, count: int = 1, lane: str = "interactive") -> list[bytes]:
        worker = worker_author(self.kit, lane=lane, epoch=self.clock.ms)
        ids = []
        for _ in range(count):
            items = requests(2, now_ms=self.clock.ms)
            worker.send(items, now_ms=self.clock.ms)
            ids += request_ids(items)
        return ids

    def answered(self) -> list[bytes]:
        return answered_ids(self.kit.worker_inbox())

    def stop(self) -> None:
        for half in (self.low, self.high):
            done: list[object] = []
            Deferred.fromCoroutine(half.stop()).addBoth(done.append)
            for _ in range(10):
                self.reactor.advance(0.001)
            assert done == [None], done
        assert not self.reactor.readers
