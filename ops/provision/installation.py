"""Makes an installation: everything in a folder beside, which then gets its name.

A set-up that was interrupted leaves only a folder that the next one removes; an installation
that has its name is whole.
"""

from __future__ import annotations

import os
import re
import shutil
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry

from ca.authority import load_authorities
from ca.ledger import Ledger
from ca.metrics import CaMetrics
from ca.profile_table import load_profiles
from ca.provision import Provisioning, issuer_of, provision_authority, settings_toml
from core.password_hashing import PEPPER_BYTES
from core.service import password_hashing
from ops.cli.faults import CannotRunError
from ops.layout import HOSTS, TRANSPORTS, Installation, Layout, Ports
from ops.provision.accounts import (
    AccountMaker,
    demo_accounts,
    make_accounts,
    make_gatekeepers,
    make_operators,
    more_operators,
)
from ops.provision.databases import make_city, make_exchange, make_production, write_roster
from ops.provision.progress import ProgressLines
from ops.provision.role_files import exchange_url, production_url, role_tables
from ops.provision.toml_text import Value, toml_text
from ops.roles.core import CoreFile
from ops.runtime.clock import SystemClock, SystemRandomness
from ops.visitor.account_list import write_list, write_private
from wire_formats.settings_reader import load_settings

_HOST: Final = re.compile(r"[A-Za-z0-9.:-]{1,253}")
_MASTER_KEY_BYTES: Final = 32
_LINK_KEY_BYTES: Final = 32
_NOTE: Final = "Made by `ferrygate up`; kept as it is from then on. Unknown keys are refused."


