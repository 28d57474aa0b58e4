"""Users for locust, with client certificates: query, single case, workbook.

    locust -f perf/locustfile.py --headless -u 30 -r 5 -t 60s --host https://localhost:7002

``FERRYGATE_ROOT`` names the installation (default: var).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from locust import User, between, task

from ops.visitor.exchange import PageError
from ops.visitor.wage_workbook import raised, workbook
from perf.client import Client
from perf.hall import Hall
from perf.users import declare_one, query_unit, upload

HALL = Hall.at(Path(os.environ.get("FERRYGATE_ROOT", "var")).resolve())
ROSTER = HALL.roster()
BATCH_ROWS = int(os.environ.get("BATCH_ROWS", "500"))


class UnitClerk(User):
    """A unit's clerk: mostly looks, sometimes declares, seldom uploads."""

    wait_time = between(0.5, 2)

    def on_start(self) -> None:
        """Sign in."""
        self.browser: Client = HALL.signed_in("unit")
        self.turn = 0

    @task(20)
    def query(self) -> None:
        """C4."""
        self._timed("query unit.profile", lambda: query_unit(self.browser))

    @task(3)
    def declare(self) -> None:
        """B10."""
        self.turn += 1
        employee = ROSTER.rows[(id(self) + self.turn) % len(ROSTER.rows)]
        self._timed("declare one", lambda: declare_one(self.browser, ROSTER.year, employee))

    @task(1)
    def batch(self) -> None:
        """B13."""
        self.turn += 1
        content = workbook(raised(ROSTER, BATCH_ROWS, fen=100 * self.turn))
        self._timed(f"workbook of {BATCH_ROWS}", lambda: upload(self.browser, content))

    def _timed(self, name: str, action: Callable[[], object]) -> None:
        began = time.perf_counter()
        failure: Exception | None = None
        try:
            action()
        except PageError as error:
            failure = error
        self.environment.events.request.fire(
            request_type="hall",
            name=name,
            response_time=(time.perf_counter() - began) * 1000,
            response_length=0,
            exception=failure,
            context={},
        )
