"""A whole certificate authority in a temporary folder: real keys, real ledger, a clock that is set by hand."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import CollectorRegistry

from ca.authority import Authority, open_authority
from ca.metrics import CaMetrics
from ca.profile_table import load_profiles
from ca.provision import Provisioning, provision_authority
from ca.settings import CaSettings
from ca.zone_files import ZoneFiles
from tests.support.machines import NOW_MS


class HandClock:
    """A clock that stands still until told."""

    def __init__(self, now_ms: int = NOW_MS) -> None:
        self.ms = now_ms

    def now_ms(self) -> int:
        return self.ms

    def pass_ms(self, duration_ms: int) -> None:
        self.ms += duration_ms


class OsRandomness:
    """Real randomness; remembers nothing."""

    def bytes(self, count: int, /) -> bytes:
        return os.urandom(count)


@dataclass
class AuthorityRig:
    """An authority on disk, and what it was made with."""

    root: Path
    settings: CaSettings
    clock: HandClock
    randomness: OsRandomness
    registry: CollectorRegistry
    metrics: CaMetrics

    @property
    def files(self) -> ZoneFiles:
        return ZoneFiles(self.root.resolve())

    def open(self) -> Authority:
        """Open it as another process would."""
        return open_authority(self.settings, clock=self.clock, randomness=self.randomness, metrics=self.metrics)

    def figure(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(name, labels) or 0.0


def wanted(root: Path, clock: HandClock, metrics: CaMetrics, workers: tuple[str, ...] = ("worker-1",)) -> Provisioning:
    return Provisioning(
        root, workers, ("hall.example", "127.0.0.1"), ("staff.internal",), clock, OsRandomness(), metrics
    )


def make_authority(root: Path, workers: tuple[str, ...] = ("worker-1",)) -> AuthorityRig:
    """Provide a new authority below `root`."""
    clock, registry = HandClock(), CollectorRegistry()
    metrics = CaMetrics(registry, tuple(load_profiles()))
    settings = provision_authority(wanted(root, clock, metrics, workers))
    return AuthorityRig(root, settings, clock, OsRandomness(), registry, metrics)


def enabled_slip(authority: Authority, account: str = "10023456", window: str = "unit") -> tuple[str, str, str]:
    """Prepare and enable a slip; gives number, code and password."""
    secrets = authority.slips.prepare(account, window, operator="counter").secrets
    authority.slips.enable(secrets.number, agreement="XY-2026-1", operator="counter")
    return secrets.number, secrets.code, secrets.password
