"""A run of free ports for an installation of one's own."""

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

    Each process begins to look elsewhere, so that two runs side by side do not choose the same ports.

    Raises:
        LookupError: there is none.
    """
    first = os.getpid() % len(_BASES)
    bases: list[int] = [*_BASES[first:], *_BASES[:first]]
    for base in bases:
        if _all_free(range(base, base + SPAN)):
            return base
    raise LookupError("no run of free ports")


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
