"""What an operator does to a case: open it, give it back, decide it. Each is one write transaction.

The case's row is locked first, so that two operators at one case come one after the other. Moves go through
`case_book.move_case`, effects through `case_effects`; decisions are insert-only.
Source: catalogue B18, B23, X3; RULES, Workflow ("退单 until a reviewer opens it").
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Engine, insert, update

from core.db.any_row import AnyRow
from core.db.engine import writing
from core.db.tables import decision, task
from core.rules.case_states import CaseEvent, CaseState, TaskRole, TaskState, Verdict
from core.services.case_book import Act, move_case
from core.services.case_effects import make_effective, undo
from core.staff.flow import Operator, check_may_decide, check_may_open, check_may_release, move_of
from core.staff.metrics import StaffMetrics
from core.staff.operators import audit, current_flow
from core.staff.standing import open_task, own_case, standing_of, waiting_task
from wire_formats.collaborators import Randomness
from wire_formats.errors import Kind, Refused

MOST_REASON: Final = 300


class Ruling(NamedTuple):
    """A verdict on a case as the operator saw it: `version` is the case's own at that moment."""

    verdict: Verdict
    reason: str
    version: int


@dataclass(frozen=True)
class CaseDesk:
    """Changes cases.

    Attributes:
        engine: the production database.
        randomness: for ids of tasks and decisions.
        metrics: counts what is done.
    """

    engine: Engine
    randomness: Randomness
    metrics: StaffMetrics

    def open(self, operator: Operator, case_id: str, now_ms: int) -> None:
        """Take a case: from now on its applicant cannot take it back, and nobody else may decide it.

        Raises:
            Refused: NOT_FOUND, CONFLICT, NO_RIGHT or OTHER_PERSON.
        """
        with writing(self.engine) as connection:
            case = own_case(connection, operator, case_id, lock=True)
            standing = standing_of(connection, case)
            due = check_may_open(operator, standing)
            if standing.holder == operator.operator_id:
                return
            if standing.state is CaseState.SUBMITTED:
                case = move_case(connection, case, CaseEvent.OPEN, Act(now_ms, "operator", operator.operator_id))
            self._take(connection, case, due, operator, now_ms)
            audit(connection, "case_opened", operator.operator_id, now_ms=now_ms, case=case_id, check=due.value)
        self.metrics.acts["open"].inc()

    def release(self, operator: Operator, case_id: str, now_ms: int) -> None:
        """Give a case back undecided; others may take it.

        Raises:
            Refused: NOT_FOUND, CONFLICT or NO_RIGHT.
        """
        with writing(self.engine) as connection:
            case = own_case(connection, operator, case_id, lock=True)
            standing = standing_of(connection, case)
            check_may_release(operator, standing)
            held = open_task(connection, case)
            if held is not None:
                _set_task(connection, held, state=TaskState.WAITING.value, operator_id=None)
            fields = {"case": case_id, "held_by": standing.holder}
            audit(connection, "case_released", operator.operator_id, now_ms=now_ms, **fields)
        self.metrics.acts["release"].inc()

    def decide(self, operator: Operator, case_id: str, ruling: Ruling, now_ms: int) -> CaseState:
        """Decide a case and, with the last check, put it in force or take it back; return the new state.

        Raises:
            Refused: FIELDS_INVALID, a refusal without reason; CONFLICT, also when the case is not as it was seen;
                NOT_FOUND, NO_RIGHT or OTHER_PERSON.
        """
        reason = ruling.reason.strip()
        if len(reason) > MOST_REASON or (ruling.verdict is Verdict.REFUSE and not reason):
            raise Refused(Kind.FIELDS_INVALID, "a refusal needs a reason")
        with writing(self.engine) as connection:
            case = own_case(connection, operator, case_id, lock=True)
            standing = standing_of(connection, case)
            role = check_may_decide(operator, standing)
            held = open_task(connection, case)
            if held is None or case.version != ruling.version:
                raise Refused(Kind.CONFLICT, "case is not as it was seen")
            event = move_of(standing.state, ruling.verdict, current_flow(connection, case.service, now_ms))
            case = move_case(connection, case, event, Act(now_ms, "operator", operator.operator_id, reason or None))
            self._note_decision(connection, held, ruling.verdict, Act(now_ms, "operator", operator.operator_id, reason))
            state = CaseState(case.state)
            self._follow(connection, case, state, now_ms)
            fields = {"case": case_id, "check": role.value, "verdict": ruling.verdict.value}
            audit(connection, "case_decided", operator.operator_id, now_ms=now_ms, **fields)
        self.metrics.acts[ruling.verdict.value].inc()
        return state

    def _follow(self, connection: Connection, case: AnyRow, state: CaseState, now_ms: int) -> None:
        """Do what the new state means: effect, undoing, or the next check."""
        if state is CaseState.EFFECTIVE:
            make_effective(connection, case, now_ms=now_ms)
        elif state is CaseState.REFUSED:
            undo(connection, case, now_ms=now_ms)
        elif state is CaseState.RECHECKING:
            self._new_task(connection, case, TaskRole.RECHECK, now_ms, {"state": TaskState.WAITING.value})

    def _take(self, connection: Connection, case: AnyRow, role: TaskRole, operator: Operator, now_ms: int) -> None:
        values = {"state": TaskState.OPENED.value, "operator_id": operator.operator_id, "opened_at": now_ms}
        waiting = waiting_task(connection, case, role)
        if waiting is None:
            self._new_task(connection, case, role, now_ms, values)
        else:
            _set_task(connection, waiting, **values)

    def _new_task(
        self, connection: Connection, case: AnyRow, role: TaskRole, now_ms: int, values: Mapping[str, Any]
    ) -> None:
        connection.execute(
            insert(task).values(
                district=case.district,
                task_id=self.randomness.bytes(16).hex(),
                case_id=case.case_id,
                role=role.value,
                created_at=now_ms,
                **values,
            )
        )

    def _note_decision(self, connection: Connection, held: AnyRow, verdict: Verdict, act: Act) -> None:
        connection.execute(
            insert(decision).values(
                district=held.district,
                decision_id=self.randomness.bytes(16).hex(),
                case_id=held.case_id,
                task_id=held.task_id,
                role=held.role,
                verdict=verdict.value,
                operator_id=act.operator_id,
                reason=act.note or None,
                decided_at=act.at_ms,
            )
        )
        _set_task(connection, held, state=TaskState.DONE.value, closed_at=act.at_ms)


def _set_task(connection: Connection, row: AnyRow, **values: Any) -> None:
    changed = connection.execute(
        update(task)
        .where(task.c.district == row.district, task.c.task_id == row.task_id, task.c.version == row.version)
        .values(version=row.version + 1, **values)
    )
    if changed.rowcount != 1:
        raise Refused(Kind.CONFLICT, "task changed meanwhile")
