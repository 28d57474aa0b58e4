"""How many connections and requests one address or one certificate may have: pure counters and token buckets.

Each forked edge counts for itself: with N children a client spread over all of them gets up to N times the figure.
Addresses count by whom they stand for (``addresses``): with IPv6 that is a whole network.

All tables are bounded. The table of buckets forgets the longest unused key when it is full; a forgotten key starts
with a full bucket again, so an attacker with many addresses can at worst win back his own burst.

Source: invariant 9; firewall research, section 6 (connection cap per certificate).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, NamedTuple, Protocol, TypeVar

from dmz.edge.addresses import address_subject

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Rate:
    """A token bucket's size and how fast it fills."""

    per_second: float
    burst: int


class RateTable(Generic[K]):
    """One token bucket per key, for at most ``capacity`` keys.

    Args:
        rate: of every bucket.
        capacity: number of keys remembered.
    """

    def __init__(self, rate: Rate, capacity: int) -> None:
        self._burst = float(rate.burst)
        self._per_second = rate.per_second
        self._capacity = capacity
        self._buckets: OrderedDict[K, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, key: K, now_s: float) -> float:
        """Take one token.

        Args:
            key: whose bucket.
            now_s: monotonic seconds; a clock that steps back fills nothing.

        Returns:
            0.0 when there was one, else the seconds until there will be one (nothing is taken).
        """
        buckets = self._buckets
        bucket = buckets.get(key)
        if bucket is None:
            tokens = self._burst
            if len(buckets) >= self._capacity:
                buckets.popitem(last=False)
        else:
            tokens, then = bucket
            if now_s > then:
                tokens = min(self._burst, tokens + (now_s - then) * self._per_second)
            else:
                now_s = then
            buckets.move_to_end(key)
        if tokens < 1.0:
            buckets[key] = (tokens, now_s)
            return (1.0 - tokens) / self._per_second
        buckets[key] = (tokens - 1.0, now_s)
        return 0.0


class CountTable(Generic[K]):
    """How many of something each key holds now; bounded by what is held.

    Args:
        limit: the most one key may hold.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._counts: dict[K, int] = {}

    def __len__(self) -> int:
        return len(self._counts)

    def enter(self, key: K) -> bool:
        """Count one more for the key; False (and not counted) at the limit."""
        count = self._counts.get(key, 0)
        if count >= self._limit:
            return False
        self._counts[key] = count + 1
        return True

    def leave(self, key: K) -> None:
        """Count one less for the key."""
        count = self._counts[key] - 1
        if count:
            self._counts[key] = count
        else:
            del self._counts[key]


@dataclass(frozen=True, slots=True)
class AdmissionLimits:
    """Limits of one edge process."""

    connections: int = 5_000
    connections_per_address: int = 200
    connections_per_certificate: int = 16
    new_connections: Rate = Rate(per_second=50.0, burst=200)
    address_requests: Rate = Rate(per_second=200.0, burst=800)
    certificate_requests: Rate = Rate(per_second=50.0, burst=200)
    remembered: int = 50_000


class Gate(Protocol):
    """Who may connect at all, whatever the limits (``dmz.intrusion.watch``)."""

    def may_connect(self, address: str) -> bool:
        """Tell whether a connection from this address is to be let in."""

    def overran(self, address: str) -> None:
        """Hear of a connection that was over its address's rate or number."""


class Overrun(NamedTuple):
    """Whose rate is used up (the certificate's, or the address's), and the seconds to wait."""

    wait_s: float
    certificate: bool


class Admission:
    """Lets connections and requests in, or not.

    Args:
        limits: of this process.
        gate: knows banned addresses; None: there are none.
    """

    def __init__(self, limits: AdmissionLimits, gate: Gate | None = None) -> None:
        self._limits = limits
        self._gate = gate
        self.open_connections = 0
        self._by_address: CountTable[str] = CountTable(limits.connections_per_address)
        self._by_certificate: CountTable[bytes] = CountTable(limits.connections_per_certificate)
        self._connection_rate: RateTable[str] = RateTable(limits.new_connections, limits.remembered)
        self._address_rate: RateTable[str] = RateTable(limits.address_requests, limits.remembered)
        self._certificate_rate: RateTable[bytes] = RateTable(limits.certificate_requests, limits.remembered)

    def open(self, address: str, now_s: float) -> str | None:
        """Let a new connection in.

        Returns:
            None when it is in (then ``close`` must follow once), else the word for what is used up.
        """
        if self._gate is not None and not self._gate.may_connect(address):
            return "banned"
        if self.open_connections >= self._limits.connections:
            return "connections"
        subject = address_subject(address)
        if self._connection_rate.take(subject, now_s) > 0:
            return self._over(address, "connection_rate")
        if not self._by_address.enter(subject):
            return self._over(address, "address_connections")
        self.open_connections += 1
        return None

    def _over(self, address: str, limit: str) -> str:
        if self._gate is not None:
            self._gate.overran(address)
        return limit

    def close(self, address: str) -> None:
        """A connection that was let in is gone."""
        self.open_connections -= 1
        self._by_address.leave(address_subject(address))

    def hold_certificate(self, fingerprint: bytes) -> bool:
        """Count a connection of a certificate; False at the limit (then no ``drop_certificate``)."""
        return self._by_certificate.enter(fingerprint)

    def drop_certificate(self, fingerprint: bytes) -> None:
        """A connection counted by ``hold_certificate`` is gone."""
        self._by_certificate.leave(fingerprint)

    def overrun(self, address: str, fingerprint: bytes | None, now_s: float) -> Overrun | None:
        """Take a request's token of an address, and one of its certificate; None when there were both."""
        wait_s = self._address_rate.take(address_subject(address), now_s)
        if wait_s:
            return Overrun(wait_s, certificate=False)
        if fingerprint is not None:
            wait_s = self._certificate_rate.take(fingerprint, now_s)
            if wait_s:
                return Overrun(wait_s, certificate=True)
        return None
