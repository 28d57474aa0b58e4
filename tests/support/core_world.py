"""A small city in a real database, with machines, accounts and certificates: everything a core test needs.

Two units (one VIP, one not), three employees each, one person with an own account. Requests are made, bundled and
sealed as worker and ferry would; answers are opened as the session would.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry
from sqlalchemy import Connection, Engine

from core.accounts import Binding, NewAccount, bind_certificate, create_account, make_grant
from core.accounts import find_account as account_row
from core.db.any_row import AnyRow
from core.db.engine import open_engine
from core.db.migrate import migrate
from core.db.states import AccountKind
from core.db.tables import account
from core.intake.backlog import Backlog
from core.intake.grants import GrantChecker
from core.intake.inbox import Inbox
from core.intake.loop import IntakeLoop, LoopParts
from core.intake.processor import Processor, ProcessorParts
from core.intake.publisher import Publisher, next_epoch
from core.intake.revocations import Revocations
from core.intake.runner import Runner
from core.intake.slow_work import SlowWorkers
from core.metrics import CoreMetrics
from core.password_hashing import PasswordHashing
from core.reference.loading import load_rows
from core.reference.rows import BaseRow
from core.rules.passwords import load_common
from core.service import COMMON_PASSWORDS
from core.services.case_book import find_case
from core.services.handler import Handler, Tools
from core.services.registry import REGISTRY
from tests.support.core_people import DISTRICT, PLAIN_UNIT, VIP_UNIT, add_employee, add_unit, id_number
from tests.support.machines import NOW_MS, MachineAuthority
from wire_formats import bundle as bundles
from wire_formats import request as requests
from wire_formats.answer import AnswerHeader, open_answer, parse_answer_header
from wire_formats.canonical import decode_object, encode_json
from wire_formats.catalogue import SERVICES
from wire_formats.desk_messages import DeskAnswer, DeskRefusal, Question
from wire_formats.drop import DropName, list_drop, prepare_drop, read_drop, write_drop
from wire_formats.errors import Kind
from wire_formats.seal import SealPrivateKey, seal_secret

SESSION = SealPrivateKey(bytes(range(1, 33)))
CORE_SEAL = SealPrivateKey(bytes(range(2, 34)))
PEPPER = bytes(range(3, 35))
MASTER = bytes(range(4, 36))


class Ticks:
    """A clock that tests move."""

    def __init__(self, now_ms: int = NOW_MS) -> None:
        self.value = now_ms

    def now_ms(self) -> int:
        return self.value


class Seeded:
    """Bytes that differ at every call and are the same in every run."""

    def __init__(self, seed: str = "core") -> None:
        self._seed, self._count = seed, itertools.count()

    def bytes(self, count: int, /) -> bytes:
        out = b""
        while len(out) < count:
            out += hashlib.sha256(f"{self._seed} {next(self._count)}".encode()).digest()
        return out[:count]


class MemoryDesk:
    """A certificate desk that says what the test told it to."""

    def __init__(self) -> None:
        self.answers: dict[str, DeskAnswer] = {}
        self.questions: list[Question] = []

    def ask(self, question: Question) -> DeskAnswer:
        self.questions.append(question)
        number = getattr(question, "number", "")
        found = self.answers.get(number)
        return found if found is not None else DeskRefusal(question.request_id, Kind.CODE_WRONG, tries_left=4)


@dataclass
class Login:
    """An account that is ready to ask: its certificate and a grant."""

    account_id: str
    password: str
    certificate: bytes
    grant: bytes
    window: str


@dataclass
class World:
    """A core in one thread, without its thread: tests call `turn`."""

    folder: Path
    engine: Engine
    clock: Ticks
    randomness: Seeded
    tools: Tools
    desk: MemoryDesk
    worker: Any
    low: Any
    high: Any
    deny: Any
    trust: Any
    loop: IntakeLoop
    runner: Runner
    processor: Processor
    slow: SlowWorkers
    metrics: CoreMetrics
    machines: tuple[Any, ...]
    accounts: dict[str, Login] = field(default_factory=dict)
    streams: dict[tuple[str, str], bundles.SealStream] = field(default_factory=dict)

    # --- asking -----------------------------------------------------------------------------------------------

    def request(self, who: str | None, code: str, body: Mapping[str, Any], **changes: Any) -> bundles.Item:
        """Make one request of an account (or of nobody), opened as it arrives in the core."""
        login = self.accounts[who] if who else None
        content, digest = requests.make_content(encode_json(dict(body)), self.randomness.bytes(16))
        values: dict[str, Any] = {
            "id": self.randomness.bytes(16),
            "service": code,
            "version": SERVICES[code].version,
            "lane": SERVICES[code].lane,
            "window": login.window if login else SERVICES[code].windows[0],
            "created_ms": self.clock.now_ms(),
            "expires_ms": self.clock.now_ms() + SERVICES[code].life_ms,
            "certificate": login.certificate if login else b"",
            "grant": login.grant if login and SERVICES[code].needs_grant else b"",
            "reply_to": "worker-1",
            "reply_key": SESSION.public.raw,
            "body_digest": digest,
            **changes,
        }
        return bundles.Item(requests.encode_header(requests.RequestHeader(**values)), content)

    def sealed(self, items: list[bundles.Item], lane: str = "interactive") -> tuple[DropName, bytes]:
        """Bundle and seal as worker, low and high half do."""
        bundle = bundles.new_bundle("inbound", items)
        for key, name in ((self.worker, "worker-1"), (self.low, "low"), (self.high, "high")):
            stream = self.streams.setdefault((lane, name), bundles.SealStream("inbound", lane, NOW_MS))
            bundle = stream.seal(bundle, key, now_ms=self.clock.now_ms())
        sequence = self.streams[lane, "high"].sequence
        return DropName(NOW_MS, sequence, "ferry_high"), bundles.encode_bundle(bundle)

    def drop(self, items: list[bundles.Item], lane: str = "interactive") -> DropName:
        """Put a bundle into the core's inbox."""
        name, data = self.sealed(items, lane)
        write_drop(self.folder / "inbox" / lane, name, data)
        return name

    def turn(self, turns: int = 1) -> None:
        """Let the core take turns."""
        for _ in range(turns):
            self.loop.turn()

    def settle(self) -> None:
        """Let the core take turns until slow work is done."""
        for _ in range(400):
            self.loop.turn()
            if not len(self.slow):
                return
            self.loop._wake.wait(0.05)
            self.loop._wake.clear()
        raise AssertionError("slow work did not end")

    def answers(self) -> list[tuple[AnswerHeader, dict[str, Any]]]:
        """Take all answers out of the outbox, opened."""
        found = []
        for lane in requests.LANES:
            names, _ = list_drop(self.folder / "outbox" / lane, most=1000)
            for name in names:
                bundle = bundles.parse_bundle(read_drop(self.folder / "outbox" / lane, name, limit=4 << 20))
                bundles.verify_seal(bundle, 0, self.trust, role="core", now_ms=self.clock.now_ms())
                for item in bundle.items:
                    header = parse_answer_header(item.header)
                    opened = open_answer(item.content, header.request_id, SESSION)
                    found.append((header, dict(decode_object(opened))))
                (self.folder / "outbox" / lane / str(name)).unlink()
        return found

    def ask(
        self, who: str | None, service: str, body: Mapping[str, Any], **changes: Any
    ) -> tuple[AnswerHeader, dict[str, Any]]:
        """Ask one thing through the whole intake and return its one answer."""
        self.drop([self.request(who, service, body, **changes)], SERVICES[service].lane)
        self.settle()
        (only,) = self.answers()
        return only

    # --- accounts ---------------------------------------------------------------------------------------------

    def open_account(self, name: str, new: NewAccount) -> Login:
        """Create an account with a bound certificate and a grant with all rights."""
        now = self.clock.now_ms()
        certificate = hashlib.sha256(f"certificate {name}".encode()).digest()
        with self.engine.begin() as connection:
            made = create_account(connection, new, hashing=self.tools.hashing, randomness=self.randomness, now_ms=now)
            binding = Binding(certificate.hex(), "CN=test", certificate[:8].hex(), now + 10**10)
            bind_certificate(connection, made.account_id, binding, now_ms=now)
            connection.execute(
                account.update().where(account.c.account_id == made.account_id).values(must_change=False)
            )
        login = Login(made.account_id, made.password, certificate, b"", new.kind.value)
        self.accounts[name] = login
        self.renew(name)
        return login

    def renew(self, name: str) -> None:
        """Give an account a fresh grant, as a login would."""
        login = self.accounts[name]
        with self.engine.begin() as connection:
            row = account_row(connection, login.account_id)
            assert row is not None
            text = make_grant(
                row,
                certificate=login.certificate,
                key=self.tools.signing_key,
                randomness=self.randomness,
                now_ms=self.clock.now_ms(),
                life_ms=self.tools.grant_life_ms,
            )
        login.grant = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))

    def secret(self, text: str, field_name: str) -> str:
        """Seal a secret field to the core."""
        return seal_secret(CORE_SEAL.public, text, field=field_name)

    def close(self) -> None:
        self.slow.close()
        self.engine.dispose()


