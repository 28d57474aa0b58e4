"""The filter's instructions, run by a small machine of classic BPF: every call is judged as the kernel would."""

from __future__ import annotations

import socket
import struct

import pytest

from ops.walls import seccomp

X86 = 0xC000003E
ARM = 0xC00000B7
ALLOW = 0x7FFF0000
KILL = 0x80000000
REFUSE = 0x00050001


def judge(code: bytes, *, architecture: int, number: int, argument: int = 0) -> int:
    """Run a filter over one call and give its verdict."""
    call = struct.pack("<IIQQ", number, architecture, 0, argument)
    instructions = list(struct.iter_unpack("<HBBI", code))
    accumulator, at = 0, 0
    while True:
        operation, if_true, if_false, value = instructions[at]
        at += 1
        if operation == 0x20:
            accumulator = struct.unpack_from("<I", call, value)[0]
        elif operation == 0x15:
            at += if_true if accumulator == value else if_false
        elif operation == 0x35:
            at += if_true if accumulator >= value else if_false
        else:
            assert operation == 0x06
            return int(value)


@pytest.mark.parametrize(("machine", "architecture", "make_socket"), [("x86_64", X86, 41), ("aarch64", ARM, 198)])
@pytest.mark.parametrize("families", [(), (socket.AF_UNIX,), (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6)])
def test_each_call_is_judged(machine: str, architecture: int, make_socket: int, families: tuple[int, ...]) -> None:
    refused = {59, 101, 425, 300}
    code = seccomp.program(machine, refused, families)
    for number in range(600):
        if number == make_socket:
            continue
        verdict = judge(code, architecture=architecture, number=number)
        assert verdict == (REFUSE if number in refused else ALLOW), number
    for family in range(60):
        verdict = judge(code, architecture=architecture, number=make_socket, argument=family)
        assert verdict == (ALLOW if family in families else REFUSE), family


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_a_call_of_another_architecture_ends_the_process(machine: str) -> None:
    code = seccomp.program(machine, {59}, ())
    assert judge(code, architecture=0x40000003, number=1) == KILL


def test_numbers_of_the_x32_convention_end_the_process() -> None:
    code = seccomp.program("x86_64", {59}, ())
    assert judge(code, architecture=X86, number=0x40000000 | 59) == KILL


@pytest.mark.parametrize("calls", [range(300), {41}])
def test_what_cannot_be_written_as_a_filter_is_refused(calls: set[int]) -> None:
    with pytest.raises(ValueError, match="too many calls"):
        seccomp.program("x86_64", calls, ())


def test_an_unknown_machine_is_refused() -> None:
    with pytest.raises(ValueError, match="no numbers"):
        seccomp.program("m68k", {1}, ())
