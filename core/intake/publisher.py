"""Publishes answers: bundles per worker and lane, sealed by the core, dropped whole into the outbox.

Numbers have no gaps: a bundle that could not be written (disk full) is kept and written first before any other. The
files need not be durable: until an answer has left, its row waits in `answer_outbox`, and a worker that never got it
asks again.
Source: DESIGN "core publisher"; wire_formats.bundle.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from sqlalchemy import Engine, insert, select, update

from core.db.engine import writing
from core.db.tables import lane_position
from core.metrics import CoreMetrics
from wire_formats.answer import Answer
from wire_formats.bundle import MAX_ITEMS, TARGET_BYTES, Item, SealStream, encode_bundle, new_bundle
from wire_formats.collaborators import Clock, Disk
from wire_formats.disk import DISK
from wire_formats.drop import DropName, count_drop, prepare_drop, write_drop
from wire_formats.request import LANES
from wire_formats.suites import SigningKey

SENDER: Final = "core"


class _Waiting(NamedTuple):
    lane: str
    name: DropName
    data: bytes
    answers: int


class Publisher:
    """Seals and drops answers; used by the intake thread.

    Args:
        outbox: folder with one drop per lane.
        key: the core's signing key.
        epoch: start of this run's numbering; larger than that of any run before (see `next_epoch`).
        clock: wall clock.
        metrics: the core's metrics.
        disk: where the outbox lies.
    """

    def __init__(
        self, outbox: Path, key: SigningKey, *, epoch: int, clock: Clock, metrics: CoreMetrics, disk: Disk = DISK
    ) -> None:
        self._outbox = outbox
        self._disk = disk
        self._key = key
        self._clock = clock
        self._published = {lane: metrics.published.labels(lane) for lane in LANES}
        self._streams = {lane: SealStream("outbound", lane, epoch) for lane in LANES}
        self._waiting: deque[_Waiting] = deque()
        for lane in LANES:
            prepare_drop(outbox / lane, disk=disk)

    def publish(self, answers: Iterable[Answer]) -> None:
        """Seal and drop answers.

        Raises:
            Unavailable: STORAGE_FULL; what was sealed is kept and written by the next `flush`.
        """
        groups: dict[tuple[str, str], list[Answer]] = {}
        for answer in answers:
            groups.setdefault((answer.header.lane, answer.header.reply_to), []).append(answer)
        for (lane, _), group in groups.items():
            for items in _packed(group):
                self._seal(lane, items)
        self.flush()

    def flush(self) -> None:
        """Write what is sealed and not written yet, in order.

        Raises:
            Unavailable: STORAGE_FULL.
        """
        while self._waiting:
            first = self._waiting[0]
            write_drop(self._outbox / first.lane, first.name, first.data, disk=self._disk)
            self._waiting.popleft()
            self._published[first.lane].inc(first.answers)

    def backlog(self, lane: str) -> int:
        """Return how many files the ferry has not taken yet."""
        return count_drop(self._outbox / lane, disk=self._disk)

    def _seal(self, lane: str, items: Sequence[Item]) -> None:
        stream = self._streams[lane]
        sealed = stream.seal(new_bundle("outbound", items), self._key, now_ms=self._clock.now_ms())
        name = DropName(stream.epoch, stream.sequence, SENDER)
        self._waiting.append(_Waiting(lane, name, encode_bundle(sealed), len(items)))


def next_epoch(engine: Engine, *, now_ms: int) -> int:
    """Take the epoch of a new run: the time now, but always beyond the last one, also when the clock was set back."""
    name = f"outbound {SENDER}"
    with writing(engine) as connection:
        last = connection.scalar(select(lane_position.c.epoch).where(lane_position.c.lane == name))
        epoch = now_ms if last is None else max(now_ms, last + 1)
        if last is None:
            connection.execute(insert(lane_position).values(lane=name, epoch=epoch, sequence=0))
        else:
            connection.execute(update(lane_position).where(lane_position.c.lane == name).values(epoch=epoch))
    return epoch


def _packed(answers: Sequence[Answer]) -> Iterator[list[Item]]:
    items: list[Item] = []
    size = 0
    for answer in answers:
        item = Item(answer.header_bytes, answer.content)
        grown = size + len(item.header) + len(item.content)
        if items and (len(items) == MAX_ITEMS or grown > TARGET_BYTES):
            yield items
            items, grown = [], len(item.header) + len(item.content)
        items.append(item)
        size = grown
    if items:
        yield items
