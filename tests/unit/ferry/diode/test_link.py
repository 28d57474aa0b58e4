"""Both ends of a link on loopback, with time that stands still: loss, floods, restarts, rates, what is told."""

from __future__ import annotations

import os
import random
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from ferry.transports.diode.batches import SingleReceiving, SingleSending
from ferry.transports.diode.datagram import IP_UDP_BYTES, KEY_BYTES, Sealer
from ferry.transports.diode.inlet import SILENT_S, DiodeInlet
from ferry.transports.diode.metrics import DiodeMetrics
from ferry.transports.diode.outlet import DiodeOutlet
from ferry.transports.diode.pacing import BUCKET_S
from ferry.transports.diode.sockets import Address, open_receiver
from tests.support.diode_kit import DIRECTION, KEY, STEP_S, DiodeRig, Draws, diode_settings, share
from wire_formats.drop import DropName
from wire_formats.errors import Unavailable
from wire_formats.settings_reader import SettingsError

BODY = random.Random(3).randbytes(400_000)


def name(sequence: int) -> DropName:
    return DropName(7, sequence, "ferry_low")


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[DiodeRig]:
    made = DiodeRig(tmp_path, loss_per_10000=500).start()
    yield made
    made.close()


def arrived(rig: DiodeRig, lane: str, sequence: int) -> bytes:
    return rig.inlet.read(lane, name(sequence), limit=1 << 24)


@pytest.mark.parametrize("loss", [0.01, 0.05])
def test_what_the_plan_covers_arrives(rig: DiodeRig, loss: float) -> None:
    rig.lose(share(loss))
    for sequence in range(1, 21):
        rig.outlet.put("bulk", name(sequence), BODY)
        rig.outlet.put("interactive", name(sequence), BODY[:3000])
    rig.carry()
    for sequence in range(1, 21):
        assert arrived(rig, "bulk", sequence) == BODY
        assert arrived(rig, "interactive", sequence) == BODY[:3000]
    assert rig.arrived("bulk")["repaired"] > 0
    assert rig.arrived("bulk")["incomplete"] == 0


def test_a_burst_between_two_copies_harms_nothing(rig: DiodeRig) -> None:
    rig.outlet.put("interactive", name(1), BODY[:3000])
    dark = [0.001]
    rig.lose(lambda _: rig.reactor.seconds() < dark[0] + 2 * STEP_S)
    rig.carry()
    assert arrived(rig, "interactive", 1) == BODY[:3000]


def test_what_too_much_was_lost_of_is_dropped_and_counted(rig: DiodeRig) -> None:
    rig.lose(share(0.6))
    rig.outlet.put("bulk", name(1), BODY)
    rig.carry(12.0)
    assert rig.inlet.depth("bulk") == 0
    assert rig.arrived("bulk")["incomplete"] == 1
    assert rig.arrived("bulk")["open_bytes"] == 0


def test_loss_is_measured_and_beyond_the_plan_told(rig: DiodeRig) -> None:
    rig.carry(1.0)
    assert rig.inlet.report().figures["loss"] == 0.0
    rig.lose(share(0.2))
    for sequence in range(1, 40):
        rig.outlet.put("bulk", name(sequence), BODY)
        rig.carry(1.1)
    assert 0.15 < float(rig.inlet.report().figures["loss"]) < 0.25
    assert any("loss_per_10000" in trouble for trouble in rig.inlet.report().troubles)


def test_silence_is_told(rig: DiodeRig) -> None:
    rig.carry(1.0)
    assert rig.inlet.report().troubles == ()
    rig.lose(lambda _: True)
    rig.carry(SILENT_S + 2)
    assert any("nothing came" in trouble for trouble in rig.inlet.report().troubles)


def test_a_flood_from_elsewhere_is_dropped_by_the_kernel(rig: DiodeRig) -> None:
    target = Address.parse(rig.settings.receive_at).pair
    sealer = Sealer(KEY, DIRECTION, 99, size=rig.settings.datagram_bytes)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as foreign:
        for _ in range(500):
            foreign.sendto(sealer.filler(1), target)
    rig.outlet.put("bulk", name(1), BODY)
    rig.carry()
    assert arrived(rig, "bulk", 1) == BODY
    assert len(rig.inlet._openers) == 1


def test_a_flood_under_the_right_address_reaches_no_memory(rig: DiodeRig) -> None:
    """A neighbour on the cable may forge address and port; without the key its datagrams begin nothing."""
    out, chance = rig.outlet._out, random.Random(1)
    size = rig.settings.datagram_bytes
    forger = Sealer(os.urandom(32), DIRECTION, 4, size=size)
    for _ in range(40):
        forged = [forger.seal((2, 2, n, 10_000_000, 180, 0, 0), b"") for n in range(1, 20)]
        out.send(forged + [chance.randbytes(size) for _ in range(20)])
        rig.carry(STEP_S)
    rig.outlet.put("bulk", name(1), BODY)
    rig.carry()
    assert arrived(rig, "bulk", 1) == BODY
    assert rig.arrived("bulk")["incomplete"] == 0
    assert len(rig.inlet._openers) == 1


