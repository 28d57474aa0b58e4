"""Bounds what files a process can open and which TCP ports it can use (Landlock, Linux 5.13 and newer).

What is not named in a ``Territory`` cannot be opened, made, removed, renamed or linked by this process or by any child
of it, whoever it runs as; what was open before stays open.  TCP ports are bounded from Linux 6.7 on, device commands
from 6.10, abstract Unix sockets and signals to processes outside from 6.12.

A restriction holds for the thread that asks and for those it starts, so it is put up before any other thread runs.

Source: landlock(7), linux/landlock.h.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import stat
import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

_CREATE_RULESET: Final = 444
_ADD_RULE: Final = 445
_RESTRICT_SELF: Final = 446
_ASK_VERSION: Final = 1
_RULE_PATH: Final = 1
_RULE_PORT: Final = 2
_PR_SET_NO_NEW_PRIVS: Final = 38
_MACHINES: Final = frozenset({"x86_64", "aarch64"})

_EXECUTE: Final = 1 << 0
_WRITE_FILE: Final = 1 << 1
_READ_FILE: Final = 1 << 2
_READ_DIR: Final = 1 << 3
_REFER: Final = 1 << 13
_TRUNCATE: Final = 1 << 14
_IOCTL_DEV: Final = 1 << 15
#: Removing and making of everything but device files: bits 4 to 12 without 6 (character) and 11 (block).
_MAKE: Final = sum(1 << bit for bit in (4, 5, 7, 8, 9, 10, 12))
_FIRST: Final = (1 << 13) - 1
_FILE_ONLY: Final = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV

_BIND_TCP: Final = 1
_CONNECT_TCP: Final = 2
_SCOPE_ABSTRACT_SOCKET: Final = 1
_SCOPE_SIGNAL: Final = 2
#: Versions of the interface from which a part exists.
_WITH_REFER: Final = 2
_WITH_TRUNCATE: Final = 3
_WITH_PORTS: Final = 4
_WITH_IOCTL: Final = 5
_WITH_SCOPES: Final = 6

_libc: Final = ctypes.CDLL(None, use_errno=True)


class NoLandlockError(OSError):
    """This kernel cannot bound files: too old, or switched off."""


@dataclass(frozen=True, slots=True)
class Territory:
    """What a process keeps.

    Attributes:
        read: files and folders it may read, with all below.
        run: folders of programs and libraries: read, and execute.
        write: folders in which it may read, write, make, rename and remove; they must exist.
        bind: TCP ports it may still listen on.
        connect: TCP ports it may still connect to.
    """

    read: tuple[Path, ...] = ()
    run: tuple[Path, ...] = ()
    write: tuple[Path, ...] = ()
    bind: frozenset[int] = field(default_factory=frozenset)
    connect: frozenset[int] = field(default_factory=frozenset)


def version() -> int:
    """Give the version of the kernel's interface; 0 when there is none."""
    if platform.machine() not in _MACHINES:
        return 0
    return max(0, int(_libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_ASK_VERSION))))


def confine(territory: Territory) -> int:
    """Give up everything outside a territory, for good; gives the version of the interface that did it.

    Paths of ``read`` and ``run`` that do not exist are left out.

    Raises:
        NoLandlockError: this kernel has none.
        OSError: a folder of ``write`` does not exist, or the kernel refuses.
    """
    found = version()
    if found == 0:
        raise NoLandlockError(errno.EOPNOTSUPP, "this kernel has no Landlock")
    handled = _handled(found)
    ruleset = _ruleset(found, handled)
    try:
        reading = (_READ_FILE | _READ_DIR) & handled
        _allow(ruleset, territory.read, reading)
        _allow(ruleset, territory.run, reading | (_EXECUTE & handled))
        writing = (_READ_FILE | _READ_DIR | _WRITE_FILE | _MAKE | _REFER | _TRUNCATE) & handled
        _allow(ruleset, territory.write, writing, must_exist=True)
        if found >= _WITH_PORTS:
            for ports, right in ((territory.bind, _BIND_TCP), (territory.connect, _CONNECT_TCP)):
                for port in sorted(ports):
                    _rule(ruleset, _RULE_PORT, struct.pack("=QQ", right, port))
        _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        _check(_libc.syscall(_RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint32(0)))
    finally:
        os.close(ruleset)
    return found


def _handled(found: int) -> int:
    """Every right this kernel can refuse: what is not handled would stay allowed."""
    handled = _FIRST
    if found >= _WITH_REFER:
        handled |= _REFER
    if found >= _WITH_TRUNCATE:
        handled |= _TRUNCATE
    if found >= _WITH_IOCTL:
        handled |= _IOCTL_DEV
    return handled


def _ruleset(found: int, handled: int) -> int:
    ports = _BIND_TCP | _CONNECT_TCP if found >= _WITH_PORTS else 0
    scopes = _SCOPE_ABSTRACT_SOCKET | _SCOPE_SIGNAL if found >= _WITH_SCOPES else 0
    attributes = struct.pack("=Q", handled)
    if ports:
        attributes += struct.pack("=Q", ports)
    if scopes:
        attributes += struct.pack("=Q", scopes)
    buffer = ctypes.create_string_buffer(attributes, len(attributes))
    return _check(
        _libc.syscall(_CREATE_RULESET, buffer, ctypes.c_size_t(len(attributes)), ctypes.c_uint32(0)),
    )


def _allow(ruleset: int, paths: Iterable[Path], rights: int, *, must_exist: bool = False) -> None:
    for path in paths:
        try:
            descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except FileNotFoundError:
            if must_exist:
                raise
            continue
        try:
            is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
            kept = rights if is_folder else rights & _FILE_ONLY
            _rule(ruleset, _RULE_PATH, struct.pack("=Qi", kept, descriptor))
        finally:
            os.close(descriptor)


def _rule(ruleset: int, kind: int, attributes: bytes) -> None:
    buffer = ctypes.create_string_buffer(attributes, len(attributes))
    _check(_libc.syscall(_ADD_RULE, ctypes.c_int(ruleset), ctypes.c_int(kind), buffer, ctypes.c_uint32(0)))


def _check(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"landlock: {os.strerror(number)}")
    return result
