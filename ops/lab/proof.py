"""Runs the system in the laboratory and shows that the gap is one; then plants leaks and shows that they would be seen.

    works      one real declaration from the internet, hop by hop
    no path    no TCP port of the inner machines can be reached from the outer ones, nor the reverse, at any address
    one way    whatever the receiving end of a one-way link sends back, the sending end gets not one packet
    control    the same looks find a cable planted between DMZ and core, and a one-way link without its rules

Source: DESIGN invariant 1; research, sections 4 and 8.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ops.lab.machine import Roles, own_folders
from ops.lab.netns import Network
from ops.lab.plan import CORE, DMZ, INNER, INTERNET, LEAK, OUTER, Link, addresses, diodes, links, listening
from ops.layout import Installation, Layout, roles

_JOB_S: Final = 180


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        what: what should hold.
        holds: whether it does.
        told: what was seen.
    """

    what: str
    holds: bool
    told: str


@dataclass(slots=True)
class Laboratory:
    """One laboratory with an installation in it.

    Attributes:
        network: machines and cables.
        layout: the installation.
        found: its ports.
        folder: for logs.
        lost_per_1000: datagrams the one-way links lose.
        tell: hears what is being done.
    """

    network: Network
    layout: Layout
    found: Installation
    folder: Path
    lost_per_1000: int
    tell: Callable[[str], None]
    _roles: Roles = field(init=False)

    def __post_init__(self) -> None:
        """Make the keeper of the processes."""
        self._roles = Roles(self.network, self.layout, self.folder)

    @property
    def processes(self) -> tuple[str, ...]:
        """Names of all processes, in the order in which they start."""
        return tuple(name for name, _ in roles(self.found))

    def run(self) -> Iterator[Finding]:
        """Build everything, look, and take it down.

        Raises:
            LabError: the laboratory could not be built, or a role did not start.
        """
        try:
            self.tell("machines and cables")
            self.network.build(links(self.found), lost_per_1000=self.lost_per_1000)
            own_folders(self.layout, self.found.worker_names)
            self.tell(f"{len(self.processes)} roles on their machines, each as its zone's user, behind its walls")
            for process in self.processes:
                self._roles.start(process)
            for process in self.processes:
                self._roles.wait_healthy(process, self.found.ports.metrics_of(process))
            yield self._works()
            yield from self._no_path()
            yield from self._one_way()
            yield from self._controls()
            yield Finding("every role lived through it", self._roles.alive(), "all processes run")
        finally:
            self._roles.stop()
            self.network.close()

    def _works(self) -> Finding:
        self.tell("one declaration from the internet")
        words = [sys.executable, "-m", "ops.main_job", str(self.layout.root), "--no-workbooks"]
        done = subprocess.run(
            self.network.on(INTERNET, *words), capture_output=True, text=True, check=False, timeout=_JOB_S
        )
        last = (done.stdout.strip().splitlines() or [done.stderr.strip()])[-1].strip()
        steps = [line for line in done.stdout.splitlines() if "gap" in line or "state:" in line]
        told = "; ".join(" ".join(line.split()) for line in steps) or last
        if done.returncode:
            told = f"{told} {done.stderr.strip()[-300:]}"
        return Finding("a declaration from the internet is processed by the core", done.returncode == 0, told)

    def _no_path(self) -> Iterator[Finding]:
        self.tell("TCP from every outer machine to every inner one, and the reverse")
        for one, others in ((OUTER, INNER), (INNER, OUTER)):
            for machine in one:
                tried, open_ones = self._reach(machine, others)
                told = f"{tried} ports tried, {', '.join(open_ones) or 'none'} answered"
                yield Finding(f"no TCP path from {machine} to {' or '.join(others)}", not open_ones, told)
        tried, open_ones = self._reach(INTERNET, (DMZ,))
        told = f"{tried} ports tried, {len(open_ones)} answered"
        yield Finding("the same look finds the front door from the internet", bool(open_ones), told)

    def _reach(self, machine: str, others: tuple[str, ...], *, also: tuple[str, ...] = ()) -> tuple[int, list[str]]:
        """Try every port of other machines at every address of theirs; gives how many and which answered."""
        ports = listening(self.found, self.processes)
        targets = [
            f"{address}:{port}"
            for other in others
            for address in (*addresses(other, self.found), *also)
            for port in ports[other]
        ]
        told = self.network.run(machine, sys.executable, "-m", "ops.lab.attempts", "connect", *targets)
        return len(targets), told.split()

    def _one_way(self) -> Iterator[Finding]:
        for link in diodes(self.found):
            self.tell(f"everything that can be sent backwards over {link.name}")
            forward = self.network.received(link.right)
            sent, back = self._shout_back(link)
            told = f"{forward:,} packets forward, {sent} sent backward, {back} arrived"
            yield Finding(f"nothing flows backward over {link.name}", back == 0 and forward > 0, told)

    def _shout_back(self, link: Link) -> tuple[int, int]:
        """Send backwards over a link; gives how many packets were sent, and how many the sending end ever received."""
        words = ("shout", link.right.device, link.left.address, self.network.hardware(link.left))
        sent = self.network.run(link.right.machine, sys.executable, "-m", "ops.lab.attempts", *words)
        return int(sent), self.network.received(link.left)

    def _controls(self) -> Iterator[Finding]:
        self.tell("planted leaks: the same looks must find them")
        self.network.join(LEAK)
        for machine, other, address in ((DMZ, CORE, LEAK.right.address), (CORE, DMZ, LEAK.left.address)):
            tried, open_ones = self._reach(machine, (other,), also=(address,))
            told = f"{tried} ports tried, {len(open_ones)} answered"
            yield Finding(f"a cable from DMZ to core is seen from {machine}", bool(open_ones), told)
        for link in diodes(self.found)[:1]:
            self.network.open_up(link)
            sent, back = self._shout_back(link)
            yield Finding(f"{link.name} without its rules is seen", back > 0, f"{sent} sent backward, {back} arrived")