def create_installation(
    root: Path, *, ports: Ports, environment: Mapping[str, str], progress: ProgressLines | None = None
) -> None:
    """Make an installation at ``root``; does nothing when there is one.

    Args:
        root: absolute; its parent must exist.
        ports: the ports to use.
        environment: CITY_UNITS scales the city, FERRYGATE_WORKERS and FERRYGATE_EDGES the processes; FERRYGATE_HOSTS
            names the front door.
        progress: where progress is shown.

    Raises:
        CannotRunError: a wrong number in the environment, or ``root`` is something else.
    """
    if Layout(root).installation.exists():
        return
    if root.exists() and any(root.iterdir()):
        raise CannotRunError(f"{root}: exists and is no installation; remove it or choose another --root")
    found = _installation(ports, environment)
    unfinished = root.with_name(f"{root.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    os.umask(0o077)
    progress = progress or ProgressLines(SystemClock())
    print(f"making an installation at {root}", flush=True)
    _Maker(unfinished, root, found, progress).make()
    if root.exists():
        root.rmdir()
    unfinished.rename(root)


def _installation(ports: Ports, environment: Mapping[str, str]) -> Installation:
    numbers: dict[str, int] = {}
    for variable, key, least, most in (
        ("CITY_UNITS", "city_units", 2, 42_000),
        ("FERRYGATE_WORKERS", "workers", 1, 16),
        ("FERRYGATE_EDGES", "edge_children", 1, 64),
        ("FERRYGATE_OPERATORS", "operators", 0, 500),
    ):
        text = environment.get(variable, "")
        if not text:
            continue
        if not text.isdecimal() or not least <= int(text) <= most:
            raise CannotRunError(f"{variable} must be a number from {least} to {most}, not '{text[:20]}'")
        numbers[key] = int(text)
    hosts = tuple(environment.get("FERRYGATE_HOSTS", "").split()) or HOSTS
    if not all(_HOST.fullmatch(host) for host in hosts):
        raise CannotRunError("FERRYGATE_HOSTS must be names or addresses of the front door, with spaces between them")
    return Installation(ports=ports, hosts=hosts, transport=wanted_transport(environment), **numbers)


def wanted_transport(environment: Mapping[str, str]) -> str:
    """Give what FERRYGATE_TRANSPORT asks for, or the usual transport.

    Raises:
        CannotRunError: no such transport.
    """
    wanted = environment.get("FERRYGATE_TRANSPORT", "") or TRANSPORTS[0]
    if wanted not in TRANSPORTS:
        raise CannotRunError(f"FERRYGATE_TRANSPORT must be one of {', '.join(TRANSPORTS)}, not '{wanted[:20]}'")
    return wanted


class _Maker:
    """One set-up.

    Args:
        place: where it is made.
        root: where it will lie.
        found: ports, workers, city.
        progress: shows the steps.
    """

    def __init__(self, place: Path, root: Path, found: Installation, progress: ProgressLines) -> None:
        self._at = Layout(place)
        self._will_be = Layout(root)
        self._found = found
        self._progress = progress
        self._clock = SystemClock()
        self._randomness = SystemRandomness()

    def make(self) -> None:
        """Do all steps."""
        with self._progress.step("folders and settings"):
            for folder in self._at.folders(self._found.worker_names):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._settings()
        with self._progress.step("certificate authority, keys and trust"):
            wanted = self._authority()
        self._link_key()
        with self._progress.step("exchange database"):
            make_exchange(exchange_url(self._at))
        self._core(wanted)

    def _settings(self) -> None:
        authority = tomllib.loads(settings_toml(self._will_be.root))
        for name, table in role_tables(self._will_be, self._found, authority):
            self._at.settings(name).write_text(toml_text(table, note=_NOTE), encoding="utf-8")
        ports: dict[str, Value] = {name: getattr(self._found.ports, name) for name in Ports.__dataclass_fields__}
        table = {
            "workers": self._found.workers,
            "edge_children": self._found.edge_children,
            "city_units": self._found.city_units,
            "operators": self._found.operators,
            "hosts": self._found.hosts,
            "transport": self._found.transport,
            "ports": ports,
        }
        self._at.installation.write_text(toml_text(table, note=_NOTE), encoding="utf-8")

    def _authority(self) -> Provisioning:
        wanted = Provisioning(
            root=self._at.root,
            workers=self._found.worker_names,
            hosts=self._found.hosts,
            staff_hosts=self._found.hosts,
            clock=self._clock,
            randomness=self._randomness,
            metrics=CaMetrics(CollectorRegistry(), tuple(load_profiles())),
        )
        provision_authority(wanted)
        keys = self._at.core / "keys"
        write_private(keys / "pepper.key", self._randomness.bytes(PEPPER_BYTES))
        write_private(keys / "account_master.key", self._randomness.bytes(_MASTER_KEY_BYTES))
        shutil.copyfile(self._at.dmz / "trust" / "root.pem", self._at.demo / "root.pem")
        return wanted

    def _link_key(self) -> None:
        """The key that tags a diode's datagrams is the same at both halves, and known to nobody else."""
        if self._found.transport != "directory":
            key = self._randomness.bytes(_LINK_KEY_BYTES)
            for half in (self._at.ferry_low, self._at.ferry_high):
                write_private(half / "keys" / "diode.key", key)

    def _core(self, wanted: Provisioning) -> None:
        engine = make_production(production_url(self._at))
        try:
            with self._progress.step(f"synthetic city of {self._found.city_units:,} units"):
                city = make_city(engine, self._found.city_units, clock=self._clock, progress=self._progress)
            with self._progress.step("demo accounts and certificates"):
                write_roster(engine, city.units[0].unit_id, self._at.demo / "roster.csv")
                settings = provision_authority(wanted)
                ledger = Ledger.open(settings.database)
                try:
                    issuer = issuer_of(wanted, ledger, load_authorities(settings))
                    hashing = password_hashing(load_settings(CoreFile, self._at.settings("core")).core)
                    maker = AccountMaker(
                        engine, hashing, issuer, self._at.demo, clock=self._clock, randomness=self._randomness
                    )
                    listed = make_accounts(maker, demo_accounts(city, engine))
                    listed += make_accounts(maker, more_operators(city, self._found.operators))
                    listed += make_operators(maker, city.units[1].district)
                    listed += make_gatekeepers(maker, (self._at.ferry_low, self._at.ferry_high))
                finally:
                    ledger.close()
                write_list(self._at.demo, listed, shown=self._will_be.demo)
        finally:
            engine.dispose()
