"""Invariant 1 on a running system: nothing of the DMZ holds a connection or a file of the inner side, nor the reverse.

It shows what is, under load, and that the same look finds a planted leak.  That nothing *could* is the business of
separate hosts and the network-namespace laboratory, which come with the ferry's own work.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.integration.faults.declarations import Load
from tests.support.hall_user import HallUser
from tests.support.whole_system import WholeSystem

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]
OUTER = ("edge", "static", "ferry_low")
INNER = ("core", "staff", "ca", "ferry_high")
LOOKS = 25


class Side:
    """The processes of one side of the gap, and where its files lie."""

    def __init__(self, pids: list[int], folders: list[Path]) -> None:
        self.pids = pids
        self.folders = [str(folder) + "/" for folder in folders]

    def processes(self) -> Iterator[psutil.Process]:
        for pid in self.pids:
            try:
                yield psutil.Process(pid)
            except psutil.NoSuchProcess:
                continue

    def ports(self) -> set[int]:
        """Every local port its processes hold, listening or connected."""
        found = set()
        for process in self.processes():
            found |= {one.laddr.port for one in process.net_connections("inet") if one.laddr}
        return found


def paths_between(one: Side, other: Side) -> list[str]:
    """Connections and open files by which one side reaches the other."""
    found = []
    ports = other.ports()
    for process in one.processes():
        for connection in process.net_connections("inet"):
            if connection.raddr and connection.raddr.port in ports:
                found.append(f"{process.pid} is connected to port {connection.raddr.port}")
        for file in process.open_files():
            found += [f"{process.pid} holds {file.path}" for folder in other.folders if file.path.startswith(folder)]
    return found


def _sides(system: WholeSystem) -> tuple[Side, Side]:
    layout = system.layout
    workers = [name for name in system.processes() if name.startswith("worker-")]
    outer = [system.pid(name) for name in (*OUTER, *workers)] + system.edge_children()
    inner = [system.pid(name) for name in INNER]
    return (
        Side(outer, [layout.dmz, layout.ferry_low]),
        Side(inner, [layout.core, layout.ca, layout.ferry_high]),
    )


def test_no_path_leads_from_one_side_to_the_other(system: WholeSystem) -> None:
    user = HallUser(system, "unit")
    user.sign_in()
    load = Load(system, [user], 20)
    outer, inner = _sides(system)
    load.start()
    load.permit(20)
    for _ in range(LOOKS):
        assert paths_between(outer, inner) == []
        assert paths_between(inner, outer) == []
        time.sleep(0.1)
    load.join(within_s=60)
    load.see_results(within_s=60)


def test_the_same_look_finds_a_planted_leak(system: WholeSystem, root: Path) -> None:
    """Our own process plays a DMZ process that reaches inside, by a socket and by a file."""
    _, inner = _sides(system)
    leak = Side([psutil.Process().pid], [])
    assert paths_between(leak, inner) == []
    with socket.create_connection(("127.0.0.1", system.found.ports.staff)), (root / "core" / "core.toml").open():
        found = paths_between(leak, inner)
    assert any("is connected to port" in one for one in found)
    assert any("holds" in one for one in found)
