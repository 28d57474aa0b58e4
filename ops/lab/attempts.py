"""What somebody who has taken a machine over would try.  Run on a laboratory machine, as root there.

python -m ops.lab.attempts connect ADDRESS:PORT ...    prints the ones that answered, one per line
python -m ops.lab.attempts shout DEVICE ADDRESS HARDWARE
                                                       sends what it can over a cable, addressed to its other end
"""

from __future__ import annotations

import errno
import os
import selectors
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Final

_WAIT_S: Final = 1.5
_AT_ONCE: Final = 128
_TIMES: Final = 20
_ETHERTYPES: Final = (0x0800, 0x0806, 0x86DD, 0x88B5)
_OUR_HARDWARE: Final = b"\x02\0\0\0\0\1"
_PORT: Final = 9
_ANSWERED: Final = (0, errno.ECONNREFUSED)


def reachable(targets: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
    """Give the targets that answered an opening TCP segment within a second and a half, were it by a refusal.

    A refusal crosses the network like a connection does: it shows a path, whatever listens at its end.
    """
    found: list[tuple[str, int]] = []
    waiting = list(targets)
    while waiting:
        some, waiting = waiting[:_AT_ONCE], waiting[_AT_ONCE:]
        found += _reach(some)
    return found


def _reach(targets: list[tuple[str, int]]) -> list[tuple[str, int]]:
    found = []
    with selectors.DefaultSelector() as selector:
        for target in targets:
            opened = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
            result = opened.connect_ex(target)
            if result in _ANSWERED:
                found.append(target)
                opened.close()
            elif result == errno.EINPROGRESS:
                selector.register(opened, selectors.EVENT_WRITE, target)
            else:
                opened.close()
        end = time.monotonic() + _WAIT_S
        while selector.get_map() and (left := end - time.monotonic()) > 0:
            for key, _ in selector.select(left):
                opened = key.fileobj  # type: ignore[assignment]
                if opened.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) in _ANSWERED:
                    found.append(key.data)
                selector.unregister(opened)
                opened.close()
        for key in list(selector.get_map().values()):
            key.fileobj.close()  # type: ignore[union-attr]
    return found


def shout(device: str, address: str, hardware: str) -> int:
    """Send datagrams, TCP openings, pings and raw frames of several kinds to the other end of a cable.

    Returns:
        How many the system took; it may still drop them.
    """
    sent = 0
    for _ in range(_TIMES):
        sent += _frames(device, bytes.fromhex(hardware.replace(":", "")))
        sent += _datagram(address)
        sent += _open(address)
        sent += _ping(address)
    return sent


def _frames(device: str, hardware: bytes) -> int:
    frames = [
        to + _OUR_HARDWARE + struct.pack("!H", kind) + bytes(46)
        for to in (hardware, b"\xff" * 6)
        for kind in _ETHERTYPES
    ]
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as raw:
        raw.bind((device, 0))
        return sum(_try(partial(raw.send, frame)) for frame in frames)


def _datagram(address: str) -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plain:
        return _try(lambda: plain.sendto(b"back", (address, _PORT)))


def _open(address: str) -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as plain:
        return int(plain.connect_ex((address, _PORT)) == errno.EINPROGRESS)


def _ping(address: str) -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as raw:
        return _try(lambda: raw.sendto(b"\x08\0\xf7\xff" + bytes(4), (address, 0)))


def _try(action: Callable[[], object]) -> int:
    try:
        action()
    except OSError:
        return 0
    return 1


def main(words: list[str]) -> int:
    """Do one attempt."""
    if words[0] == "connect":
        targets = [(address, int(port)) for address, _, port in (word.partition(":") for word in words[1:])]
        for address, port in reachable(targets):
            print(f"{address}:{port}")
        return 0
    print(shout(*words[1:]))
    return 0


if __name__ == "__main__":
    os.environ.pop("PYTHONPATH", None)
    sys.exit(main(sys.argv[1:]))
