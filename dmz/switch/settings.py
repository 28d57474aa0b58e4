"""Settings of the content switch, one table each in the settings file of an edge and of a worker."""

from __future__ import annotations

from dataclasses import dataclass

from dmz.switch.balancer import BalancerLimits
from dmz.switch.mux_events import MuxLimits
from wire_formats.settings_reader import number

MIB = 1024 * 1024


@dataclass(frozen=True)
class SwitchSettings:
    """How an edge speaks with one pool of workers.

    Attributes:
        in_flight: requests under way at one worker.
        queue: requests that wait for a place, per worker of the pool.
        queue_ms: how long one waits for a place.
        answer_ms: how long one waits for an answer, the queue included.
        bridge_ms: how long requests wait for a worker at our start and after the last one has left; longer than a
            call back takes.
        ping_ms: time between two pings of a worker that is up.
        probe_ms: the same of one that is not.
        reconnect_first_ms: first pause before a lost worker is called again; doubles each time.
        reconnect_most_ms: longest such pause.
        slow_start_ms: how long a worker that comes back takes to get its full share.
        affinity_percent: how far over the average a worker may be loaded by its own persons.
        affinity_floor: requests up to which a worker is never too busy for its own persons.
        retry_percent: repetitions per hundred requests.
        budget_mib: memory for long answers that are coming in, per worker.
    """

    in_flight: int = number(64, least=1, most=4096)
    queue: int = number(64, least=0, most=65_536)
    queue_ms: int = number(5_000, least=0, most=60_000)
    answer_ms: int = number(30_000, least=100, most=300_000)
    bridge_ms: int = number(3_000, least=0, most=30_000)
    ping_ms: int = number(1_000, least=50, most=60_000)
    probe_ms: int = number(200, least=20, most=60_000)
    reconnect_first_ms: int = number(50, least=10, most=10_000)
    reconnect_most_ms: int = number(1_000, least=50, most=60_000)
    slow_start_ms: int = number(10_000, least=1, most=600_000)
    affinity_percent: int = number(125, least=100, most=1_000)
    affinity_floor: int = number(8, least=1, most=4_096)
    retry_percent: int = number(10, least=0, most=100)
    budget_mib: int = number(64, least=16, most=1_024)

    @property
    def balancer(self) -> BalancerLimits:
        """The balancer's part."""
        return BalancerLimits(
            in_flight=self.in_flight,
            load_percent=self.affinity_percent,
            load_floor=self.affinity_floor,
            slow_start_ms=self.slow_start_ms,
        )

    @property
    def mux(self) -> MuxLimits:
        """A connection's part."""
        return MuxLimits(streams=self.in_flight, budget_bytes=self.budget_mib * MIB)


@dataclass(frozen=True)
class PortSettings:
    """The worker's end.

    Attributes:
        connections: edges connected at once.
        streams: requests under way on one connection.
        in_flight: requests under way on all of them.
        budget_mib: memory for long requests that are coming in, per connection.
        linger_ms: how long a leaving worker waits for the edges to hang up once its work is done.
        drain_ms: hard stop: how long it finishes its work at most.
        socket_mode: permissions of the socket file.
    """

    connections: int = number(64, least=1, most=1_024)
    streams: int = number(256, least=1, most=4_096)
    in_flight: int = number(512, least=1, most=65_536)
    budget_mib: int = number(64, least=16, most=1_024)
    linger_ms: int = number(5_000, least=0, most=60_000)
    drain_ms: int = number(45_000, least=100, most=600_000)
    socket_mode: int = number(0o660, least=0, most=0o777)

    @property
    def mux(self) -> MuxLimits:
        """A connection's part."""
        return MuxLimits(streams=self.streams, budget_bytes=self.budget_mib * MIB)
