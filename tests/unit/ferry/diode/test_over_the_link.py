"""Both halves over two lossy diodes on one fake clock: what a link loses, the ferry notices and sends again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from ferry.settings import DIODE, TransportSettings
from ferry.transports.diode.settings import DiodeSettings
from tests.support.diode_kit import KEY, StillReactor, free_udp_ports, share
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
INTERACTIVE = 1


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
    """Both halves, joined by two diodes on loopback."""

    def __init__(self, root: Path, loss_per_10000: int = 500) -> None:
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
        self.low = self.kit.build_low(
            self.reactor, NoWatch(), transport=TransportSettings(DIODE, low), clock=self.clock
        )
        self.high = self.kit.build_high(
            self.reactor, NoWatch(), transport=TransportSettings(DIODE, high), clock=self.clock
        )
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

    def send(self, count: int, lane: str = "interactive") -> list[bytes]:
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


@pytest.fixture
def joined(tmp_path: Path) -> Iterator[Joined]:
    made = Joined(tmp_path)
    made.run(2.0)
    yield made
    made.stop()


def test_requests_and_answers_cross(joined: Joined) -> None:
    ids = joined.send(20)
    joined.run(1.0)
    assert sorted(joined.answered()) == sorted(ids)
    assert joined.low.half.healthy
    assert joined.high.half.healthy


def test_a_link_that_loses_more_than_planned_is_made_good_by_the_ferry(joined: Joined) -> None:
    """30 % lost where 5 % were planned, both ways."""
    Loses(joined.low, share(0.3, 1))
    Loses(joined.high, share(0.3, 2))
    ids = joined.send(60)
    joined.run(12.0)
    assert set(joined.answered()) == set(ids)
    assert len(joined.core.seen) == len(ids), "each once"


def test_the_lost_tail_is_noticed_and_repaired(joined: Joined) -> None:
    """The last bundle is lost whole, nothing follows it: only the heartbeat tells."""
    lost: set[bytes] = set()

    def first_interactive(datagram: bytes) -> bool:
        if datagram[4] != INTERACTIVE:
            return False
        if not lost:
            lost.add(datagram[24:28])
        return datagram[24:28] in lost

    Loses(joined.low, first_interactive)
    ids = joined.send(1)
    joined.run(0.5)
    assert joined.answered() == []
    assert lost
    joined.run(1.5)
    inbound = next(s for s in joined.high.half.status().lanes if (s.way, s.lane) == ("inbound", "interactive"))
    assert inbound.mark == inbound.acknowledged, "made good"
    joined.run(1.0)
    assert joined.answered() == ids


def test_status_tells_of_both_links(joined: Joined) -> None:
    told = joined.low.half.status().transport
    assert told["out"].kind == told["in"].kind == "diode"
    assert told["out"].figures["loss_planned"] == 0.05
    assert told["in"].lanes["control"]["packets"] > 0
    assert told["out"].troubles == ()


def test_a_lane_that_is_dark_for_a_while_goes_on(joined: Joined) -> None:
    dark = [True]
    Loses(joined.low, lambda _: dark[0])
    ids = joined.send(30)
    joined.run(6.0)
    assert not joined.high.half.healthy
    dark[0] = False
    joined.run(8.0)
    assert set(joined.answered()) == set(ids)
    assert joined.high.half.healthy
