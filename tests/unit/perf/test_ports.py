"""Ports that are given out belong to whoever got them, for a good while or until his process ends."""

from __future__ import annotations

import os
import subprocess
import sys

from perf.ports import SPAN, claim, free_base
from tests.support.ports import free_ports

#: Of this run alone: claims are the machine's.
MINE, THEIRS = f"test-mine-{os.getpid()}", f"test-theirs-{os.getpid()}"
_ANOTHER = "import sys; from perf.ports import claim; print(claim(sys.argv[1]), flush=True); sys.stdin.read()"


def test_nobody_gets_the_same_ports_twice() -> None:
    bases = [free_base() for _ in range(3)]
    assert len({base // SPAN for base in bases}) == 3
    ports = free_ports(5) + free_ports(5)
    assert len(set(ports)) == 10


def test_a_claim_holds_against_other_processes_until_its_own_ends() -> None:
    assert claim(MINE)
    assert not claim(MINE)
    with subprocess.Popen(
        [sys.executable, "-c", _ANOTHER, THEIRS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as another:
        assert another.stdout is not None
        assert another.stdout.readline() == "True\n"
        assert not claim(THEIRS)
        another.kill()
    assert claim(THEIRS)


def test_a_process_holds_its_latest_claims_only() -> None:
    before = len(os.listdir("/proc/self/fd"))
    for number in range(1_000):
        assert claim(f"{MINE}-{number}")
    assert len(os.listdir("/proc/self/fd")) < before + 200
    assert not claim(f"{MINE}-999")
    assert claim(f"{MINE}-0")
