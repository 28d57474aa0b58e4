"""Where everything of one installation lies, and which ports it uses.  Pure.

var/installation.toml        this installation: ports, city, workers
var/run/                     the supervisor's lock and control socket
var/dmz/ var/gap/ var/ferry_low/ var/ferry_high/ var/ferry_inspector/ var/core/ var/ca/ var/gatekeeper/
var/gatekeeper_low/ var/demo/    see DESIGN
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from wire_formats.settings_reader import number

LANES: Final = ("interactive", "bulk")
CONTROL: Final = "control"
WAYS: Final = ("inbound", "outbound")
#: What may join the two halves of the ferry; the first is the usual one.
TRANSPORTS: Final = ("directory", "diode")
#: Metrics ports count up from the first one, in this order; worker-<n> follow from WORKERS_AT.
METRICS_ORDER: Final = (
    "supervisor", "static", "ferry_low", "ferry_high", "core", "staff", "ca", "gatekeeper", "gatekeeper_low",
    "ferry_media",
)  # fmt: skip
WORKERS_AT: Final = 20
#: Processes that have no network, and so no port for their metrics.
NO_NETWORK: Final = frozenset({"ferry_inspector"})
#: The edge's children take consecutive ports from here.
EDGE_AT: Final = 40
MOST_EDGE_CHILDREN: Final = 64
#: A process finishes what is under way for so long when it is replaced or stopped, in seconds.
WORKER_DRAIN_S: Final = 20
EDGE_DRAIN_S: Final = 8
#: Names of a one-machine installation: in its server certificates, and what its edge answers to.
HOSTS: Final = ("localhost", "127.0.0.1")
_LARGEST_PORT: Final = 65_535


@dataclass(frozen=True)
class Ports:
    """The TCP ports of one installation.

    Attributes:
        unit: window of units.
        community: window of communities.
        person: window of individuals.
        site_plain: the site without TLS; it only redirects.
        site: the site.
        staff: the core's staff window.
        gatekeeper: the gatekeeper console of the high side.
        gatekeeper_low: the one of the low side, which only looks.
        metrics: first of the loopback ports for /metrics and /healthz.
    """

    unit: int = number(7002, least=1, most=_LARGEST_PORT)
    community: int = number(7012, least=1, most=_LARGEST_PORT)
    person: int = number(7022, least=1, most=_LARGEST_PORT)
    site_plain: int = number(8080, least=1, most=_LARGEST_PORT)
    site: int = number(8443, least=1, most=_LARGEST_PORT)
    staff: int = number(7443, least=1, most=_LARGEST_PORT)
    metrics: int = number(9700, least=1, most=_LARGEST_PORT - EDGE_AT - MOST_EDGE_CHILDREN)
    gatekeeper: int = number(7444, least=1, most=_LARGEST_PORT)
    gatekeeper_low: int = number(7445, least=1, most=_LARGEST_PORT)

    @classmethod
    def from_base(cls, base: int) -> Ports:
        """Give consecutive ports, for a second installation on one machine or for tests.

        Args:
            base: 1024..65000; base..base+7 are the windows, metrics start at base+10.

        Raises:
            ValueError: base out of range.
        """
        if not 1024 <= base <= 65_000:
            raise ValueError(f"FERRYGATE_PORT_BASE must be from 1024 to 65000, not {base}")
        return cls(base, base + 1, base + 2, base + 3, base + 4, base + 5, base + 10, base + 6, base + 7)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Ports:
        """Give the ports FERRYGATE_PORT_BASE asks for, or the usual ones.

        Raises:
            ValueError: the variable is no usable number.
        """
        text = environment.get("FERRYGATE_PORT_BASE", "")
        if not text:
            return cls()
        if not text.isdecimal():
            raise ValueError(f"FERRYGATE_PORT_BASE must be a number, not '{text[:20]}'")
        return cls.from_base(int(text))

    def metrics_of(self, role: str) -> int:
        """Give the metrics port of a process."""
        if role.startswith("worker-"):
            return self.metrics + WORKERS_AT + int(role.removeprefix("worker-"))
        if role == "edge":
            return self.metrics + EDGE_AT
        if role in NO_NETWORK:
            return 0
        return self.metrics + METRICS_ORDER.index(role)

    def diode(self, half: str, end: str) -> int:
        """Give the UDP port of one end ("out", "in") of a half's diode; TCP has numbers of its own."""
        return self.metrics + ("ferry_low", "ferry_high").index(half) * 2 + ("out", "in").index(end)

    def listening(self) -> Iterator[tuple[str, int]]:
        """Give what the public ports are for, and their numbers."""
        yield "units (单位网厅)", self.unit
        yield "communities (社区网厅)", self.community
        yield "individuals (个人网厅)", self.person
        yield "site, plain", self.site_plain
        yield "site (门户)", self.site
        yield "staff (业务经办)", self.staff
        yield "gatekeepers (守闸台)", self.gatekeeper
        yield "gatekeepers, low side (守闸台，只读)", self.gatekeeper_low


