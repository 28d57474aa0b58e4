"""A run of free ports for an installation of one's own.

Between the look and the moment in which the installation's processes bind them, seconds pass.  So that nobody else who
looks meanwhile gets the same ports, this process holds a claim on them: an abstract Unix socket named after the ports,
which vanishes with its process and leaves no file.  A process that looks again and again, as the tests do, holds its
latest claims only; it looks onward from the last port, so it comes to the earlier ones again much later, if ever.

Source: unix(7), abstract sockets.
"""

from __future__ import annotations

import os
import socket
from collections import deque
from itertools import count
from typing import Final

#: Windows at base..base+5, metrics from base+10; see `ferrygate up`.
SPAN: Final = 120
#: Below the system's own ephemeral ports.
_BASES: Final = range(20_480, 32_000 - SPAN, SPAN)
#: Claims that one process holds at a time; each is an open file.
_MOST_CLAIMS: Final = 128
_claims: deque[int] = deque()
_looks: Final = count()


def free_base() -> int:
    """Find a base above which every port is free now; all are held until all are known to be free.

    Each process begins to look elsewhere, so that two runs side by side seldom look at the same ports, and goes on from
    where it found the last.

    Raises:
        LookupError: there is none.
    """
    for _ in _BASES:
        base = _BASES[(os.getpid() + next(_looks)) % len(_BASES)]
        if claim(f"ports-{base}") and _all_free(range(base, base + SPAN)):
            return base
    raise LookupError("no run of free ports")


def claim(what: str) -> bool:
    """Claim something until this process has claimed much else, or ends; gives whether it was nobody's."""
    one = socket.socket(socket.AF_UNIX)
    try:
        one.bind(f"\0ferrygate-{what}")
    except OSError:
        one.close()
        return False
    _claims.append(one.detach())  # as a number: nobody warns of it when the process ends
    while len(_claims) > _MOST_CLAIMS:
        os.close(_claims.popleft())
    return True


def _all_free(ports: range) -> bool:
    held: list[socket.socket] = []
    try:
        for port in ports:
            one = socket.socket()
            held.append(one)
            one.bind(("127.0.0.1", port))
    except OSError:
        return False
    finally:
        for one in held:
            one.close()
    return True
