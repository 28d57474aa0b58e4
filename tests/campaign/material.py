"""What a campaign stands on: written into its folder once, read by every process and by a campaign that goes on."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import update

from core.db.tables import account_certificate
from core.services.handler import Tools
from dmz.workers.exchange_db import open_engine
from dmz.workers.migrate import upgrade
from dmz.workers.session import Life, OpenSession, Private, SessionKeys
from tests.simulation.kit import Seeded, effect
from tests.support.core_world import make_world
from tests.support.ferry_kit import _private_pem
from tests.support.machines import pem_of
from tests.support.wire_samples import HIGH_HALF
from wire_formats.catalogue import SERVICES
from wire_formats.instants import DAY_MS
from wire_formats.suites import SigningKey, load_signing_key
from wire_formats.trust import TrustStore

WORKER = "worker-1"
_FOLDERS = {"worker": "worker", "low": "ferry_low", "high": "ferry_high", "core": "core_keys"}
_LIFE_MS = 8 * 3_600_000


@dataclass(frozen=True)
class Material:
    """Keys by role, who is known, the core's tools, and the session all requests are made in."""

    root: Path
    keys: dict[str, SigningKey]
    trust: TrustStore
    tools: Tools
    session: OpenSession

    @property
    def exchange_url(self) -> str:
        return f"sqlite:///{self.root}/exchange.sqlite"

    @property
    def production_url(self) -> str:
        return f"sqlite:///{self.root}/core.sqlite"


def write(root: Path, now_ms: int) -> Tools:
    """Make keys and databases for a new campaign."""
    root.mkdir(parents=True)
    world = make_world(root / "making", f"sqlite:///{root}/core.sqlite")
    world.clock.value = now_ms
    world.renew("vip")
    effect.create(world.engine)
    with world.engine.begin() as connection:  # its people are of another day
        connection.execute(update(account_certificate).values(not_after=now_ms + 366 * DAY_MS))
    world.close()
    engine = open_engine(f"sqlite:///{root}/exchange.sqlite")
    upgrade(engine)
    engine.dispose()
    authority, worker, low, high, core, deny = world.machines
    machines = b"".join(pem_of(machine) for machine in (worker, low, high, core, deny))
    for role, key in (("worker", worker), ("low", low), ("high", high), ("core", core)):
        folder = root / _FOLDERS[role]
        folder.mkdir()
        (folder / "key.pem").write_bytes(_private_pem(key))
        (folder / "certificate.pem").write_bytes(pem_of(key))
        (folder / "issuers.pem").write_bytes(authority.pem)
        (folder / "machines.pem").write_bytes(machines)
    (root / "ferry_high" / "seal.key").write_bytes(HIGH_HALF.raw)
    login = world.accounts["vip"]
    told = {"account": login.account_id, "certificate": login.certificate.hex(), "grant": login.grant.hex()}
    (root / "account.json").write_text(json.dumps({**told, "from_ms": now_ms}))
    return world.tools


def read(root: Path) -> Material:
    """Read the material of a campaign."""
    keys = {
        role: load_signing_key(
            (root / folder / "key.pem").read_bytes(), (root / folder / "certificate.pem").read_bytes()
        )
        for role, folder in _FOLDERS.items()
    }
    folder = root / _FOLDERS["core"]
    trust = TrustStore.from_pem([(folder / "issuers.pem").read_bytes()], [(folder / "machines.pem").read_bytes()])
    account = json.loads((root / "account.json").read_text())
    since_ms = int(account["from_ms"])
    session = OpenSession(
        SessionKeys.new(Seeded("session")),
        Life(account["account"], "unit", bytes.fromhex(account["certificate"]), since_ms, since_ms, since_ms + _LIFE_MS),
        Private(
            bytes.fromhex(account["grant"]), bytes(32), frozenset(SERVICES), must_change=False, display_name="",
            language="zh-CN",
        ),
    )  # fmt: skip
    return Material(root, keys, trust, _tools(keys["core"]), session)


def _tools(core: SigningKey) -> Tools:
    from core.password_hashing import PasswordHashing
    from core.rules.passwords import load_common
    from core.service import COMMON_PASSWORDS
    from ops.runtime.clock import SystemRandomness
    from tests.support.core_world import CORE_SEAL, MASTER, PEPPER, MemoryDesk

    return Tools(
        signing_key=core,
        seal_key=CORE_SEAL,
        hashing=PasswordHashing(PEPPER),
        account_master_key=MASTER,
        common_passwords=load_common(COMMON_PASSWORDS),
        desk=MemoryDesk(),
        randomness=SystemRandomness(),
        grant_life_ms=_LIFE_MS,
    )
