"""Waits until something comes into a folder, without looking at it all the time.

Source: inotify(7).
"""

from __future__ import annotations

import ctypes
import math
import os
import select
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Final

_IN_MOVED_TO: Final = 0x080
_HEAD: Final = struct.Struct("=iIII")
_READ_BYTES: Final = 1 << 16


class Arrivals:
    """Tells into which folders files were renamed.

    Args:
        folders: which to watch; they must exist.

    Raises:
        OSError: the kernel refuses a watch.
    """

    def __init__(self, folders: Iterable[Path]) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self._fd = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        self._poll = select.poll()  # select() knows no file beyond the 1,024th
        self._poll.register(self._fd, select.POLLIN)
        self._folders: dict[int, Path] = {}
        for folder in folders:
            number = libc.inotify_add_watch(self._fd, os.fsencode(folder), _IN_MOVED_TO)
            if number < 0:
                raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(folder))
            self._folders[number] = folder

    def wait(self, seconds: float) -> set[Path]:
        """Give the folders into which something came; none when nothing did for so long.

        Args:
            seconds: longest wait, not negative; rounded up to a millisecond.
        """
        found: set[Path] = set()
        if not self._poll.poll(math.ceil(seconds * 1e3)):
            return found
        try:
            data = os.read(self._fd, _READ_BYTES)
        except BlockingIOError:
            return found
        at = 0
        while at + _HEAD.size <= len(data):
            number, _, _, name_bytes = _HEAD.unpack_from(data, at)
            at += _HEAD.size + name_bytes
            if number in self._folders:
                found.add(self._folders[number])
        return found or set(self._folders.values())  # an overflow names no folder: anything may have come

    def close(self) -> None:
        """Stop watching."""
        os.close(self._fd)
