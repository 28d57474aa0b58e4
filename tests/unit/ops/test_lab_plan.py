"""Machines, cables and rules of the laboratory, as a plan."""

from __future__ import annotations

import pytest

from ops.lab.plan import (
    CORE,
    DMZ,
    HIGH,
    INNER,
    LEAK,
    LOW,
    MACHINES,
    OUTER,
    addresses,
    diodes,
    ends_of,
    links,
    listening,
    machine_of,
    numbers,
    rules,
)
from ops.layout import NO_NETWORK, Installation, Ports, roles

DIRECTORY = Installation(ports=Ports(), workers=2)
DIODE = Installation(ports=Ports(), workers=2, transport="diode")


@pytest.mark.parametrize("found", [DIRECTORY, DIODE])
def test_no_ordinary_cable_crosses_the_gap(found: Installation) -> None:
    for link in links(found):
        ends = {link.left.machine, link.right.machine}
        crosses = ends & set(OUTER) and ends & set(INNER)
        assert not crosses or link.one_way


def test_halves_that_share_a_directory_share_no_cable() -> None:
    assert diodes(DIRECTORY) == ()
    assert {link.left.machine for link in diodes(DIODE)} == {LOW, HIGH}


def test_the_leak_joins_dmz_and_core() -> None:
    assert {LEAK.left.machine, LEAK.right.machine} == {DMZ, CORE}
    assert not LEAK.one_way


@pytest.mark.parametrize("found", [DIRECTORY, DIODE])
def test_every_process_has_a_machine_and_its_ports(found: Installation) -> None:
    processes = tuple(name for name, _ in roles(found))
    ports = listening(found, processes)
    assert set(ports) == set(MACHINES)
    for process in processes:
        metrics = found.ports.metrics_of(process)
        assert metrics in ports[machine_of(process)] or (metrics == 0 and process in NO_NETWORK)
    assert found.ports.unit in ports[DMZ]
    assert found.ports.staff in ports[CORE]


def test_addresses_are_unique() -> None:
    every = [address for machine in MACHINES for address in addresses(machine, DIODE)]
    assert len(every) == len(set(every)) == 2 * len(links(DIODE))


def test_what_one_half_sends_the_other_receives() -> None:
    low, high = ends_of("ferry_low", DIODE), ends_of("ferry_high", DIODE)
    assert low["send_from"] == high["receive_from"]
    assert low["send_to"] == high["receive_at"]
    assert high["send_from"] == low["receive_from"]
    assert high["send_to"] == low["receive_at"]


def test_numbers_are_different_for_every_user_and_group() -> None:
    assert len(set(numbers().values())) == len(numbers())


@pytest.mark.parametrize("lost", [0, 50])
def test_each_end_of_a_one_way_link_lets_one_direction_pass(lost: int) -> None:
    link = diodes(DIODE)[0]
    sending, receiving = (list(rules(link, end, lost_per_1000=lost)) for end in (link.left, link.right))
    for lines in (sending, receiving):
        assert sum("policy drop" in line for line in lines) == 2
        assert sum("accept" in line for line in lines) == 1
    assert "egress ip protocol udp" in sending[-1]
    assert "ingress ip protocol udp" in receiving[-1]
    assert any("numgen" in line for line in receiving) is (lost > 0)
    assert not any("numgen" in line for line in sending)
