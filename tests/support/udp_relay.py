"""A link of UDP that loses datagrams: stands between a diode's two ends, in a thread of the test."""

from __future__ import annotations

import random
import select
import socket
import threading
from collections.abc import Callable

#: Offsets in a datagram (docs/diode.md).
LANE_AT = 4
MOST_BYTES = 65_536


class UdpRelay:
    """Passes datagrams on, one way, but for those that are lost.

    Args:
        at: own port on loopback, where the sender sends.
        to: the receiver's port; it must hear ``at``.
        loss: share of datagrams lost.
    """

    def __init__(self, at: int, to: int, *, loss: float = 0.0, seed: int = 1) -> None:
        self._to = ("127.0.0.1", to)
        self._chance = random.Random(seed)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self._socket.bind(("127.0.0.1", at))
        self.loss = loss
        #: Decides over every datagram besides: whether it is lost.
        self.also: Callable[[bytes], bool] = lambda _: False
        self.passed = 0
        self.lost = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def lose_next_object(self, lane: int) -> Callable[[], bool]:
        """Lose the next object of a lane whole, in all its copies; gives whether that has happened."""
        victim: list[bytes] = []

        def loses(datagram: bytes) -> bool:
            if datagram[LANE_AT] != lane or datagram[5] == 0:
                return False
            name = datagram[8:16] + datagram[24:28]
            if not victim:
                victim.append(name)
            return name == victim[0]

        self.also = loses
        return lambda: bool(victim)

    def close(self) -> None:
        """End the link."""
        self._stop.set()
        self._thread.join()
        self._socket.close()

    def _run(self) -> None:
        arrivals = select.poll()  # select() knows no file beyond the 1,024th
        arrivals.register(self._socket, select.POLLIN)
        while not self._stop.is_set():
            if not arrivals.poll(100):
                continue
            datagram = self._socket.recv(MOST_BYTES)
            if self._chance.random() < self.loss or self.also(datagram):
                self.lost += 1
                continue
            self.passed += 1
            self._socket.sendto(datagram, self._to)
