"""Refuses system calls a process will not need any more (seccomp filter, Linux 3.17 and newer).

The filter is a program of classic BPF that the kernel runs before every system call of every thread of the process and
of its children.  A refused call fails with EPERM; a call made in another convention (32 bit on a 64-bit kernel) ends
the process.  A filter is never taken off; later ones only add to it.

    ld  [4]                      architecture
    jne ours, kill
    ld  [0]                      number of the call
    (x32 numbers: kill)
    jeq n1, refuse ... jeq socket, families
    allow
    families: ld [16]; jeq AF_UNIX, allow; refuse

Source: seccomp(2), linux/filter.h, linux/audit.h.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
from collections.abc import Iterable, Mapping
from typing import Final

_SET_MODE_FILTER: Final = 1
_ALL_THREADS: Final = 1
_PR_SET_NO_NEW_PRIVS: Final = 38
_ALLOW: Final = 0x7FFF0000
_KILL_PROCESS: Final = 0x80000000
_REFUSE: Final = 0x00050000 | errno.EPERM
_LOAD: Final = 0x20
_JUMP_EQUAL: Final = 0x15
_JUMP_AT_LEAST: Final = 0x35
_RETURN: Final = 0x06
_NUMBER_AT: Final = 0
_ARCHITECTURE_AT: Final = 4
#: Lower half of the first argument, on a little-endian machine.
_FIRST_ARGUMENT_AT: Final = 16
_X32_BIT: Final = 0x40000000
#: A jump of classic BPF spans at most 255 instructions.
_MOST_CALLS: Final = 200

#: machine -> (AUDIT_ARCH, seccomp, socket)
_MACHINES: Final[Mapping[str, tuple[int, int, int]]] = {
    "x86_64": (0xC000003E, 317, 41),
    "aarch64": (0xC00000B7, 277, 198),
}
#: Calls that neither Python nor a role needs once it serves: new programs, other processes' memory, name spaces,
#: mounts, kernel keys and modules, files by handle, rings that would pass by this filter.
_NEVER_NEEDED: Final[Mapping[str, Mapping[str, int]]] = {
    "x86_64": {
        "execve": 59, "execveat": 322, "ptrace": 101, "process_vm_readv": 310, "process_vm_writev": 311,
        "pidfd_getfd": 438, "unshare": 272, "setns": 308, "mount": 165, "umount2": 166, "pivot_root": 155,
        "chroot": 161, "move_mount": 429, "open_tree": 428, "fsopen": 430, "fsmount": 432, "mount_setattr": 442,
        "add_key": 248, "request_key": 249, "keyctl": 250, "init_module": 175, "finit_module": 313,
        "delete_module": 176, "kexec_load": 246, "kexec_file_load": 320, "bpf": 321, "perf_event_open": 298,
        "userfaultfd": 323, "name_to_handle_at": 303, "open_by_handle_at": 304, "io_uring_setup": 425,
        "mknod": 133, "mknodat": 259, "reboot": 169, "swapon": 167, "swapoff": 168, "acct": 163,
        "settimeofday": 164, "clock_settime": 227, "adjtimex": 159, "sethostname": 170, "iopl": 172, "ioperm": 173,
        "personality": 135, "quotactl": 179, "memfd_secret": 447, "vhangup": 153, "syslog": 103,
    },
    "aarch64": {
        "execve": 221, "execveat": 281, "ptrace": 117, "process_vm_readv": 270, "process_vm_writev": 271,
        "pidfd_getfd": 438, "unshare": 97, "setns": 268, "mount": 40, "umount2": 39, "pivot_root": 41,
        "chroot": 51, "move_mount": 429, "open_tree": 428, "fsopen": 430, "fsmount": 432, "mount_setattr": 442,
        "add_key": 217, "request_key": 218, "keyctl": 219, "init_module": 105, "finit_module": 273,
        "delete_module": 106, "kexec_load": 104, "kexec_file_load": 294, "bpf": 280, "perf_event_open": 241,
        "userfaultfd": 282, "name_to_handle_at": 264, "open_by_handle_at": 265, "io_uring_setup": 425,
        "mknodat": 33, "reboot": 142, "swapon": 224, "swapoff": 225, "acct": 89,
        "settimeofday": 170, "clock_settime": 112, "adjtimex": 171, "sethostname": 161,
        "personality": 92, "quotactl": 60, "memfd_secret": 447, "vhangup": 58, "syslog": 116,
    },
}  # fmt: skip
_libc: Final = ctypes.CDLL(None, use_errno=True)


class NoSeccompError(OSError):
    """This kernel or machine cannot filter system calls."""


def program(machine: str, refused: Iterable[int], families: Iterable[int]) -> bytes:
    """Give the filter's instructions, 8 bytes each.

    Args:
        machine: ``x86_64`` or ``aarch64``.
        refused: numbers of the calls that fail with EPERM, at most 200 and without ``socket``.
        families: address families in which a new socket may still be made.

    Raises:
        ValueError: unknown machine, or too many numbers.
    """
    if machine not in _MACHINES:
        raise ValueError(f"no numbers of system calls for {machine}")
    architecture, _, socket = _MACHINES[machine]
    calls, kept = sorted(set(refused)), sorted(set(families))
    if len(calls) + len(kept) > _MOST_CALLS or socket in calls:
        raise ValueError("too many calls, or socket among them")
    x32 = [_instruction(_JUMP_AT_LEAST, _X32_BIT, 0, 1), _give(_KILL_PROCESS)] if machine == "x86_64" else []
    head = [
        _instruction(_LOAD, _ARCHITECTURE_AT),
        _instruction(_JUMP_EQUAL, architecture, 1, 0),
        _give(_KILL_PROCESS),
        _instruction(_LOAD, _NUMBER_AT),
        *x32,
    ]
    # After the list: allow, then the part about families (load, one line a family, refuse, allow).
    last = len(calls) + 1
    refuse_at = last + 1 + 1 + len(kept)
    body = [_instruction(_JUMP_EQUAL, number, refuse_at - at - 1, 0) for at, number in enumerate(calls)]
    body.append(_instruction(_JUMP_EQUAL, socket, 1, 0))
    body.append(_give(_ALLOW))
    tail = [_instruction(_LOAD, _FIRST_ARGUMENT_AT)]
    tail += [_instruction(_JUMP_EQUAL, family, len(kept) - at, 0) for at, family in enumerate(kept)]
    tail += [_give(_REFUSE), _give(_ALLOW)]
    return b"".join(head + body + tail)


def refuse(families: Iterable[int]) -> None:
    """Refuse what no role needs, and new sockets of other families, for all threads of this process and for good.

    Args:
        families: address families in which it may still make sockets.

    Raises:
        NoSeccompError: this machine or kernel cannot.
        OSError: the kernel refuses the filter.
    """
    machine = platform.machine()
    if machine not in _MACHINES:
        raise NoSeccompError(errno.EOPNOTSUPP, f"no numbers of system calls for {machine}")
    code = program(machine, _NEVER_NEEDED[machine].values(), families)
    instructions = ctypes.create_string_buffer(code, len(code))
    header = struct.pack("@HP", len(code) // 8, ctypes.addressof(instructions))
    argument = ctypes.create_string_buffer(header, len(header))
    _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    call = _MACHINES[machine][1]
    result = _libc.syscall(call, ctypes.c_uint(_SET_MODE_FILTER), ctypes.c_uint(_ALL_THREADS), argument)
    if result != 0:
        number = ctypes.get_errno() or errno.EBUSY
        raise NoSeccompError(number, f"seccomp: {os.strerror(number)}")


def _instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)


def _give(result: int) -> bytes:
    return _instruction(_RETURN, result)