def copy_world(template: World, folder: Path, database_url: str) -> World:
    """Build a core over a copy of a template's database; accounts and machines stay those of the template."""
    engine = open_engine(database_url)
    world = assemble(
        folder,
        engine,
        machines=template.machines,
        clock=Ticks(),
        randomness=Seeded(folder.name),
        desk=MemoryDesk(),
    )
    world.accounts = {name: replace(login) for name, login in template.accounts.items()}
    return world


@dataclass
class Kinds:
    """Which real parts to build a core from; crash tests pass subclasses that end the process at a chosen place."""

    handlers: Mapping[str, Handler] = field(default_factory=lambda: REGISTRY)
    inbox: type[Inbox] = Inbox
    publisher: type[Publisher] = Publisher


def make_world(folder: Path, database_url: str, *, seed: str = "core", populated: bool = True) -> World:
    """Build a core over a database; with `populated` also its people."""
    engine = open_engine(database_url)
    migrate(engine)
    clock, randomness, desk = Ticks(), Seeded(seed), MemoryDesk()
    authority = MachineAuthority()
    named = {"worker": "worker-1", "ferry_low": "low", "ferry_high": "high", "core": "core", "ca_deny": "ca_deny"}
    machines = (authority, *(authority.machine(role, name) for role, name in named.items()))
    world = assemble(folder, engine, machines=machines, clock=clock, randomness=randomness, desk=desk)
    if populated:
        populate(world)
    return world