def test_mutated_datagrams_give_nothing(rig: DiodeRig) -> None:
    """Every datagram comes mutated, some twice, before its true self comes: the file is the true one."""
    out, chance = rig.outlet._out, random.Random(2)

    class Mutating:
        def send(self, datagrams: list[bytes]) -> int:
            for datagram in datagrams:
                twin = bytearray(datagram)
                twin[chance.randrange(len(twin))] ^= 1 << chance.randrange(8)
                assert out.send([bytes(twin), datagram, datagram]) == 3
            return len(datagrams)

    rig.outlet._out = Mutating()
    rig.outlet.put("bulk", name(1), BODY)
    rig.outlet.put("interactive", name(1), BODY[:3000])
    rig.carry()
    assert (arrived(rig, "bulk", 1), arrived(rig, "interactive", 1)) == (BODY, BODY[:3000])


def test_the_rate_holds_from_the_first_to_the_last_datagram(tmp_path: Path) -> None:
    rig = DiodeRig(tmp_path, rate_mbit=20).start()
    gone: list[tuple[float, int]] = []
    out = rig.outlet._out

    class Watched:
        def send(self, datagrams: list[bytes]) -> int:
            gone.append((rig.reactor.seconds(), len(datagrams) * (len(datagrams[0]) + IP_UDP_BYTES)))
            return int(out.send(datagrams))

    rig.outlet._out = Watched()
    rig.outlet.put("bulk", name(1), BODY)
    rig.carry()
    rig.close()
    rate = 20 * 125_000
    bucket = max(rate * BUCKET_S, 2 * (rig.settings.datagram_bytes + IP_UDP_BYTES))
    for first in range(len(gone)):
        total = 0
        for at, size in gone[first:]:
            total += size
            assert total <= rate * (at - gone[first][0]) + bucket + 1
    took = gone[-1][0] - gone[0][0]
    assert sum(size for _, size in gone) / took > 0.8 * rate, "and it is used"


def test_a_busy_time_begins_and_ends_with_fillers(rig: DiodeRig) -> None:
    rig.carry(0.1)
    rig.lose(lambda _: False)
    rig.outlet.put("bulk", name(1), BODY)
    rig.carry()
    schemes = [datagram[5] for datagram in rig.sent]
    count = rig.settings.filler
    assert schemes[:count] == [0] * count
    assert schemes[-count:] == [0] * count
    assert 0 not in schemes[count:-count]
    assert {len(datagram) for datagram in rig.sent} == {rig.settings.datagram_bytes}


def test_a_full_queue_refuses(tmp_path: Path) -> None:
    rig = DiodeRig(tmp_path, queue_bytes=4 << 20).start()
    rig.outlet.put("bulk", name(1), bytes(3 << 20))
    with pytest.raises(Unavailable):
        rig.outlet.put("bulk", name(2), bytes(3 << 20))
    rig.outlet.put("interactive", name(2), bytes(3 << 20))
    rig.carry()
    rig.outlet.put("bulk", name(2), bytes(3 << 20))
    rig.close()


def test_what_waits_is_told_so_that_it_is_not_sent_twice(rig: DiodeRig) -> None:
    rig.outlet.put("bulk", name(1), BODY)
    rig.outlet.put("bulk", name(2), BODY)
    carried = rig.outlet.carrying("bulk")
    assert (name(1) in carried, name(2) in carried, name(3) in carried) == (True, True, False)
    assert name(1) not in rig.outlet.carrying("interactive")
    rig.carry()
    assert name(2) not in carried


def test_what_has_no_room_at_the_receiver_is_dropped_and_counted(tmp_path: Path) -> None:
    rig = DiodeRig(tmp_path, ready_bytes=4 << 20).start()
    for sequence in (1, 2):
        rig.outlet.put("bulk", name(sequence), bytes(3 << 20))
        rig.carry()
    assert rig.inlet.depth("bulk") == 1
    assert rig.arrived("bulk")["dropped"] == 1
    rig.close()


def test_a_sender_that_begins_again_is_a_new_run(rig: DiodeRig) -> None:
    rig.outlet.put("bulk", name(1), BODY)
    rig.carry()
    rig.outlet.close()
    rig.outlet = DiodeOutlet(
        rig.settings, DIRECTION, reactor=rig.reactor, randomness=Draws(), metrics=DiodeMetrics(CollectorRegistry())
    )
    rig.outlet.prepare()
    rig.outlet.put("bulk", name(2), BODY)
    rig.carry()
    assert arrived(rig, "bulk", 2) == BODY


def test_a_socket_that_refuses_is_told_and_tried_again(rig: DiodeRig) -> None:
    out = rig.outlet._out

    class Broken:
        def send(self, datagrams: list[bytes]) -> int:
            raise OSError(101, "Network is unreachable")

    rig.outlet._out = Broken()
    rig.outlet.put("bulk", name(1), BODY)
    for _ in range(50):
        rig.reactor.advance(STEP_S)
    assert "Network is unreachable" in rig.outlet.report().troubles[0]
    rig.outlet._out = out
    rig.carry()
    assert arrived(rig, "bulk", 1) == BODY
    assert rig.outlet.report().troubles == ()


