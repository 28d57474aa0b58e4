"""Users who declare wages, remember what they were told, and try again with the same form when they were told nothing."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Final

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from dmz.workers.request_intake import Submitted
from tests.simulation.kit import body_of
from tests.simulation.scheduler import Process
from tests.simulation.world import World
from wire_formats.catalogue import SERVICES
from wire_formats.errors import Unavailable

FIRST_WAGE: Final = 500_000
#: A user without an answer of his page tries again after this.
PATIENCE_S: Final = 12.0


@dataclass
class Intent:
    """One declaration that a user wants to make, known by its wage, whatever becomes of his attempts.

    Attributes:
        told: the request he was told is stored.
        poison: whether whoever looks into it dies.
        gives_up: whether he does not try again after an error.
    """

    wage: int
    service: str
    token: str
    gives_up: bool
    told: bytes | None = None
    told_s: float = 0.0
    poison: str = ""
    over: bool = False
    refused: str = ""


@dataclass
class Users:
    """All users of one schedule."""

    world: World
    chance: random.Random
    intents: dict[int, Intent] = field(default_factory=dict)

    def plan(self, count: int, *, within_s: float, burst: float) -> None:
        """Let users begin at any time, some of them all at once."""
        start = self.world.scheduler.now
        crowd = self.chance.uniform(0, within_s)
        for number in range(count):
            service = "wage.batch" if self.chance.random() < 0.3 else "wage.declare"
            intent = Intent(FIRST_WAGE + number, service, f"form-{number:08}", gives_up=self.chance.random() < 0.1)
            self.intents[intent.wage] = intent
            at = (
                crowd + self.chance.uniform(0, 0.5)
                if self.chance.random() < burst
                else self.chance.uniform(0, within_s)
            )
            self.world.scheduler.at(start + at, lambda intent=intent: self._try(intent))  # type: ignore[misc]
            if self.chance.random() < 0.1:  # he clicks twice
                self.world.scheduler.at(start + at + 0.2, lambda intent=intent: self._try(intent))  # type: ignore[misc]

    def _try(self, intent: Intent) -> None:
        scheduler = self.world.scheduler
        if intent.over or intent.told is not None:
            return
        role = self.world.roles["worker"]
        process, running = role.process, role.running
        if process is None or running is None:
            if intent.gives_up:
                intent.over = True
            else:
                scheduler.after(self.chance.uniform(1, 3), lambda: self._try(intent))
            return
        scheduler.at(scheduler.now, lambda: self._submit(intent, process, running.intake), process)
        if intent.gives_up:
            scheduler.after(PATIENCE_S, lambda: self._leave(intent))
        else:
            scheduler.after(PATIENCE_S, lambda: self._try(intent))

    def _leave(self, intent: Intent) -> None:
        """He does not wait for his page any longer."""
        intent.over = True

    def _submit(self, intent: Intent, process: Process, intake: object) -> None:
        body = body_of(intent.service, intent.wage)
        entry = SERVICES[intent.service]
        work = intake.submit(self.world.kit.session, entry, body, form_token=intent.token)  # type: ignore[attr-defined]
        Deferred.fromCoroutine(work).addCallbacks(self._told, self._not_told, (intent, process), {}, (intent, process))

    def _told(self, submitted: Submitted, intent: Intent, process: Process) -> None:
        if not process.alive:
            return
        if intent.told not in (None, submitted.request_id):
            self.world.trace.fault(f"form of {intent.wage} became two requests")
        if intent.told is None:
            again = ", again" if submitted.again else ""
            self.world.trace.note(f"user {intent.wage} is told {submitted.request_id.hex()[:8]}{again}")
        intent.told, intent.told_s = submitted.request_id, self.world.scheduler.now

    def _not_told(self, failure: Failure, intent: Intent, process: Process) -> None:
        if not process.alive:
            return
        if failure.check(Unavailable) is None:
            self.world.trace.fault(f"user {intent.wage} met {failure.value!r}\n{failure.getTraceback()}")
            return
        intent.refused = str(failure.value)
        self.world.trace.note(f"user {intent.wage} is asked to come again: {failure.value}")
        if intent.gives_up:
            intent.over = True
            return
        self.world.scheduler.after(self.chance.uniform(1, 4), lambda: self._try(intent))
