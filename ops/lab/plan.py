"""Which machines there are, how they are joined, and who runs where.  Pure.

Every machine is a network namespace.  Within the DMZ and within the core side there is an ordinary network; between the
two halves there are two one-way links when the transport is the diode, and nothing when it is the directory.

    link          ends                         carries
    street        internet 10.77.1.1           HTTPS to the front door
                  dmz      10.77.1.2
    yard          dmz      10.77.2.1           nothing of ours; the DMZ's own network
                  low      10.77.2.2
    inbound       low      10.77.3.1   ─▶─     datagrams towards the core
                  high     10.77.3.2
    outbound      high     10.77.4.1   ─▶─     datagrams towards the DMZ
                  low      10.77.4.2
    office        high     10.77.5.1           nothing of ours; the core's own network
                  core     10.77.5.2
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from ops.layout import Installation
from ops.units import ownership

INTERNET: Final = "internet"
DMZ: Final = "dmz"
LOW: Final = "low"
HIGH: Final = "high"
CORE: Final = "core"
MACHINES: Final = (INTERNET, DMZ, LOW, HIGH, CORE)
DIODE: Final = "diode"
OUTER: Final = (DMZ, LOW)
INNER: Final = (HIGH, CORE)

#: The front door as the internet sees it.
FRONT_DOOR: Final = "10.77.1.2"


class End(NamedTuple):
    """One end of a link."""

    machine: str
    device: str
    address: str


@dataclass(frozen=True, slots=True)
class Link:
    """A cable between two machines.

    Attributes:
        name: its name.
        left: one end; the sending one of a one-way link.
        right: the other end.
        port: the one UDP port it may carry, from left to right only; 0 for an ordinary link.
    """

    name: str
    left: End
    right: End
    port: int = 0

    @property
    def one_way(self) -> bool:
        """Whether it is a diode."""
        return self.port != 0


_ORDINARY: Final = (
    Link("street", End(INTERNET, "street0", "10.77.1.1"), End(DMZ, "street1", FRONT_DOOR)),
    Link("yard", End(DMZ, "yard0", "10.77.2.1"), End(LOW, "yard1", "10.77.2.2")),
    Link("office", End(HIGH, "office0", "10.77.5.1"), End(CORE, "office1", "10.77.5.2")),
)
#: What a planted leak would be: a cable from the DMZ straight into the core.
LEAK: Final = Link("leak", End(DMZ, "leak0", "10.77.9.1"), End(CORE, "leak1", "10.77.9.2"))

_MACHINE_OF: Final[Mapping[str, str]] = {
    ownership.DMZ: DMZ,
    ownership.LOW: LOW,
    ownership.HIGH: HIGH,
    ownership.INSPECTOR: HIGH,
    ownership.CORE: CORE,
    ownership.CA: CORE,
}
#: Numbers of the users and groups; they need no names.
_FIRST_NUMBER: Final = 77_001


def diodes(found: Installation) -> tuple[Link, ...]:
    """Give the two one-way links, towards the core and back; none when the halves share a directory."""
    if found.transport != DIODE:
        return ()
    inbound, outbound = found.ports.diode("ferry_high", "in"), found.ports.diode("ferry_low", "in")
    return (
        Link("inbound", End(LOW, "in0", "10.77.3.1"), End(HIGH, "in1", "10.77.3.2"), inbound),
        Link("outbound", End(HIGH, "out0", "10.77.4.1"), End(LOW, "out1", "10.77.4.2"), outbound),
    )


def links(found: Installation) -> tuple[Link, ...]:
    """Give the cables of the laboratory."""
    return (*_ORDINARY, *diodes(found))


def addresses(machine: str, found: Installation) -> tuple[str, ...]:
    """Give every address of a machine but the loopback one."""
    ends = [end for link in links(found) for end in (link.left, link.right)]
    return tuple(end.address for end in ends if end.machine == machine)


def ends_of(half: str, found: Installation) -> dict[str, str]:
    """Give the addresses that a half's settings name, without ports: setting -> address."""
    inbound, outbound = diodes(found)
    away, towards = (inbound, outbound) if half == "ferry_low" else (outbound, inbound)
    return {
        "send_from": away.left.address, "send_to": away.right.address,
        "receive_at": towards.right.address, "receive_from": towards.left.address,
    }  # fmt: skip


def machine_of(process: str) -> str:
    """Give the machine a process runs on."""
    return _MACHINE_OF[ownership.user_of(process.partition("-")[0])]


def numbers() -> dict[str, int]:
    """Give the number of every user, which is its group's number too, and of every meeting group."""
    groups = sorted({group for meets in ownership.MEETS.values() for group in meets})
    return {name: _FIRST_NUMBER + index for index, name in enumerate((*ownership.MEETS, *groups))}


def listening(found: Installation, processes: tuple[str, ...]) -> dict[str, tuple[int, ...]]:
    """Give every TCP port each machine listens on.

    Args:
        found: the installation's ports.
        processes: names of all processes.
    """
    ports = found.ports
    taken: dict[str, set[int]] = {machine: set() for machine in MACHINES}
    for process in processes:
        metrics = ports.metrics_of(process)
        if not metrics:
            continue
        children = found.edge_children if process == "edge" else 1
        taken[machine_of(process)] |= set(range(metrics, metrics + children))
    taken[DMZ] |= {ports.unit, ports.community, ports.person, ports.site_plain, ports.site}
    taken[CORE].add(ports.staff)
    return {machine: tuple(sorted(found)) for machine, found in taken.items()}


def rules(link: Link, end: End, *, lost_per_1000: int) -> Iterator[str]:
    """Give the nft(8) lines that make one end of a one-way link what it is.

    The sending end lets its one UDP port out and nothing in; the receiving end lets that port in and nothing out.
    Either end alone is enough; together they also hold when one of the two machines is taken over.

    Args:
        link: the link.
        end: which end.
        lost_per_1000: of what arrives, so much is dropped, as a bad cable would.
    """
    wanted = f"ip protocol udp ip saddr {link.left.address} ip daddr {link.right.address} udp dport {link.port}"
    table, device = f"fg_{end.device}", end.device
    yield f"add table netdev {table}"
    for hook in ("ingress", "egress"):
        yield (
            f"add chain netdev {table} {hook} {{ type filter hook {hook} device {device} priority 0 ; policy drop ; }}"
        )
    hook = "egress" if end is link.left else "ingress"
    if hook == "ingress" and lost_per_1000:
        yield f"add rule netdev {table} ingress numgen random mod 1000 < {lost_per_1000} counter drop"
    yield f"add rule netdev {table} {hook} {wanted} counter accept"