def assemble(
    folder: Path,
    engine: Engine,
    *,
    machines: tuple[Any, ...],
    clock: Ticks,
    randomness: Seeded,
    desk: MemoryDesk,
    kinds: Kinds | None = None,
) -> World:
    """Wire the real parts together as core.service does, without its thread."""
    authority, worker, low, high, core, deny = machines
    kinds = kinds or Kinds()
    trust = authority.trust([worker, low, high, core, deny])
    metrics = CoreMetrics(CollectorRegistry(), tuple({entry.group for entry in SERVICES.values()}))
    tools = Tools(
        signing_key=core,
        seal_key=CORE_SEAL,
        hashing=PasswordHashing(PEPPER),
        account_master_key=MASTER,
        common_passwords=load_common(COMMON_PASSWORDS),
        desk=desk,
        randomness=randomness,
        grant_life_ms=8 * 3_600_000,
    )
    wake = threading.Event()
    slow = SlowWorkers(2, 64, wake.set)
    checker = GrantChecker(trust)
    processor = Processor(ProcessorParts(engine, checker, kinds.handlers, tools, slow, clock, metrics))
    inbox = kinds.inbox(folder / "inbox", folder / "quarantine", trust=trust, clock=clock, metrics=metrics)
    epoch = next_epoch(engine, now_ms=clock.now_ms())
    publisher = kinds.publisher(folder / "outbox", core, epoch=epoch, clock=clock, metrics=metrics)
    prepare_drop(folder / "outbox" / "control")
    runner = Runner(inbox, processor, publisher, slow)
    parts = LoopParts(
        engine=engine,
        inbox=inbox,
        backlog=Backlog(inbox, checker.unit_of),
        runner=runner,
        publisher=publisher,
        revocations=Revocations(folder / "deny", engine, trust=trust, clock=clock),
        slow=slow,
        clock=clock,
        metrics=metrics,
        items_per_commit=256,
        outbox_files=2000,
        applied_keep_ms=90 * 86_400_000,
    )
    loop = IntakeLoop(parts, wake)
    return World(
        folder,
        engine,
        clock,
        randomness,
        tools,
        desk,
        worker,
        low,
        high,
        deny,
        trust,
        loop,
        runner,
        processor,
        slow,
        metrics,
        machines,
    )


def populate(world: World) -> None:
    """Two units with three employees each, and accounts for both units and one person."""
    with world.engine.begin() as connection:
        add_unit(connection, VIP_UNIT, vip=True)
        add_unit(connection, PLAIN_UNIT, vip=False)
        for serial in range(1, 4):
            add_employee(connection, VIP_UNIT, 1000 + serial, id_number(serial), f"张三{'甲乙丙'[serial - 1]}")
            add_employee(connection, PLAIN_UNIT, 2000 + serial, id_number(100 + serial), f"李四{'甲乙丙'[serial - 1]}")
        row = BaseRow("420100", 202501, 202712, 704_000, 422_400, 2_112_000, False, True, "test")
        load_rows(connection, [row], operator_id="test", now_ms=NOW_MS)
    world.open_account("vip", NewAccount("vip1", AccountKind.UNIT, "甲公司", DISTRICT, unit_id=VIP_UNIT))
    world.open_account("plain", NewAccount("plain1", AccountKind.UNIT, "乙公司", DISTRICT, unit_id=PLAIN_UNIT))
    world.open_account("person", NewAccount("zhang", AccountKind.PERSON, "张三甲", DISTRICT, person_id=1001))


def stored_case(connection: Connection, case_id: str) -> AnyRow:
    """A case of the world's district that must be there."""
    case = find_case(connection, DISTRICT, case_id)
    assert case is not None
    return case
