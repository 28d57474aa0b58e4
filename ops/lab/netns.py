"""Makes the machines and cables of the laboratory, and takes them down again.

Names carry a mark of this run, so that two laboratories do not meet; whatever happens, ``close`` removes what was made.
The rules of a one-way link are loaded before its device is up: not one packet passes without them.

Source: ip-netns(8), nft(8), veth(4).
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from typing import Final

from ops.lab.plan import MACHINES, End, Link, rules

_DEADLINE_S: Final = 90
_TOOLS: Final = ("ip", "nft", "setpriv", "unshare", "mount")


class LabError(Exception):
    """The laboratory cannot be built or used here; one line says why."""


def missing_tools() -> list[str]:
    """Give the programs that are not installed."""
    return [tool for tool in _TOOLS if shutil.which(tool) is None]


class Network:
    """Machines and cables.

    Args:
        mark: distinguishes this laboratory from others on the machine.
    """

    def __init__(self, mark: str) -> None:
        self._mark = mark
        self._made: list[str] = []

    def name(self, machine: str) -> str:
        """Give the namespace of a machine."""
        return f"fg{self._mark}-{machine}"

    def build(self, links: Iterable[Link], *, lost_per_1000: int = 0) -> None:
        """Make all machines and join them.

        Raises:
            LabError: the kernel or the user's rights do not allow it.
        """
        for machine in MACHINES:
            self._made.append(machine)  # before it is there: who is interrupted in between takes it down, too
            call("ip", "netns", "add", self.name(machine))
            self.run(
                machine,
                "sysctl",
                "-q",
                "-w",
                "net.ipv6.conf.all.disable_ipv6=1",
                "net.ipv6.conf.default.disable_ipv6=1",
            )
            self.run(machine, "ip", "link", "set", "lo", "up")
        for link in links:
            self.join(link, lost_per_1000=lost_per_1000)

    def join(self, link: Link, *, lost_per_1000: int = 0) -> None:
        """Lay one cable; a one-way one gets its rules before it is up.

        Raises:
            LabError: it cannot be laid.
        """
        left, right = link.left, link.right
        peer = ("peer", "name", right.device, "netns", self.name(right.machine))
        call("ip", "link", "add", left.device, "netns", self.name(left.machine), "type", "veth", *peer)
        for end in (left, right):
            self.run(end.machine, "ip", "addr", "add", f"{end.address}/24", "dev", end.device)
            if link.one_way:
                self._load(end.machine, rules(link, end, lost_per_1000=lost_per_1000))
        for end in (left, right):
            self.run(end.machine, "ip", "link", "set", end.device, "up")
        if link.one_way:
            # Nobody answers a question for an address over a one-way link.
            self.run(
                left.machine,
                "ip",
                "neigh",
                "replace",
                right.address,
                "lladdr",
                self.hardware(right),
                "dev",
                left.device,
            )

    def open_up(self, link: Link) -> None:
        """Take the rules off both ends of a one-way link: the planted fault of the negative control."""
        for end in (link.left, link.right):
            self.run(end.machine, "nft", "delete", "table", "netdev", f"fg_{end.device}")

    def hardware(self, end: End) -> str:
        """Give the hardware address of an end."""
        return str(self._device(end)["address"])

    def received(self, end: End) -> int:
        """Give how many packets an end has received since it was made, whatever became of them."""
        return int(self._device(end)["stats64"]["rx"]["packets"])

    def run(self, machine: str, *words: str) -> str:
        """Run a program on a machine and give what it prints.

        Raises:
            LabError: it failed.
        """
        return call(*self.on(machine, *words))

    def on(self, machine: str, *words: str) -> list[str]:
        """Give the words that run a program on a machine."""
        return ["ip", "netns", "exec", self.name(machine), *words]

    def close(self) -> None:
        """Take all machines down, and with them their cables."""
        while self._made:
            words = ["ip", "netns", "del", self.name(self._made.pop())]
            subprocess.run(words, check=False, capture_output=True, timeout=_DEADLINE_S)

    def _device(self, end: End) -> dict[str, dict[str, dict[str, int]]]:
        told = self.run(end.machine, "ip", "-j", "-s", "link", "show", "dev", end.device)
        found: dict[str, dict[str, dict[str, int]]] = json.loads(told)[0]
        return found

    def _load(self, machine: str, lines: Iterable[str]) -> None:
        done = subprocess.run(
            self.on(machine, "nft", "-f", "-"), input="\n".join(lines) + "\n", text=True, capture_output=True,
            check=False, timeout=_DEADLINE_S,
        )  # fmt: skip
        if done.returncode:
            raise LabError(f"nft: {done.stderr.strip()[:300]}")


def call(*words: str) -> str:
    """Run a program and give what it prints.

    Raises:
        LabError: it is missing, failed, or took too long.
    """
    return _call(words)


def _call(words: Sequence[str]) -> str:
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=_DEADLINE_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LabError(f"{words[0]}: {error}") from None
    if done.returncode:
        raise LabError(f"{' '.join(words[:8])}: {done.stderr.strip()[:300]}")
    return done.stdout
