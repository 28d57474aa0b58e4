"""A whole ferry in a temporary folder: keys, settings, workers that send, a core that echoes."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from prometheus_client import CollectorRegistry

from ferry.acts.settings import ActsSettings
from ferry.high_half import HIGH_LANES, HighHalf
from ferry.inspection import Inspector
from ferry.inspector.port import InspectionPort, NearInspector
from ferry.lane.checks import HIGH_ROLE, OUTBOUND
from ferry.low_half import LowHalf
from ferry.service import build_low, half_parts
from ferry.settings import FerryLimits, HighSettings, LowSettings, TransportSettings
from ferry.transports.ends import build_ends
from ops.runtime.clock import SystemRandomness
from tests.support.machines import MachineAuthority, pem_of
from tests.support.wire_samples import HIGH_HALF, answer_item, request_item
from wire_formats.answer import parse_answer_header
from wire_formats.bundle import Bundle, Item, SealStream, encode_bundle, new_bundle, parse_bundle
from wire_formats.catalogue import SERVICES, Service
from wire_formats.drop import DropName, prepare_drop, read_drop, remove_drop, write_drop
from wire_formats.request import parse_header
from wire_formats.suites import SigningKey


class RealClock:
    """The machine's clock."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000


class SetClock:
    """A clock that a test sets."""

    def __init__(self, now_ms: int) -> None:
        self.ms = now_ms

    def now_ms(self) -> int:
        return self.ms


class NoWatch:
    """A watch that never wakes anyone: only the half's own rescans remain."""

    def watch(self, path: Path, on_change: Callable[[], None]) -> Callable[[], None]:
        return lambda: None


def low_settings(root: Path, limits: FerryLimits = FerryLimits()) -> LowSettings:
    own, dmz = root / "ferry_low", root / "dmz"
    return LowSettings(
        **_own(own), dmz_outbox=dmz / "outbox", dmz_inbox=dmz / "inbox", dmz_notices=dmz / "notices",
        gap_inbound=root / "gap" / "inbound", gap_outbound=root / "gap" / "outbound", limits=limits,
    )  # fmt: skip


def high_settings(root: Path, limits: FerryLimits = FerryLimits()) -> HighSettings:
    own, core = root / "ferry_high", root / "core"
    return HighSettings(
        **_own(own), inspector=own / "run" / "inspector.sock", core_inbox=core / "inbox", core_outbox=core / "outbox",
        gap_inbound=root / "gap" / "inbound", gap_outbound=root / "gap" / "outbound", limits=limits,
    )  # fmt: skip


class FerryKit:
    """Everything around a ferry under one root folder."""

    def __init__(self, root: Path, *, workers: tuple[str, ...] = ("worker-1", "worker-2")) -> None:
        self.root = root
        self.authority = MachineAuthority()
        self.low = self.authority.machine("ferry_low", "ferry_low")
        self.high = self.authority.machine("ferry_high", "ferry_high")
        self.core = self.authority.machine("core", "core")
        self.deny = self.authority.machine("ca_deny", "ca_deny")
        self.workers = {name: self.authority.machine("worker", name) for name in workers}
        self.machines = [self.low, self.high, self.core, self.deny, *self.workers.values()]
        self.trust = self.authority.trust(self.machines)
        self.persons = MachineAuthority("Test persons")
        self.operators: dict[str, SigningKey] = {}
        for folder in self.outboxes():
            prepare_drop(folder)

    def acts(self, half: str) -> ActsSettings | None:
        """Give where a half's acts lie, if there are operators."""
        if not self.operators:
            return None
        own = self.root / half
        return ActsSettings(
            folder=own / "acts", operators=own / "operators.pem", operator_issuers=own / "operator_issuers.pem"
        )

    def know(self, *names: str) -> None:
        """Make operators whose acts both halves believe; the console counts as a machine."""
        self.operators = {name: self.persons.operator(name) for name in names}
        for half in ("ferry_low", "ferry_high"):
            own = self.root / half
            own.mkdir(parents=True, exist_ok=True)
            (own / "operators.pem").write_bytes(b"".join(pem_of(key) for key in self.operators.values()))
            (own / "operator_issuers.pem").write_bytes(self.persons.pem)

    def outboxes(self) -> list[Path]:
        lanes = ("interactive", "bulk")
        dmz = [self.root / "dmz" / "outbox" / lane for lane in lanes]
        return dmz + [self.root / "core" / "outbox" / lane for lane in (*lanes, "control")]

    def write_keys(self) -> None:
        for name, key in (("low", self.low), ("high", self.high)):
            folder = self.root / f"ferry_{name}"
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "key.pem").write_bytes(_private_pem(key))
            (folder / "certificate.pem").write_bytes(pem_of(key))
            (folder / "issuers.pem").write_bytes(self.authority.pem)
            (folder / "machines.pem").write_bytes(b"".join(pem_of(machine) for machine in self.machines))
        (self.root / "ferry_high" / "seal.key").write_bytes(HIGH_HALF.raw)

    def build_low(
        self, reactor: Any, watch: Any, *, clock: Any = None, limits: FerryLimits = FerryLimits(),
        transport: TransportSettings = TransportSettings(),
    ) -> LowHalf:  # fmt: skip
        return build_low(
            replace(low_settings(self.root, limits), transport=transport, acts=self.acts("ferry_low")), reactor=reactor, clock=clock or RealClock(),
            randomness=SystemRandomness(), watch=watch, registry=CollectorRegistry(),
        )  # fmt: skip

    def build_high(
        self, reactor: Any, watch: Any, *, clock: Any = None, limits: FerryLimits = FerryLimits(),
        workers: tuple[str, ...] = (), services: Mapping[str, Service] = SERVICES,
        transport: TransportSettings = TransportSettings(), inspector: InspectionPort | None = None,
    ) -> HighHalf:  # fmt: skip
        """Build the high half; ``services`` is the catalogue it inspects against, unless there is an inspector."""
        settings = replace(
            high_settings(self.root, limits), workers=workers, transport=transport, acts=self.acts("ferry_high")
        )
        registry = CollectorRegistry()
        parts = half_parts(settings, HIGH_ROLE, HIGH_LANES, reactor, clock or RealClock(), registry)
        ends = build_ends(
            settings, OUTBOUND, reactor=reactor, randomness=SystemRandomness(), watch=watch, registry=registry
        )
        near = NearInspector(Inspector(services, HIGH_HALF))
        return HighHalf(parts, settings, reactor, ends, watch, inspector or near)

    @property
    def core_inbox(self) -> Path:
        return self.root / "core" / "inbox"

    def worker_inbox(self, worker: str = "worker-1") -> Path:
        return self.root / "dmz" / "inbox" / worker


