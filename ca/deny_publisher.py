"""Publishing the deny list: signed increments with epoch numbers, dropped for the ferry.

    start, and every `snapshot_s`      the whole list (in several increments when it is long)
    a new revocation                   what is new, at the next look (at once from the desk)
    nothing new for `heartbeat_s`      an empty increment: the list is as fresh as this

The epoch is taken in the ledger and committed before the file is written: an epoch is never used
twice. A file that could not be written leaves a gap that readers notice; the next look sends a
snapshot. Certificates past their end leave the list with the next snapshot.

Source: `wire_formats.deny_list`; F7, F10; DESIGN "Road of a request"; X-Road issue 197 (freshness).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, select, update
from twisted.logger import Logger

from ca.ledger import Ledger
from ca.ledger_tables import DENY_EPOCH, REVOCATION
from ca.metrics import CaMetrics
from wire_formats.collaborators import Clock
from wire_formats.deny_list import MAX_SERIALS, DenyIncrement, increment_digest, sign_increment
from wire_formats.drop import DropName, count_drop, prepare_drop, write_drop
from wire_formats.errors import Unavailable
from wire_formats.instants import SECOND_MS
from wire_formats.suites import SigningKey

SENDER: Final = "ca_deny"
#: Notices that may wait in the drop; a ferry that stands still must not fill the disk.
MAX_WAITING: Final = 256
#: A list beyond this needs more shards than one ferry cycle should carry.
MAX_LIST: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class DenyPace:
    """How often the list is published, in seconds."""

    heartbeat_s: int
    snapshot_s: int


class DenyPublisher:
    """Turns the ledger's revocations into signed notices.

    Args:
        ledger: where revocations are.
        key: the machine key with role `ca_deny`.
        drop: the core's control outbox; from there it crosses to the edges.
        copy: the drop that the core itself reads, so that it ends the bindings of revoked certificates.
        clock: for the instants inside the increments.
        metrics: epoch, size and failures.
        pace: how often.
    """

    log = Logger()

    def __init__(  # noqa: PLR0913 - two places to write to, and the usual collaborators
        self,
        ledger: Ledger,
        key: SigningKey,
        drop: Path,
        *,
        copy: Path | None = None,
        clock: Clock,
        metrics: CaMetrics,
        pace: DenyPace,
    ) -> None:
        self._ledger = ledger
        self._key = key
        self._drop = drop
        self._copy = copy
        self._clock = clock
        self._metrics = metrics
        self._pace = pace
        self._run_ms = clock.now_ms()
        self._snapshot_due_ms = 0
        self._heartbeat_due_ms = 0
        for folder in (drop, copy):
            if folder is not None:
                prepare_drop(folder)

    def look(self) -> int:
        """Publish what is due now.

        Returns:
            How many increments were dropped.

        Raises:
            Unavailable: the ledger does not answer.
        """
        now = self._clock.now_ms()
        if self._backlog():
            return 0
        full = now >= self._snapshot_due_ms
        with self._ledger.transaction() as connection:
            increments = self._next(connection, now, full=full)
        if not increments:
            return 0
        try:
            for increment in increments:
                self._write(increment)
        except Unavailable as error:
            self._metrics.publish_failed()
            self.log.warn("deny_list_not_published", reason=error.private, epoch=increments[-1].epoch)
            self._snapshot_due_ms = 0
            return 0
        if full:
            self._snapshot_due_ms = now + self._pace.snapshot_s * SECOND_MS
        self._heartbeat_due_ms = now + self._pace.heartbeat_s * SECOND_MS
        last = increments[-1]
        self._metrics.published(epoch=last.epoch, size=last.size, now_ms=now)
        if full or last.serials:
            self.log.info("deny_list_published", epoch=last.epoch, count=last.size)
        return len(increments)

    def _backlog(self) -> bool:
        """Whether the ferry takes nothing away; then nothing is added until it does."""
        waiting = count_drop(self._drop)
        if waiting < MAX_WAITING:
            return False
        self._snapshot_due_ms = 0
        self._metrics.publish_failed()
        self.log.warn("deny_list_not_taken", count=waiting)
        return True

    def _next(self, connection: Connection, now: int, *, full: bool) -> list[DenyIncrement]:
        state = connection.execute(select(DENY_EPOCH).with_for_update()).one()
        rows = self._rows(connection, after=0 if full else state.position, now=now if full else 0)
        if not rows and not full and now < self._heartbeat_due_ms:
            return []
        increments: list[DenyIncrement] = []
        epoch, previous = state.epoch, bytes(state.digest)
        # Every piece names the size of the whole list, so a reader knows when it holds all of it.
        size = len(rows) if full else state.size + len(rows)
        pieces = [rows[start : start + MAX_SERIALS] for start in range(0, len(rows), MAX_SERIALS)] or [[]]
        for index, piece in enumerate(pieces):
            increment = DenyIncrement(
                epoch=epoch + 1,
                previous=previous,
                made_ms=now,
                full=full and index == 0,
                serials=tuple(sorted(int(serial, 16) for _, serial in piece)),
                size=size,
            )
            epoch, previous = increment.epoch, increment_digest(increment)
            increments.append(increment)
        position = max((at for at, _ in rows), default=state.position)
        position = max(position, state.position)
        connection.execute(update(DENY_EPOCH).values(epoch=epoch, digest=previous, position=position, size=size))
        return increments

    def _rows(self, connection: Connection, *, after: int, now: int) -> list[tuple[int, str]]:
        query = (
            select(REVOCATION.c.position, REVOCATION.c.serial)
            .where(REVOCATION.c.position > after, REVOCATION.c.not_after_ms > now)
            .order_by(REVOCATION.c.position)
            .limit(MAX_LIST)
        )
        return [(row.position, row.serial) for row in connection.execute(query).all()]

    def _write(self, increment: DenyIncrement) -> None:
        name = DropName(self._run_ms, increment.epoch, SENDER, "notice")
        signed = sign_increment(increment, self._key)
        write_drop(self._drop, name, signed, durable=True)
        # The core takes its copy at once; while it is down, copies wait up to the same bound, and the next
        # snapshot after its return names whatever was left out.
        if self._copy is not None and count_drop(self._copy) < MAX_WAITING:
            write_drop(self._copy, name, signed)
