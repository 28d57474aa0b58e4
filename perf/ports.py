"""A run of free ports for an installation of one's own.

Between the look and the moment in which the installation's processes bind them, seconds pass.  So that nobody else who
looks meanwhile gets the same ports, this process holds a claim on them until it ends: an abstract Unix socket named
after the ports, which vanishes with its process and leaves no file.

Source: unix(7), abstract sockets.
"""

from __future__ import annotations

import os
import socket
from typing import Final

#: Windows at base..base+5, metrics from base+10; see `ferrygate up`.
SPAN: Final = 120
#: Below the system's own ephemeral ports.
_BASES: Final = range(20_480, 32_000 - SPAN, SPAN)


def free_base() -> int:
    """Find a base above which every port is free now; all are held until all are known to be free.

    Each process begins to look elsewhere, so that two runs side by side seldom look at the same ports.

    Raises:
        LookupError: there is none.
    """
    first = os.getpid() % len(_BASES)
    bases: list[int] = [*_BASES[first:], *_BASES[:first]]
    for base in bases:
        if claim(f"ports-{base}") and _all_free(range(base, base + SPAN)):
            return base
    raise LookupError("no run of free ports")


def claim(what: str) -> bool:
    """Claim something for the rest of this process's life; gives whether it was nobody's."""
    one = socket.socket(socket.AF_UNIX)
    try:
        one.bind(f"\0ferrygate-{what}")
    except OSError:
        one.close()
        return False
    one.detach()  # nobody closes it but the end of the process
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
