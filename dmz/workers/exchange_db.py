"""The exchange database: synchronous store functions on one thread of their own, with group commit.

Many waiting writes share one COMMIT: each runs in its own savepoint, so one that is refused takes nobody with
it, and no caller hears of success before the one COMMIT has returned. That is where the throughput of a
durable store comes from (research/ferry.md section 3: 1 row per commit 796/s, 100 rows 21 163/s).

Four worker processes share one SQLite file (WAL): writers begin IMMEDIATE and wait for each other by the busy
timeout. On PostgreSQL the same functions run unchanged.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFromThreads
from twisted.logger import Logger

from wire_formats.errors import Bug, HallError, Kind, Unavailable

T = TypeVar("T")
StoreFunction = Callable[[Connection], T]
WRITE_OPTION = "ferrygate_write"
#: How SQLite and PostgreSQL say that a write found no room; SQLite calls a short write an I/O error.
_STORAGE_WORDS = ("disk is full", "disk full", "no space", "disk i/o error")


class WorkThread(Protocol):
    """One thread that runs what it is given, in order; ``twisted.python.threadpool.ThreadPool`` of one fits."""

    def callInThread(self, work: Callable[[], object]) -> None:  # noqa: N802  Twisted's name
        """Run ``work`` on the thread, after what was given before."""


@dataclass(frozen=True)
class StoreBounds:
    """Its figures.

    Attributes:
        waiting: Store calls waiting for the thread; more are refused.
        together: Writes under one COMMIT at most.
        busy_ms: How long SQLite waits for another process's write.
        retry_after_s: What a refused user is told.
    """

    waiting: int = 2_000
    together: int = 256
    busy_ms: int = 5_000
    retry_after_s: int = 5


def open_engine(url: str, *, busy_ms: int = StoreBounds.busy_ms, connect: Callable[[], Any] | None = None) -> Engine:
    """An engine for the exchange database; SQLite gets WAL, full durability and explicit transactions.

    Args:
        url: SQLAlchemy URL, ``sqlite:////path`` or ``postgresql+psycopg://``.
        busy_ms: SQLite's busy timeout.
        connect: Opens the SQLite file in place of the driver.
    """
    if not url.startswith("sqlite"):
        return create_engine(url, pool_size=2, max_overflow=0, pool_pre_ping=True)
    given = {} if connect is None else {"creator": connect}
    engine = create_engine(url, connect_args={"check_same_thread": False, "timeout": busy_ms / 1000}, **given)

    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver must not begin transactions of its own
        pragmas = ("journal_mode=WAL", "synchronous=FULL", f"busy_timeout={busy_ms}", "foreign_keys=ON")
        # What a savepoint may take back is kept in memory: else much of it goes into a file outside of our folders.
        for pragma in (*pragmas, "temp_store=MEMORY"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        write = connection.get_execution_options().get(WRITE_OPTION, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine


class _Call(Generic[T]):
    """One waiting store call."""

    __slots__ = ("done", "ended", "error", "function", "result", "write")

    def __init__(self, function: StoreFunction[T], *, write: bool) -> None:
        self.function = function
        self.write = write
        self.done: Deferred[T] = Deferred()
        self.ended = False
        self.result: T | None = None
        self.error: Exception | None = None


class ExchangeStore:
    """Runs store functions for the whole worker. Created on the reactor's thread, used only from it."""

    log = Logger()

    def __init__(
        self,
        engine: Engine,
        thread: WorkThread,
        reactor: IReactorFromThreads,
        bounds: StoreBounds = StoreBounds(),
        *,
        on_commit: Callable[[int], None] = lambda _count: None,
    ) -> None:
        """Take its collaborators.

        Args:
            engine: From ``open_engine``.
            thread: The one thread on which every store function runs.
            reactor: To come back from that thread.
            bounds: See StoreBounds.
            on_commit: Told how many writes shared a COMMIT; called on the reactor's thread.
        """
        self._engine = engine
        self._thread = thread
        self._reactor = reactor
        self._bounds = bounds
        self._on_commit = on_commit
        self._waiting: deque[_Call[Any]] = deque()
        self._running = False

    async def write(self, function: StoreFunction[T]) -> T:
        """Run ``function`` in a transaction shared with other writes; returns after COMMIT.

        Raises:
            HallError: whatever kind the function raised; its own changes are undone, others' are not.
            Unavailable: the queue is full, or the database cannot take it now.
        """
        return await self._enqueue(_Call(function, write=True))

    async def read(self, function: StoreFunction[T]) -> T:
        """Run ``function`` in a reading transaction.

        Raises:
            HallError: whatever kind the function raised.
            Unavailable: the queue is full, or the database cannot be read now.
        """
        return await self._enqueue(_Call(function, write=False))

    @property
    def waiting(self) -> int:
        """Calls that have not begun."""
        return len(self._waiting)

    def _enqueue(self, call: _Call[T]) -> Deferred[T]:
        if len(self._waiting) >= self._bounds.waiting:
            raise Unavailable(Kind.BUSY, "exchange store queue full", self._bounds.retry_after_s)
        self._waiting.append(call)
        if not self._running:
            self._start()
        return call.done

    def _start(self) -> None:
        self._running = True
        batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), self._bounds.together))]
        self._thread.callInThread(lambda: self._work(batch))

    def _work(self, batch: list[_Call[Any]]) -> None:
        """On the store thread. Whatever happens, the reactor hears of every call."""
        reads = [call for call in batch if not call.write]
        writes = [call for call in batch if call.write]
        try:
            for calls in (reads, writes):
                if calls:
                    self._transaction(calls, write=calls is writes)
        finally:
            self._reactor.callFromThread(self._finish, batch, len(writes))

    def _transaction(self, calls: list[_Call[Any]], *, write: bool) -> None:
        failure: HallError = Bug(Kind.BUG, "exchange store: a store function broke its transaction")
        committed = False
        try:
            with self._engine.connect() as raw:
                connection = raw.execution_options(**{WRITE_OPTION: write})
                with connection.begin():
                    for call in calls:
                        _run(connection, call, write=write)
            committed = True
        except SQLAlchemyError as error:
            failure = _unavailable(error, self._bounds.retry_after_s)
            self.log.warn("exchange_store_failed", reason=type(error).__name__, count=len(calls))
        finally:
            for call in calls:
                call.ended = True
                if not committed:
                    call.error = call.error or failure

    def _finish(self, batch: list[_Call[Any]], writes: int) -> None:
        self._running = False
        if self._waiting:
            self._start()
        if writes:
            self._on_commit(writes)
        for call in batch:
            if not call.ended:
                call.done.errback(Bug(Kind.BUG, "exchange store: a call was not reached"))
            elif call.error is not None:
                call.done.errback(call.error)
            else:
                call.done.callback(call.result)


def _run(connection: Connection, call: _Call[Any], *, write: bool) -> None:
    """One call; a writing one in a savepoint of its own: its refusal undoes its own changes only."""
    try:
        with connection.begin_nested() if write else nullcontext():
            call.result = call.function(connection)
    except SQLAlchemyError as error:
        if isinstance(error, DBAPIError) and error.connection_invalidated:
            raise
        call.error = _unavailable(error, StoreBounds.retry_after_s)
    except HallError as error:
        call.error = error


def _unavailable(error: SQLAlchemyError, retry_after_s: int) -> Unavailable:
    text = str(error).lower()
    full = any(words in text for words in _STORAGE_WORDS)
    kind = Kind.STORAGE_FULL if full else Kind.BUSY
    return Unavailable(kind, f"exchange store: {type(error).__name__}", retry_after_s)
