"""One schedule from beginning to end: a seed, its faults, and what must hold while it runs and after."""

from __future__ import annotations

import gc
import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from sqlalchemy import select

from dmz.workers.request_building import open_and_check
from dmz.workers.tables import request_out, result_in
from ferry.inspection import Inspector
from tests.simulation.audits import check_alarms, check_logs, cosigned, why_not_cosigned
from tests.simulation.carrier import Carrier
from tests.simulation.courier import Courier
from tests.simulation.faults import Faults, Parts, plan_of
from tests.simulation.forgery import Forger
from tests.simulation.kit import SEAL_KEY, effect, kit, wage_of
from tests.simulation.processes import Kinds
from tests.simulation.scheduler import START_S, Process
from tests.simulation.trace import Killed, Trace
from tests.simulation.users import Intent, Users
from tests.simulation.watchers import Conservation, LossWatch, check_bounds
from tests.simulation.world import World
from wire_formats.answer import Answer, AnswerStatus, parse_answer_header
from wire_formats.bundle import CLOCK_SLACK_MS, Item
from wire_formats.canonical import decode_object
from wire_formats.catalogue import SERVICES
from wire_formats.errors import Kind
from wire_formats.request import RequestHeader, body_of

#: After the last fault everything must be answered within this: the longest pause of a worker's resend, and room.
ANSWERED_S: Final = 180.0
#: When everything is answered, both logs must be cosigned to their ends within this: a refused checkpoint is shown again
#: after a minute.
COSIGNED_S: Final = 90.0
#: And so much later where a clock was wrong: what is older than a message that was made so far ahead is not believed.
CLOCK_S: Final = CLOCK_SLACK_MS / 1000
#: Kinds of schedules in which clocks may be wrong.
_CLOCKS: Final = frozenset({"clocks", "storm"})
#: What a wrong clock may honestly bring about: a refusal that says so.
_OF_TIME: Final = frozenset(
    {Kind.EXPIRED, Kind.FROM_THE_FUTURE, Kind.SESSION_EXPIRED, Kind.GRANT_EXPIRED, Kind.CERTIFICATE_EXPIRED}
)


@dataclass
class Outcome:
    """What came of a schedule."""

    seed: int
    profile: str
    faults: list[str]
    lines: list[str]
    figures: Counter[str] = field(default_factory=Counter)
    calm_s: float = 0.0
    """how long it took after the last fault until everything was answered"""


class _Poisoned(Inspector):
    """Dies of some requests, as an inspector with a fault would."""

    def __init__(self, process: Process, users: Users) -> None:
        super().__init__(SERVICES, SEAL_KEY)
        object.__setattr__(self, "_process", process)
        object.__setattr__(self, "_users", users)

    def inspect(self, header: RequestHeader, item: Item, *, now_ms: int) -> bytes:
        content = super().inspect(header, item, now_ms=now_ms)
        users: Users = self._users  # type: ignore[attr-defined]
        intent = users.intents.get(wage_of(decode_object(body_of(header, content))))
        if intent is not None and intent.poison == "high":
            self._process.die(f"inspects {intent.wage}")  # type: ignore[attr-defined]
            raise Killed
        return content