@dataclass(frozen=True)
class Installation:
    """``var/installation.toml``.

    Attributes:
        ports: see ``Ports``.
        workers: how many application workers, 1..16.
        edge_children: how many processes the edge forks, 1..64.
        city_units: units of the synthetic city.
        operators: further demo accounts of units, for load tests.
        hosts: names and addresses of the front door, in its certificate and in what it answers to.
        transport: what joins the two halves of the ferry.
    """

    ports: Ports
    workers: int = number(4, least=1, most=16)
    edge_children: int = number(2, least=1, most=MOST_EDGE_CHILDREN)
    city_units: int = number(300, least=2, most=42_000)
    operators: int = number(0, least=0, most=500)
    hosts: tuple[str, ...] = HOSTS
    transport: str = field(default=TRANSPORTS[0], metadata={"choices": TRANSPORTS})

    @property
    def worker_names(self) -> tuple[str, ...]:
        """worker-1, worker-2, ..."""
        return tuple(f"worker-{index}" for index in range(1, self.workers + 1))


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths of one installation.

    Attributes:
        root: usually ``var``; absolute.
    """

    root: Path

    @property
    def installation(self) -> Path:
        """The file that makes a folder an installation."""
        return self.root / "installation.toml"

    @property
    def run(self) -> Path:
        """The supervisor's lock and control socket."""
        return self.root / "run"

    @property
    def control(self) -> Path:
        """The supervisor's control socket."""
        return self.run / "control.sock"

    @property
    def supervisor_lock(self) -> Path:
        """Held by the running supervisor; holds its pid."""
        return self.run / "supervisor.lock"

    @property
    def upgrade_lock(self) -> Path:
        """Held by a running `ferrygate upgrade`."""
        return self.run / "upgrade.lock"

    @property
    def dmz(self) -> Path:
        """The DMZ's folder."""
        return self.root / "dmz"

    @property
    def gap(self) -> Path:
        """The directory transport."""
        return self.root / "gap"

    @property
    def ferry_low(self) -> Path:
        """The ferry's low half."""
        return self.root / "ferry_low"

    @property
    def ferry_high(self) -> Path:
        """The ferry's high half."""
        return self.root / "ferry_high"

    @property
    def ferry_inspector(self) -> Path:
        """The ferry's inspector."""
        return self.root / "ferry_inspector"

    @property
    def longest_socket(self) -> Path:
        """The longest path under which a process of this installation opens a Unix socket."""
        return self.ferry_inspector / "run" / "inspector.sock"

    @property
    def core(self) -> Path:
        """The core's folder."""
        return self.root / "core"

    @property
    def ca(self) -> Path:
        """The certificate authority's folder."""
        return self.root / "ca"

    @property
    def demo(self) -> Path:
        """Demo accounts' PKCS#12 files."""
        return self.root / "demo"

    @property
    def gatekeeper(self) -> Path:
        """The gatekeeper console of the high side."""
        return self.root / "gatekeeper"

    @property
    def gatekeeper_low(self) -> Path:
        """The one of the low side."""
        return self.root / "gatekeeper_low"

    @property
    def trial_medium(self) -> Path:
        """A plain folder of the high side in which a medium's files may be laid for a trial."""
        return self.ferry_high / "media" / "stick"

    def settings(self, role: str) -> Path:
        """Give the settings file of a process."""
        return self._zone_of(role) / f"{role}.toml"

    def log(self, role: str) -> Path:
        """Give the log file of a process; forked children add their number to its name."""
        return self._zone_of(role) / "log" / f"{role}.log"

    def folders(self, workers: tuple[str, ...]) -> Iterator[Path]:
        """Give every folder the processes expect to exist."""
        yield self.run
        consoles = (self.gatekeeper, self.gatekeeper_low)
        for zone in (self.dmz, self.ferry_low, self.ferry_high, self.ferry_inspector, self.core, self.ca, *consoles):
            for name in ("keys", "trust", "log", "run"):
                yield zone / name
        for lane in LANES:
            yield self.dmz / "outbox" / lane
            yield self.core / "inbox" / lane
        for worker in workers:
            yield self.dmz / "inbox" / worker
        for lane in (*LANES, CONTROL):
            yield self.core / "outbox" / lane
            for way in WAYS:
                yield self.gap / way / lane
        for half in (self.ferry_low, self.ferry_high):
            yield half / "state"
            yield half / "spool"
            yield half / "media" / "orders" / ".tmp"
            yield half / "acts" / "drop" / ".tmp"
            yield half / "quarantine"
        yield self.trial_medium
        yield self.dmz / "notices"
        yield self.dmz / "snapshots"
        yield self.dmz / "bans"
        yield self.dmz / "quarantine"
        yield self.ca / "crl"
        yield self.core / "deny"
        yield self.core / "quarantine"
        yield self.demo

    def _zone_of(self, role: str) -> Path:
        zones = {
            "edge": self.dmz,
            "static": self.dmz,
            "ferry_low": self.ferry_low,
            "ferry_high": self.ferry_high,
            "ferry_inspector": self.ferry_inspector,
            "ferry_media": self.ferry_high,
            "core": self.core,
            "staff": self.core,
            "ca": self.ca,
            "gatekeeper": self.gatekeeper,
            "gatekeeper_low": self.gatekeeper_low,
        }
        return self.dmz if role.startswith("worker-") else zones[role]


def roles(installation: Installation) -> tuple[tuple[str, int], ...]:
    """Give every process of an installation and its stage; lower stages start first and stop last.

    Only the edge waits for the others: nobody is let in before somebody can answer, and nobody is
    left unanswered at stop.  The others find each other in whatever order they come up.
    """
    return (
        ("ca", 1),
        ("core", 1),
        ("ferry_inspector", 1),
        ("ferry_high", 1),
        ("ferry_low", 1),
        ("ferry_media", 1),
        ("static", 1),
        ("staff", 1),
        ("gatekeeper", 1),
        ("gatekeeper_low", 1),
        *((worker, 1) for worker in installation.worker_names),
        ("edge", 2),
    )


def hands_over(role: str) -> bool:
    """Whether a process's successor starts beside it and takes its sockets over: the front door does.

    The others own folders and numbers that two processes cannot share; what is for them waits in files meanwhile.
    """
    return role in {"edge", "static"} or role.startswith("worker-")


def stop_s(role: str) -> int:
    """Give the longest clean stop of a process in seconds; the supervisor ends it by force a little later."""
    if role.startswith("worker-"):
        return WORKER_DRAIN_S + 5
    return EDGE_DRAIN_S + 4 if role == "edge" else 10
