"""The measurements: each prints its figures; none asserts anything."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import gevent
from gevent.pool import Pool

from ops.visitor.exchange import PageError
from ops.visitor.sign_in import enter
from ops.visitor.wage_workbook import raised
from ops.visitor.wage_workbook import workbook as filled
from perf.client import Client
from perf.cpu import CpuMeter
from perf.figures import measure, milliseconds, percentile, show
from perf.hall import Hall
from perf.users import declare_one, query_unit, upload

RATE_PER_S: Final = 20
LATENCY_S: Final = 20
SATURATION_S: Final = 15
SATURATION_USERS: Final = 32
LOGINS: Final = 60
LOGIN_USERS: Final = 4
BATCHES: Final = 10
BATCH_ROWS: Final = 10_000
SINGLE_CASES: Final = 20


def latency(hall: Hall) -> None:
    """Queries at 20/s, open loop: a slow answer does not hold back the next question."""
    clients = hall.crowd(16)
    taken: list[float] = []
    pool = Pool(len(clients))
    meter = CpuMeter(hall.root)
    began = time.perf_counter()
    for number in range(RATE_PER_S * LATENCY_S):
        gevent.sleep(max(0.0, began + number / RATE_PER_S - time.perf_counter()))
        pool.spawn(_timed, query_unit, clients[number % len(clients)], taken)
    pool.join()
    show(f"query through both ferries at {RATE_PER_S}/s", milliseconds(taken))
    measure("  p50", percentile(taken, 0.5) * 1e3, "ms", at_most=30)
    measure("  p99", percentile(taken, 0.99) * 1e3, "ms", at_most=120)
    meter.show("query", len(taken))


def throughput(hall: Hall) -> float:
    """Queries as fast as 32 users ask; gives how many a second."""
    clients = hall.crowd(SATURATION_USERS)
    taken: list[float] = []
    failures: list[str] = []
    meter = CpuMeter(hall.root)
    end = time.perf_counter() + SATURATION_S

    def ask(client: Client) -> None:
        while time.perf_counter() < end:
            try:
                _timed(query_unit, client, taken)
            except PageError as error:
                failures.append(error.told)
                gevent.sleep(0.2)

    gevent.joinall([gevent.spawn(ask, client) for client in clients])
    measure("queries at saturation", len(taken) / SATURATION_S, "/s", at_least=300)
    show("  refused", str(len(failures)))
    show("  time of one at saturation", milliseconds(taken))
    meter.show("query", len(taken))
    for line in sorted(set(failures))[:3]:
        show("  refusal", line)
    return len(taken) / SATURATION_S


def workbook(hall: Hall) -> None:
    """One 10,000-row workbook."""
    client, roster = hall.signed_in("unit"), hall.roster()
    for number in range(3):
        done = upload(client, filled(raised(roster, BATCH_ROWS, fen=100 * (number + 1))))
        show(f"workbook of {BATCH_ROWS:,} rows, run {number + 1}", f"taken {done.taken_s:.2f} s")
        measure("  answered", done.answered_s, "s", at_most=6)


def fairness(hall: Hall) -> None:
    """Single cases while ten workbooks are in flight."""
    roster = hall.roster()
    books = [filled(raised(roster, BATCH_ROWS, fen=1000 + number)) for number in range(BATCHES)]
    client, others = hall.signed_in("unit"), hall.colleagues(BATCHES)
    uploads = [gevent.spawn(upload, other, book) for other, book in zip(others, books, strict=True)]
    taken = []
    for number in range(SINGLE_CASES):
        taken.append(declare_one(client, roster.year, roster.rows[number]))
        gevent.sleep(0.2)
    still = sum(not job.ready() for job in uploads)
    gevent.joinall(uploads)
    show(f"single case beside {BATCHES} workbooks", milliseconds(taken))
    measure("  the slowest", max(taken), "s", at_most=3)
    show("  workbooks still under way at the end of it", str(still))
    done = [job.value.answered_s for job in uploads if job.value]
    show("  workbooks answered in full", f"{len(done)}, the slowest in {max(done, default=0.0):.1f} s")
    for job in uploads:
        if job.exception is not None:
            show("  workbook refused", str(job.exception))


def logins(hall: Hall) -> None:
    """Sign-ins with a new connection each: TLS, certificate, argon2id in the core."""
    hall.signed_in("unit")
    account = hall.accounts.account("unit")
    taken: list[float] = []

    def sign_in() -> None:
        client = hall.client("unit")
        _timed(lambda browser: enter(browser, account), client, taken)
        client.close()

    pool = Pool(LOGIN_USERS)
    began = time.perf_counter()
    for _ in range(LOGINS):
        pool.spawn(sign_in)
    pool.join()
    show("sign-ins", f"{len(taken) / (time.perf_counter() - began):7.1f} /s  {milliseconds(taken)}")


def _timed(action: Callable[[Client], object], client: Client, taken: list[float]) -> None:
    began = time.perf_counter()
    action(client)
    taken.append(time.perf_counter() - began)
