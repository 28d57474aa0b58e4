"""Wakes readers of directories: one inotify descriptor per process, and a rescan every 500 ms.

inotify is only there for speed: it loses events silently (queue overflow, network file systems,
a directory that is replaced), so every watch is called at least once per rescan.  Where inotify
is not available the rescan alone remains.

Source: inotify(7).
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from twisted.internet.interfaces import IReadDescriptor
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

RESCAN_S: Final = 0.5
_IN_CLOSE_WRITE: Final = 0x008
_IN_MOVED_TO: Final = 0x080
_IN_CREATE: Final = 0x100
_IN_IGNORED: Final = 0x8000
_IN_ONLYDIR: Final = 0x01000000
_MASK: Final = _IN_CLOSE_WRITE | _IN_MOVED_TO | _IN_CREATE | _IN_ONLYDIR
_HEAD: Final = struct.Struct("=iIII")
_READ_BYTES: Final = 65_536
_libc: Final = ctypes.CDLL(None, use_errno=True)


class _Watched:
    """One directory and those who want to know of it."""

    __slots__ = ("descriptor", "listeners", "path")

    def __init__(self, path: Path) -> None:
        self.path = path
        self.descriptor = -1
        self.listeners: list[Callable[[], None]] = []


@implementer(IReadDescriptor)
class ReactorDirectoryWatch:
    """Watches directories on the reactor (implements ``collaborators.DirectoryWatch``).

    Args:
        reactor: time and descriptors.
        rescan_s: longest time between two calls of a listener.
    """

    log = Logger()

    def __init__(self, reactor: Any, *, rescan_s: float = RESCAN_S) -> None:
        self._reactor = reactor
        self._watched: dict[Path, _Watched] = {}
        self._by_descriptor: dict[int, _Watched] = {}
        self._fd = _libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self._fd >= 0:
            reactor.addReader(self)
        else:
            self.log.warn("inotify_not_available", reason=os.strerror(ctypes.get_errno()))
        self._rescan = LoopingCall(self._scan)
        self._rescan.clock = reactor
        self._rescan.start(rescan_s, now=False)

    def watch(self, path: Path, on_change: Callable[[], None]) -> Callable[[], None]:
        """Call ``on_change`` soon after a file appears in ``path``, and at every rescan.

        Returns:
            A function that stops this watch; calling it again does nothing.
        """
        watched = self._watched.get(path)
        if watched is None:
            watched = self._watched[path] = _Watched(path)
            self._attach(watched)
        watched.listeners.append(on_change)

        def stop() -> None:
            if on_change in watched.listeners:
                watched.listeners.remove(on_change)
            if not watched.listeners:
                self._detach(watched)

        return stop

    def stop(self) -> None:
        """End all watches and release the descriptor."""
        for watched in list(self._watched.values()):
            watched.listeners.clear()
            self._detach(watched)
        if self._rescan.running:
            self._rescan.stop()
        if self._fd >= 0:
            self._reactor.removeReader(self)
            os.close(self._fd)
            self._fd = -1

    # IReadDescriptor

    def fileno(self) -> int:
        """Give the inotify descriptor."""
        return int(self._fd)

    def logPrefix(self) -> str:
        """Name this reader in Twisted's own messages."""
        return "directory_watch"

    def connectionLost(self, reason: Failure) -> None:
        """Fall back to rescans when the reactor gives the descriptor up."""

    def doRead(self) -> None:
        """Read events and wake the listeners of their directories."""
        try:
            data = os.read(self._fd, _READ_BYTES)
        except BlockingIOError:
            return
        woken: dict[int, _Watched] = {}
        at = 0
        while at + _HEAD.size <= len(data):
            descriptor, mask, _cookie, name_bytes = _HEAD.unpack_from(data, at)
            at += _HEAD.size + name_bytes
            watched = self._by_descriptor.get(descriptor)
            if watched is None:
                continue
            if mask & _IN_IGNORED:
                del self._by_descriptor[descriptor]
                watched.descriptor = -1
            woken[descriptor] = watched
        for watched in woken.values():
            self._tell(watched)

    def _attach(self, watched: _Watched) -> None:
        if self._fd < 0 or watched.descriptor >= 0:
            return
        descriptor = _libc.inotify_add_watch(self._fd, os.fsencode(watched.path), _MASK)
        if descriptor >= 0:
            watched.descriptor = descriptor
            self._by_descriptor[descriptor] = watched

    def _detach(self, watched: _Watched) -> None:
        self._watched.pop(watched.path, None)
        if watched.descriptor >= 0:
            self._by_descriptor.pop(watched.descriptor, None)
            _libc.inotify_rm_watch(self._fd, watched.descriptor)
            watched.descriptor = -1

    def _tell(self, watched: _Watched) -> None:
        for listener in list(watched.listeners):
            try:
                listener()
            except Exception:  # noqa: BLE001 - one listener's fault must not end the watch of the others
                self.log.failure("directory_listener_failed")

    def _scan(self) -> None:
        for watched in list(self._watched.values()):
            self._attach(watched)
            self._tell(watched)
