"""Puts the core process together: database, keys, intake thread, publisher.

reactor ── watch wakes ──▶ intake thread (files, signatures, database, answers) ── threads for passwords, desk
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

from prometheus_client import CollectorRegistry
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from core.db.engine import open_engine
from core.db.migrate import check_revision
from core.desk import CertificateDesk
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
from core.rules.passwords import load_common
from core.services.handler import Tools
from core.services.registry import REGISTRY, check_registry
from core.settings import CoreSettings
from wire_formats.catalogue import SERVICES
from wire_formats.collaborators import Clock, DirectoryWatch, Randomness
from wire_formats.instants import DAY_MS, SECOND_MS
from wire_formats.request import LANES
from wire_formats.seal import SealPrivateKey
from wire_formats.suites import SigningKey, load_signing_key
from wire_formats.trust import TrustStore

COMMON_PASSWORDS: Final = Path(__file__).parent / "rules" / "common_passwords.txt"
_KEY_BYTES: Final = 32


class FromThread(Protocol):
    """The part of the reactor that the core needs."""

    def callFromThread(self, callable: Callable[..., object], *args: object, **kwargs: object) -> None:  # noqa: A002, N802
        """Call something in the reactor's thread."""


class CoreService:
    """The running core; `start` and `stop` are called in the reactor's thread."""

    _log = Logger()

    def __init__(
        self, loop: IntakeLoop, wake: threading.Event, *, inbox: Path, watch: DirectoryWatch, reactor: FromThread
    ) -> None:
        self._loop, self._wake = loop, wake
        self._inbox, self._watch, self._reactor = inbox, watch, reactor
        self._watches: list[Callable[[], None]] = []
        self._thread: threading.Thread | None = None
        self._ended: Deferred[None] = Deferred()

    def start(self) -> None:
        """Start the intake thread and watch the inbox."""
        self._thread = threading.Thread(target=self._run, name="core-intake", daemon=True)
        self._thread.start()
        self._watches = [self._watch.watch(self._inbox / lane, self._wake.set) for lane in LANES]
        self._log.info("core_started")

    async def stop(self) -> None:
        """Finish the turn under way and end; what waits stays in the inbox."""
        for unwatch in self._watches:
            unwatch()
        self._watches = []
        if self._thread is not None:
            self._loop.stop()
            await self._ended
            self._thread.join()
            self._thread = None
            self._log.info("core_stopped")

    def is_healthy(self) -> bool:
        """Tell whether the intake thread lives and takes its turns; never waits."""
        return self._thread is not None and self._thread.is_alive() and self._loop.is_healthy()

    def _run(self) -> None:
        try:
            self._loop.run()
        finally:
            self._reactor.callFromThread(self._ended.callback, None)


def build_core(  # noqa: PLR0913 - the one place where all collaborators meet
    settings: CoreSettings,
    *,
    reactor: FromThread,
    clock: Clock,
    randomness: Randomness,
    watch: DirectoryWatch,
    registry: CollectorRegistry,
    certificate_desk: CertificateDesk,
) -> CoreService:
    """Build the core from its settings; reads keys and trust, checks the database's revision.

    Raises:
        Bug: database revision or handlers do not fit this code.
        PeerError: a certificate of the trust store cannot be used.
        ValueError: a key file of a wrong form.
        OSError: a file is missing.
    """
    check_registry()
    engine = open_engine(settings.database_url)
    check_revision(engine)
    metrics = CoreMetrics(registry, tuple(sorted({entry.group for entry in SERVICES.values()})))
    trust = TrustStore.from_pem([settings.trust_issuers.read_bytes()], [settings.trust_certificates.read_bytes()])
    tools = build_tools(settings, randomness=randomness, certificate_desk=certificate_desk)
    wake = threading.Event()
    slow = SlowWorkers(settings.slow_threads, settings.slow_waiting, wake.set)
    checker = GrantChecker(trust)
    processor = Processor(ProcessorParts(engine, checker, REGISTRY, tools, slow, clock, metrics))
    inbox = Inbox(settings.inbox, settings.quarantine, trust=trust, clock=clock, metrics=metrics)
    epoch = next_epoch(engine, now_ms=clock.now_ms())
    publisher = Publisher(settings.outbox, tools.signing_key, epoch=epoch, clock=clock, metrics=metrics)
    parts = LoopParts(
        engine=engine,
        inbox=inbox,
        backlog=Backlog(inbox, checker.unit_of),
        runner=Runner(inbox, processor, publisher, slow),
        publisher=publisher,
        revocations=Revocations(settings.deny_drop, engine, trust=trust, clock=clock),
        slow=slow,
        clock=clock,
        metrics=metrics,
        items_per_commit=settings.items_per_commit,
        outbox_files=settings.outbox_files,
        applied_keep_ms=settings.applied_keep_days * DAY_MS,
    )
    return CoreService(IntakeLoop(parts, wake), wake, inbox=settings.inbox, watch=watch, reactor=reactor)


def build_tools(settings: CoreSettings, *, randomness: Randomness, certificate_desk: CertificateDesk) -> Tools:
    """Read the core's keys and build what handlers use.

    Raises:
        ValueError: a key file of a wrong form.
        OSError: a file is missing.
    """
    return Tools(
        signing_key=_signing_key(settings),
        seal_key=SealPrivateKey(_read_key(settings.seal_key)),
        hashing=password_hashing(settings),
        account_master_key=_read_key(settings.account_master_key),
        common_passwords=load_common(COMMON_PASSWORDS),
        desk=certificate_desk,
        randomness=randomness,
        grant_life_ms=settings.grant_life_s * SECOND_MS,
    )


def password_hashing(settings: CoreSettings) -> PasswordHashing:
    """Return the hashing of passwords with the pepper from its key file (set-up and the staff window use it too).

    Raises:
        ValueError: the pepper has not 32 bytes.
        OSError: the file is missing.
    """
    return PasswordHashing(_read_key(settings.pepper))


def _signing_key(settings: CoreSettings) -> SigningKey:
    return load_signing_key(settings.signing_key.read_bytes(), settings.signing_certificate.read_bytes())


def _read_key(path: Path) -> bytes:
    key = path.read_bytes()
    if len(key) != _KEY_BYTES:
        raise ValueError(f"{path.name}: a key file of {_KEY_BYTES} bytes is needed")
    return key