def test_a_full_socket_buffer_loses_nothing(rig: DiodeRig) -> None:
    out = rig.outlet._out

    class Narrow:
        def send(self, datagrams: list[bytes]) -> int:
            return int(out.send(datagrams[:3]))

    rig.outlet._out = Narrow()
    rig.outlet.put("bulk", name(1), BODY)
    rig.carry()
    assert arrived(rig, "bulk", 1) == BODY
    assert rig.arrived("bulk")["repaired"] == 0


def test_one_by_one_where_the_calls_are_missing(rig: DiodeRig) -> None:
    target = Address.parse(rig.settings.send_to).pair
    rig.outlet._out = SingleSending(rig.outlet._socket, target)
    rig.inlet._in = SingleReceiving(rig.inlet._socket, size=rig.settings.datagram_bytes)
    rig.outlet.put("bulk", name(1), BODY)
    rig.carry()
    assert arrived(rig, "bulk", 1) == BODY


def test_a_longer_datagram_is_no_datagram(rig: DiodeRig) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as same:
        rig.outlet.close()
        same.bind(Address.parse(rig.settings.send_from).pair)
        same.sendto(bytes(9000), Address.parse(rig.settings.receive_at).pair)
        rig.inlet.doRead()
    assert rig.inlet._passed_over["malformed"]._value.get() == 1


def test_the_kernel_tells_what_it_dropped(tmp_path: Path) -> None:
    rig = DiodeRig(tmp_path, socket_bytes=1 << 16)
    rig.inlet.prepare()
    rig.outlet.prepare()
    rig.outlet.put("bulk", name(1), bytes(3 << 20))
    for _ in range(200):
        rig.reactor.advance(STEP_S)
    assert int(rig.inlet.report().figures["kernel_dropped"]) > 0
    rig.close()


def test_a_buffer_that_is_not_granted_is_told() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    sock, trouble = open_receiver(Address("127.0.0.1", port), Address("127.0.0.1", 9), buffer_bytes=(1 << 31) - 1)
    sock.close()
    assert "net.core.rmem_max" in trouble


def test_the_outlet_hears_nothing_back(rig: DiodeRig) -> None:
    """Nobody listens: the refusals of the other host do not reach the sender."""
    rig.inlet.close()
    for sequence in range(1, 5):
        rig.outlet.put("interactive", name(sequence), b"x")
        for _ in range(20):
            rig.reactor.advance(STEP_S)
    assert rig.outlet.empty
    assert rig.outlet.report().troubles == ()


def test_the_plan_is_told(rig: DiodeRig) -> None:
    figures = rig.outlet.report().figures
    assert (figures["loss_planned"], figures["failure"]) == (0.05, 1e-6)
    assert 0 < float(figures["failure_small"]) <= 1e-5


@pytest.mark.parametrize("content", [b"", bytes(KEY_BYTES - 1), bytes(KEY_BYTES + 1)])
def test_a_wrong_key_file_is_refused(tmp_path: Path, content: bytes) -> None:
    settings = diode_settings(tmp_path)
    settings.key.write_bytes(content)
    with pytest.raises(SettingsError, match="32"):
        DiodeRig.__init__(DiodeRig.__new__(DiodeRig), tmp_path / "other", key=settings.key)


def test_an_address_that_is_taken_is_refused(rig: DiodeRig) -> None:
    metrics = DiodeMetrics(CollectorRegistry())
    twin = DiodeInlet(rig.settings, DIRECTION, reactor=rig.reactor, metrics=metrics)
    with pytest.raises(SettingsError, match="receive_at"):
        twin.prepare()
    with pytest.raises(SettingsError, match=r"receive_from is missing"):
        DiodeInlet(
            replace(rig.settings, receive_from=""),
            DIRECTION,
            reactor=rig.reactor,
            metrics=DiodeMetrics(CollectorRegistry()),
        ).prepare()
    elsewhere = replace(rig.settings, send_from="192.0.2.1:7000")
    with pytest.raises(SettingsError, match="send_from"):
        DiodeOutlet(
            elsewhere, DIRECTION, reactor=rig.reactor, randomness=Draws(), metrics=DiodeMetrics(CollectorRegistry())
        ).prepare()


@pytest.mark.parametrize(
    "text", ["", "localhost:7", "127.0.0.1", "127.0.0.1:", "127.0.0.1:70000", "::1:7", "1.2.3.4:-1"]
)
def test_addresses_are_ipv4_and_a_port(text: str) -> None:
    with pytest.raises(ValueError, match="IPv4"):
        Address.parse(text)


def test_a_datagram_is_whole_eights(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="multiple of 8"):
        diode_settings(tmp_path, datagram_bytes=1470)
