"""Free ports for tests that must name one before somebody listens there.

A port that the system chooses is free only as long as it is held: the next connection that anybody makes may take it
for its own end, and so may whoever asks for a free port next.  These lie below the system's own choice, and this
process keeps a claim on each for a while.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from itertools import count

from perf.ports import claim

#: Below the runs that installations get (``perf.ports``) and the system's ephemeral ports.
_FIRST, _END = 10_240, 20_000
_LOOKS = count()
_KINDS = (socket.SOCK_STREAM, socket.SOCK_DGRAM)


def free_ports(count: int) -> list[int]:
    """Give ``count`` different ports that are free on 127.0.0.1, for TCP and for UDP; nobody else is given them."""
    found = [port for port, _ in zip(_claimed(), range(count), strict=False)]
    assert len(found) == count, "no free ports"
    return found


def _claimed() -> Iterator[int]:
    size = _END - _FIRST
    first = os.getpid() * 97 % size  # each process begins to look elsewhere
    for _ in range(size):
        port = _FIRST + (first + next(_LOOKS)) % size  # and goes on from where it found the last
        if claim(f"port-{port}") and all(_is_free(port, kind) for kind in _KINDS):
            yield port


def _is_free(port: int, kind: int) -> bool:
    with socket.socket(socket.AF_INET, kind) as trial:
        try:
            trial.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