class Author:
    """A worker or core that seals bundles and drops them."""

    def __init__(
        self, key: SigningKey, name: str, direction: str, folder: Path, *, lane: str = "interactive", epoch: int = 1
    ) -> None:
        self.key = key
        self.name = name
        self.folder = folder
        self.stream = SealStream(direction, lane, epoch)

    def make(self, items: list[Item], *, now_ms: int | None = None, tracked: bool = False) -> tuple[DropName, bytes]:
        now_ms = RealClock().now_ms() if now_ms is None else now_ms
        sealed = self.stream.seal(new_bundle(self.stream.direction, items), self.key, now_ms=now_ms, tracked=tracked)
        return DropName(self.stream.epoch, self.stream.sequence, self.name), encode_bundle(sealed)

    def send(self, items: list[Item], *, now_ms: int | None = None, tracked: bool = False) -> DropName:
        name, data = self.make(items, now_ms=now_ms, tracked=tracked)
        write_drop(self.folder, name, data)
        return name


def worker_author(kit: FerryKit, worker: str = "worker-1", *, lane: str = "interactive", epoch: int = 1) -> Author:
    return Author(kit.workers[worker], worker, "inbound", kit.root / "dmz" / "outbox" / lane, lane=lane, epoch=epoch)


def core_author(kit: FerryKit, *, lane: str = "interactive", epoch: int = 1) -> Author:
    return Author(kit.core, "core", "outbound", kit.root / "core" / "outbox" / lane, lane=lane, epoch=epoch)


class EchoCore:
    """Takes bundles from the core's inbox and answers every request that has content."""

    def __init__(self, kit: FerryKit, clock: Any = None) -> None:
        self.clock = clock or RealClock()
        self.folder = kit.core_inbox / "interactive"
        self.author = core_author(kit, epoch=self.clock.now_ms())
        self.seen: list[bytes] = []

    def turn(self) -> int:
        count = 0
        if not self.folder.exists():
            return 0
        for path in sorted(self.folder.glob("*.bundle")):
            try:
                bundle = parse_bundle(read_drop(self.folder, path.name, limit=4 << 20))
            except FileNotFoundError:
                continue
            answers: dict[str, list[Item]] = {}
            for item in bundle.items:
                header = parse_header(item.header)
                if item.content:
                    self.seen.append(header.id)
                    answers.setdefault(header.reply_to, []).append(answer_item(header.id, reply_to=header.reply_to))
            for group in answers.values():
                self.author.send(group, now_ms=self.clock.now_ms())
            remove_drop(self.folder, path.name)
            count += 1
        return count


def requests(count: int = 1, *, now_ms: int | None = None, **changes: Any) -> list[Item]:
    return [request_item(now_ms=RealClock().now_ms() if now_ms is None else now_ms, **changes) for _ in range(count)]


def request_ids(items: list[Item]) -> list[bytes]:
    return [parse_header(item.header).id for item in items]


def answered_ids(folder: Path) -> list[bytes]:
    """Give the ids of the requests whose answers lie in a worker's inbox."""
    found = []
    for path in sorted(folder.glob("*.bundle")):
        for item in parse_bundle(path.read_bytes()).items:
            found.append(parse_answer_header(item.header).request_id)
    return found


def bundles_in(folder: Path) -> list[Bundle]:
    return [parse_bundle(path.read_bytes()) for path in sorted(folder.glob("*.bundle"))]


def _own(folder: Path) -> dict[str, Any]:
    return {
        "signing_key": folder / "key.pem",
        "signing_certificate": folder / "certificate.pem",
        "trust_issuers": folder / "issuers.pem",
        "trust_machines": folder / "machines.pem",
        "journal": folder / "journal.sqlite",
        "spool": folder / "spool",
        "quarantine": folder / "quarantine",
        "status": folder / "status.json",
    }


def _private_pem(key: SigningKey) -> bytes:
    return key._key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
