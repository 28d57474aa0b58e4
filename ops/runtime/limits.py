"""What a process may use and who may see it: file limits, umask, no core dumps, no orphans.

A core dump or a debugger would write private keys and people's data to disk, so every role is
made undumpable.  ``die_with_parent`` makes the kernel end a role when its supervisor is gone.

Source: prctl(2), mallopt(3).
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
from typing import Final

PRIVATE_UMASK: Final = 0o077
#: A service manager's umask that lets a group read, and nobody else do anything, is kept: zones meet in shared folders.
MEETING_UMASK: Final = 0o027
_PR_SET_PDEATHSIG: Final = 1
_PR_SET_DUMPABLE: Final = 4
_PR_SET_NO_NEW_PRIVS: Final = 38
_M_TRIM_THRESHOLD: Final = -1
_M_TOP_PAD: Final = -2
_M_MMAP_THRESHOLD: Final = -3
_MIB: Final = 1024 * 1024
_libc: Final = ctypes.CDLL(None, use_errno=True)


def harden(*, open_files: int) -> None:
    """Set umask 077 (or keep 027), forbid core dumps and new privileges, raise the limit of open files.

    Args:
        open_files: wanted number of descriptors; lowered to what the hard limit allows.
    """
    if os.umask(PRIVATE_UMASK) == MEETING_UMASK:
        os.umask(MEETING_UMASK)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = open_files if hard == resource.RLIM_INFINITY else min(open_files, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    _libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def keep_freed_memory() -> None:
    """Have the C library keep a little of what is freed, instead of asking the kernel anew for every upload.

    Blocks up to a MiB then come from the heap, and the heap's end is given back when 16 MiB of it are free: each page
    that comes fresh from the kernel is cleared first, which costs more than what is done with it. Nothing happens
    where the C library has no such settings.
    """
    mallopt = getattr(_libc, "mallopt", None)
    if mallopt is not None:
        for setting, size in ((_M_MMAP_THRESHOLD, _MIB), (_M_TRIM_THRESHOLD, 16 * _MIB), (_M_TOP_PAD, _MIB)):
            mallopt(setting, size)


def die_with_parent(parent_pid: int) -> bool:
    """Ask the kernel to send SIGTERM when the parent ends.

    Args:
        parent_pid: the parent this process was started by.

    Returns:
        False when the parent was gone already, and the caller should end at once.
    """
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    return os.getppid() == parent_pid


def kill_after(seconds: int) -> None:
    """Have the kernel end this process after a time, whatever Python is doing then."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(seconds)