class Schedule:
    """One seed.

    Args:
        seed: decides everything.
        profile: kind of schedule; else the seed decides it.
        kinds: what the processes are built from; broken variants are put in here.
        loud: whether the trace shows every operation of a disk.
        patience_s: within this time after the last fault everything must be answered.
    """

    def __init__(
        self, seed: int, *, profile: str = "", kinds: Kinds | None = None, loud: bool = False,
        patience_s: float = ANSWERED_S,
    ) -> None:  # fmt: skip
        self._patience_s = patience_s
        self.plan = plan_of(seed, profile)
        self.seed = seed
        self.trace = Trace(START_S, loud=loud)
        given = kinds or Kinds()
        self._shown: dict[int, Intent] = {}
        kinds = replace(given, look=self._look, inspector=lambda process: _Poisoned(process, self.users))
        plan = self.plan
        self.world = World(
            seed, kit(), kinds, plan.bounds, direct=plan.direct, trace=self.trace, cable=plan.cable, media=plan.media
        )
        self.users = Users(self.world, random.Random(f"{seed} users"))
        self.carrier = Carrier(self.world, plan.rates, random.Random(f"{seed} carrier"))
        self.conservation = Conservation(self.world)
        self.courier: Courier | None = None
        if plan.media is not None:
            self.courier = Courier(self.world, plan.courier, plan.media, random.Random(f"{seed} courier"))
            self.conservation.also = self.courier.book.renamed
        self.losses = LossWatch(self.world, self.carrier)
        forger = Forger(self.world, random.Random(f"{seed} forger"))
        chance = random.Random(f"{seed} faults")
        parts = Parts(self.world, self.carrier, self.users, self.conservation, self.courier, forger, chance)
        self.faults = Faults(plan, parts)
        self._calm_s = 0.0

    def run(self) -> Outcome:
        """Run it to its end."""
        self.trace.listen()
        try:
            self._run()
        finally:
            self.world.end()
            self.trace.deafen()
        figures = Counter(
            told=sum(intent.told is not None for intent in self.users.intents.values()),
            lost=len(self.carrier.lost) + (self.world.cable.lost if self.world.cable is not None else 0),
            noticed=self.losses.noticed,
            repaired=self.losses.repaired,
            deaths=sum(" dies: " in line for line in self.trace.lines),
            media=self.courier.carried if self.courier is not None else 0,
            calls=self.world.scheduler.calls,
        )
        return Outcome(self.seed, self.plan.profile, self.trace.faults, self.trace.lines, figures, self._calm_s)

    def _run(self) -> None:
        world, plan = self.world, self.plan
        self.conservation.listen()
        world.start_all()
        if self.courier is not None:
            self.courier.start()
        elif not plan.direct and world.cable is None:
            self.carrier.start()
        self.users.plan(plan.users, within_s=0.9 * plan.faults_s, burst=plan.burst)
        self.faults.start()
        end = START_S + plan.faults_s
        while world.scheduler.now < end and not self.trace.faults:
            self._second()
        while self.carrier.down and not self.trace.faults:  # a long outage goes beyond all other faults
            self._second()
        self.faults.end()
        calm = world.scheduler.now
        while not self.trace.faults and not self._settled():
            if world.scheduler.now > calm + self._patience_s:
                self._explain()
                break
            self._second()
        self._calm_s = world.scheduler.now - calm
        if not self.trace.faults:
            self._judge()
            self._judge_logs()
        if self.courier is not None and not self.trace.faults:
            self.courier.book.check()

    def _second(self) -> None:
        self.world.scheduler.run(self.world.scheduler.now + 1.0)
        self.losses.look()
        check_bounds(self.world)
        check_alarms(self.world)

    # --- the end

    def _settled(self) -> bool:
        """Every role runs, every user has been told or has given up, everything told is answered."""
        if any(role.running is None for role in self.world.roles.values()):
            return False
        if any(intent.told is None and not intent.over for intent in self.users.intents.values()):
            return False
        return not self._open()

    def _open(self) -> list[Intent]:
        rows = self._rows()
        told = ((one, one.told) for one in self.users.intents.values() if one.told is not None and not one.poison)
        return [intent for intent, request in told if request not in rows or rows[request].result is None]

    def _rows(self) -> Mapping[bytes, Any]:
        query = select(
            request_out.c.id, request_out.c.state, result_in.c.header.label("result"), result_in.c.content
        ).select_from(request_out.outerjoin(result_in, request_out.c.id == result_in.c.id))
        role = self.world.roles["worker"]
        with role.running.engine.connect() as connection:
            return {row.id: row for row in connection.execute(query)}

    def _explain(self) -> None:
        stopped = [name for name, role in self.world.roles.items() if role.running is None]
        waiting = [intent.wage for intent in self.users.intents.values() if intent.told is None and not intent.over]
        open_ = (
            []
            if "worker" in stopped
            else [(intent.wage, intent.told.hex()[:8]) for intent in self._open() if intent.told]
        )
        self.trace.fault(
            f"not settled {self._patience_s:.0f} s after the last fault: unanswered {open_}, users waiting {waiting},"
            f" not running {stopped}"
        )

    def _judge(self) -> None:
        """Exactly once, whatever happened."""
        with self.world.roles["core"].running.engine.connect() as connection:
            effects = list(connection.execute(select(effect.c.request, effect.c.service, effect.c.wage)))
        by_wage = Counter(row.wage for row in effects)
        for row in effects:
            intent = self.users.intents.get(row.wage)
            if intent is None or intent.service != row.service:
                self.trace.fault(f"effect of an unknown declaration {row.wage}")
            elif intent.told not in (None, row.request):
                self.trace.fault(f"effect of {row.wage} under another request than its user was told")
        for wage, count in by_wage.items():
            if count > 1:
                self.trace.fault(f"declaration {wage} took effect {count} times")
        rows = self._rows()
        for intent in self.users.intents.values():
            if intent.told is not None and not intent.poison:
                self._judge_one(intent, rows[intent.told], by_wage[intent.wage])

    def _judge_one(self, intent: Intent, row: Any, count: int) -> None:
        assert intent.told is not None
        header = parse_answer_header(bytes(row.result))
        answer = Answer(header, bytes(row.result), bytes(row.content))
        if header.status is AnswerStatus.REJECTED:
            fields: Mapping[str, Any] = {}
        else:
            key = self.world.kit.session.keys.answer_key()
            fields = open_and_check(SERVICES[intent.service], answer, key).answer
        done = header.status in (AnswerStatus.ACCEPTED, AnswerStatus.DONE)
        if done and count != 1:
            self.trace.fault(f"declaration {intent.wage} was answered and took effect {count} times")
        if not done and count:
            self.trace.fault(
                f"declaration {intent.wage} took effect and was answered {header.status.name} {header.error}"
            )
        if not done and header.error not in _OF_TIME:
            self.trace.fault(f"declaration {intent.wage} was answered {header.status.name} {header.error}")
        if not done and self.plan.profile not in _CLOCKS:
            self.trace.fault(f"declaration {intent.wage} was refused {header.error} though no clock was wrong")
        if done and intent.service == "wage.declare" and fields.get("base") != intent.wage:
            self.trace.fault(f"declaration {intent.wage} was answered with {fields.get('base')}")

    def _judge_logs(self) -> None:
        """One history, and both halves have signed it."""
        within = COSIGNED_S + (CLOCK_S if self.plan.profile in _CLOCKS else 0.0)
        end = self.world.scheduler.now + within
        while not self.trace.faults and not cosigned(self.world):
            if self.world.scheduler.now > end:
                self.trace.fault(f"logs not cosigned within {within:.0f} s: {why_not_cosigned(self.world)}")
            self._second()
        if not self.trace.faults:
            check_logs(self.world)

    def _look(self, process: Process, wage: int) -> None:
        intent = self.users.intents.get(wage)
        if intent is not None and intent.poison == "core":
            process.die(f"books {wage}")
            raise Killed


def run(
    seed: int, *, profile: str = "", kinds: Kinds | None = None, loud: bool = False, patience_s: float = ANSWERED_S
) -> Outcome:
    """Run one seed."""
    outcome = Schedule(seed, profile=profile, kinds=kinds, loud=loud, patience_s=patience_s).run()
    gc.collect()  # here and now: what is left of processes that died must not show up in the next schedule
    return outcome
