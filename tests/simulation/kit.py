"""What every schedule begins with: machines' keys, one account with its grant, and both databases, empty.

Made once for a process of the test, copied onto the simulated disks of each schedule.
"""

from __future__ import annotations

import functools
import random
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from prometheus_client import CollectorRegistry
from sqlalchemy import BigInteger, Column, Integer, LargeBinary, MetaData, String, Table, insert

from core.metrics import CoreMetrics
from core.services.handler import Context, Handler, ServiceAnswer, ServiceRequest, Tools
from dmz.workers.exchange_db import open_engine
from dmz.workers.metrics import WorkerMetrics
from dmz.workers.migrate import upgrade
from dmz.workers.session import Life, OpenSession, Private, SessionKeys
from ferry.high_half import HIGH_LANES
from ferry.low_half import LOW_LANES
from ferry.metrics import FerryMetrics
from tests.simulation.scheduler import EPOCH_MS
from tests.support.core_world import CORE_SEAL, make_world
from tests.support.machines import MachineAuthority, pem_of
from tests.support.media_kit import LOW_SEAL as _LOW_SEAL
from tests.support.wire_samples import HIGH_HALF
from wire_formats.answer import AnswerStatus
from wire_formats.catalogue import SERVICES
from wire_formats.ids import reference_number
from wire_formats.suites import SigningKey
from wire_formats.trust import TrustStore

WORKER: Final = "worker-1"
SEAL_KEY: Final = HIGH_HALF
LOW_SEAL: Final = _LOW_SEAL
CORE_KEY: Final = CORE_SEAL
#: What a transaction of the simulation does to the production database.  Nothing here stops a second row for the same
#: request: only the product's own memory does.
effect: Final = Table(
    "sim_effect",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("request", LargeBinary(16), nullable=False),
    Column("service", String, nullable=False),
    Column("wage", BigInteger, nullable=False),
)


class Seeded:
    """Random bytes of a seed (implements ``collaborators.Randomness``)."""

    def __init__(self, seed: str) -> None:
        self._chance = random.Random(seed)

    def bytes(self, count: int, /) -> bytes:
        return self._chance.randbytes(count)


@dataclass(frozen=True)
class Kit:
    """See above; of each machine the key it begins with, and the one it may change to."""

    keys: Mapping[str, tuple[SigningKey, SigningKey]]
    stranger: SigningKey
    trust: TrustStore
    operators: tuple[SigningKey, SigningKey]
    known_operators: TrustStore
    tools: Tools
    core_image: bytes
    exchange_image: bytes
    session: OpenSession
    low_metrics: FerryMetrics
    high_metrics: FerryMetrics
    core_metrics: CoreMetrics
    worker_metrics: WorkerMetrics


@functools.cache
def kit() -> Kit:
    """Make the kit."""
    with tempfile.TemporaryDirectory(prefix="ferrygate-simulation-") as name:
        folder = Path(name)
        world = make_world(folder, f"sqlite:///{folder}/core.sqlite")
        effect.create(world.engine)
        world.close()
        engine = open_engine(f"sqlite:///{folder}/exchange.sqlite")
        upgrade(engine)
        engine.dispose()
        core_image = (folder / "core.sqlite").read_bytes()
        exchange_image = (folder / "exchange.sqlite").read_bytes()
    authority, worker, low, high, core, _deny = world.machines
    first = {"worker": worker, "ferry_low": low, "ferry_high": high, "core": core}
    names = {"worker": WORKER, "ferry_low": "low", "ferry_high": "high", "core": "core"}
    keys = {role: (key, authority.machine(role, names[role])) for role, key in first.items()}
    login = world.accounts["vip"]
    session = OpenSession(
        SessionKeys.new(Seeded("session")),
        Life(login.account_id, "unit", login.certificate, EPOCH_MS, EPOCH_MS, EPOCH_MS + 8 * 3_600_000),
        Private(login.grant, bytes(32), frozenset(SERVICES), must_change=False, display_name="", language="zh-CN"),
    )
    persons = MachineAuthority("Persons")
    operators = persons.operator("li"), persons.operator("wang")
    return Kit(
        keys=keys,
        stranger=authority.machine("worker", "stranger"),
        trust=authority.trust([key for pair in keys.values() for key in pair]),
        operators=operators,
        known_operators=TrustStore.from_pem([persons.pem], [pem_of(one) for one in operators]),
        tools=world.tools,
        core_image=core_image,
        exchange_image=exchange_image,
        session=session,
        low_metrics=FerryMetrics(CollectorRegistry(), LOW_LANES),
        high_metrics=FerryMetrics(CollectorRegistry(), HIGH_LANES),
        core_metrics=CoreMetrics(CollectorRegistry(), tuple({entry.group for entry in SERVICES.values()})),
        worker_metrics=WorkerMetrics(CollectorRegistry()),
    )


def wage_of(body: Mapping[str, Any]) -> int:
    """The number by which a body is known again."""
    return int(body["rows"][0]["wage"] if "rows" in body else body["wage"])


def body_of(service: str, wage: int) -> dict[str, Any]:
    """The body of a transaction that is known by its wage."""
    person: dict[str, Any] = {"id_number": "11010519491231002X", "name": "张三", "wage": wage}
    if service == "wage.batch":
        return {"year": 2026, "rows": [{"row": 1, **person}]}
    return {"year": 2026, **person}


def handlers(look: Callable[[int], None]) -> dict[str, Handler]:
    """The core's handlers; ``look`` sees each wage first, and may end the process."""

    def run(context: Context, request: ServiceRequest) -> ServiceAnswer:
        look(wage_of(request.body))
        return _declare(context, request)

    return {"wage.declare": Handler(run), "wage.batch": Handler(run)}


def _declare(context: Context, request: ServiceRequest) -> ServiceAnswer:
    wage = wage_of(request.body)
    row = {"request": request.header.id, "service": request.header.service, "wage": wage}
    context.connection.execute(insert(effect).values(**row))
    fields: dict[str, Any] = {"reference": reference_number(request.header.id), "state": "submitted"}
    if request.header.service == "wage.declare":
        return ServiceAnswer({**fields, "base": wage}, AnswerStatus.ACCEPTED)
    counts: dict[str, Any] = {
        "rows_total": 1,
        "rows_done": 1,
        "rows_unchanged": 0,
        "rows_failed": 0,
        "failures": [],
        "warnings": [],
    }
    return ServiceAnswer({**fields, **counts}, AnswerStatus.ACCEPTED)
