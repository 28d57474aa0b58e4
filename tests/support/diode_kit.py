"""A diode on loopback whose time stands still until a test moves it, and a link between that loses datagrams."""

from __future__ import annotations

import os
import random
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry
from twisted.internet.task import Clock

from ferry.transports.diode.inlet import DiodeInlet
from ferry.transports.diode.metrics import DiodeMetrics
from ferry.transports.diode.outlet import DiodeOutlet
from ferry.transports.diode.settings import DiodeSettings

KEY = bytes(range(32))
DIRECTION = "inbound"
#: One turn of the link's time.
STEP_S = 0.002


class StillReactor(Clock):
    """Time that a test moves, and readers that it asks."""

    def __init__(self) -> None:
        super().__init__()
        self.readers: list[Any] = []

    def addReader(self, reader: Any) -> None:
        self.readers.append(reader)

    def removeReader(self, reader: Any) -> None:
        self.readers.remove(reader)


class Draws:
    """The system's randomness."""

    def bytes(self, count: int, /) -> bytes:
        return os.urandom(count)


def free_udp_ports(count: int) -> list[int]:
    socks = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(count)]
    for sock in socks:
        sock.bind(("127.0.0.1", 0))
    ports = [int(sock.getsockname()[1]) for sock in socks]
    for sock in socks:
        sock.close()
    return ports


def diode_settings(folder: Path, **changes: Any) -> DiodeSettings:
    """Give the settings of a link from its first port to its second, on loopback."""
    folder.mkdir(parents=True, exist_ok=True)
    key = folder / "diode.key"
    key.write_bytes(KEY)
    sender, receiver = (f"127.0.0.1:{port}" for port in free_udp_ports(2))
    settings = DiodeSettings(
        key=key, send_from=sender, send_to=receiver, receive_at=receiver, receive_from=sender, rate_mbit=1000
    )  # fmt: skip
    return replace(settings, **changes)


#: Decides over every datagram: whether it is lost.
Loses = Callable[[bytes], bool]


class DiodeRig:
    """Both ends of one link.

    Args:
        folder: for the key.
        changes: of the settings.
    """

    def __init__(self, folder: Path, **changes: Any) -> None:
        self.settings = diode_settings(folder, **changes)
        self.reactor = StillReactor()
        self.registry = CollectorRegistry()
        metrics = DiodeMetrics(self.registry)
        self.outlet = DiodeOutlet(
            self.settings, DIRECTION, reactor=self.reactor, randomness=Draws(), metrics=metrics
        )  # fmt: skip
        self.inlet = DiodeInlet(self.settings, DIRECTION, reactor=self.reactor, metrics=metrics_of_inlet())
        self.sent: list[bytes] = []

    def lose(self, loses: Loses) -> None:
        """Lose datagrams between the ends; call after ``prepare``."""
        within = self.outlet._out
        rig = self

        class Lossy:
            def send(self, datagrams: list[bytes]) -> int:
                rig.sent += datagrams
                kept = [datagram for datagram in datagrams if not loses(datagram)]
                if kept:
                    assert within.send(kept) == len(kept)
                return len(datagrams)

        self.outlet._out = Lossy()

    def carry(self, seconds: float = 0.05) -> None:
        """Let time pass until everything has left, and a little longer."""
        until = self.reactor.seconds() + seconds
        while self.reactor.seconds() < until or not self.outlet.empty:
            self.reactor.advance(STEP_S)
            for reader in list(self.reactor.readers):
                reader.doRead()

    def start(self) -> DiodeRig:
        self.inlet.prepare()
        self.outlet.prepare()
        return self

    def close(self) -> None:
        self.outlet.close()
        self.inlet.close()

    def arrived(self, lane: str) -> dict[str, int | float]:
        """Give what the receiving end counted on a lane."""
        return self.inlet.report().lanes[lane]


def metrics_of_inlet() -> DiodeMetrics:
    """The ends of one link belong to two halves, each with measurements of its own."""
    return DiodeMetrics(CollectorRegistry())


def share(loss: float, seed: int = 1) -> Loses:
    """Lose this share of datagrams, independently."""
    chance = random.Random(seed)
    return lambda _: chance.random() < loss
