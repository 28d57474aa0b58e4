"""The workers' end of the road, all of them in one loop: bundles out by a plan, answers in, the time of each.

A bundle forms as a worker makes it (``dmz.workers.bundler``): what waits, at most 256 requests or 1 MiB; at once on
a free road, else after 40 ms for each bundle on it or when it is free again.  Or each request is a bundle of its own,
sealed before.  A request's time counts from when it was due, so a late load generator is no excuse.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from perf.ferry_bench.arrivals import Arrivals
from perf.ferry_bench.road_requests import Made
from wire_formats import cbor
from wire_formats.answer import AnswerStatus, check_answer_content, parse_answer_header
from wire_formats.bundle import (
    MAX_BUNDLE_BYTES,
    MAX_ITEMS,
    TARGET_BYTES,
    SealStream,
    encode_bundle,
    new_bundle,
    parse_bundle,
    verify_seal,
)
from wire_formats.drop import DropName, list_drop, read_drop, remove_drop, write_drop
from wire_formats.request import LANES
from wire_formats.suites import SigningKey
from wire_formats.trust import TrustStore

WAIT_S: Final = 0.002
PACED_WAIT_S: Final = 0.04
#: Answers are waited for so long after the last request.
LAST_S: Final = 30.0
_FILES_AT_ONCE: Final = 256
#: Bundles of answers whose seals are checked after a measurement.
_MOST_CHECKED: Final = 400
_LOOK_AGAIN_S: Final = 0.25


@dataclass(frozen=True, slots=True)
class Parcel:
    """One sealed bundle with one request."""

    made: Made
    folder: Path
    name: DropName
    data: bytes


@dataclass(slots=True)
class Seen:
    """What one measurement saw.

    Attributes:
        times: seconds of each interactive request, in the order of the answers.
        bulk: the same of bulk requests.
        finished: instants of the answers, on the load's own clock.
        bundles: of requests that were sent.
        files: of answers that came.
        missing: requests without an answer at the end.
    """

    times: list[float] = field(default_factory=list)
    bulk: list[float] = field(default_factory=list)
    finished: list[float] = field(default_factory=list)
    bundles: int = 0
    files: int = 0
    missing: int = 0


class _Lane:
    """Where one worker's requests of one lane become bundles."""

    def __init__(self, key: SigningKey, worker: str, lane: str, outbox: Path, *, durable: bool) -> None:
        self.interactive = lane == LANES[0]
        self.stream = SealStream("inbound", lane, time.time_ns() // 1_000_000)
        self.flush_at = math.inf
        self._key, self._worker, self._folder = key, worker, outbox / lane
        self._durable = durable
        self._waiting: list[Made] = []
        self._size = 0
        self._last_flush = -math.inf
        self._since = 0.0
        self._bundle_of: dict[bytes, int] = {}
        self._on_road: set[int] = set()

    def parcel(self, made: Made) -> Parcel:
        """Seal one request as a bundle of its own."""
        name, data = self._seal([made])
        return Parcel(made, self._folder, name, data)

    def put(self, parcel: Parcel) -> None:
        """Drop a bundle."""
        write_drop(parcel.folder, parcel.name, parcel.data, durable=self._durable)

    def add(self, made: Made, now: float) -> bool:
        """Let a request wait for its bundle; gives whether one was dropped."""
        self._waiting.append(made)
        self._size += made.size
        if len(self._waiting) >= MAX_ITEMS or self._size + made.size > TARGET_BYTES:
            return self.flush(now)
        if self.flush_at == math.inf:
            self._since = now
            self._plan()
        return False

    def _plan(self) -> None:
        """Say when what waits is to go: the more bundles are on the road, the longer it waits for company."""
        under_way = len(self._on_road)
        self.flush_at = self._since + PACED_WAIT_S * under_way if under_way else self._last_flush + WAIT_S

    def flush(self, now: float) -> bool:
        """Drop what waits as one bundle."""
        waiting, self._waiting = self._waiting, []
        self._size, self.flush_at, self._last_flush = 0, math.inf, now
        if not waiting:
            return False
        name, data = self._seal(waiting)
        write_drop(self._folder, name, data, durable=self._durable)
        self._on_road.add(name.sequence)
        self._bundle_of |= dict.fromkeys((made.id for made in waiting), name.sequence)
        return True

    def answered(self, request: bytes) -> None:
        """Note an answer: its bundle is off the road, and what waited for that goes at once."""
        number = self._bundle_of.pop(request, 0)
        if number in self._on_road:
            self._on_road.remove(number)
            if self._waiting:
                self._plan()

    def _seal(self, waiting: Sequence[Made]) -> tuple[DropName, bytes]:
        bundle = new_bundle("inbound", [made.item for made in waiting])
        tracked = any(made.tracked for made in waiting)
        sealed = self.stream.seal(bundle, self._key, now_ms=time.time_ns() // 1_000_000, tracked=tracked)
        return DropName(self.stream.epoch, self.stream.sequence, self._worker), encode_bundle(sealed)


class Load:
    """All workers of an installation.

    Args:
        workers: their keys, by name.
        dmz: the DMZ's folder, with ``outbox`` and ``inbox``.
        trust: who seals answers.
        durable: wait for the disk with each bundle, as one who knows no group commit does.
    """

    def __init__(
        self, workers: Mapping[str, SigningKey], dmz: Path, trust: TrustStore, *, durable: bool = False
    ) -> None:
        self.names = tuple(workers)
        self._trust = trust
        self._inboxes = {dmz / "inbox" / name: name for name in self.names}
        self._lanes = {
            (name, lane): _Lane(key, name, lane, dmz / "outbox", durable=durable)
            for name, key in workers.items()
            for lane in LANES
        }
        self._of: dict[bytes, tuple[_Lane, float]] = {}
        self._arrivals = Arrivals(self._inboxes)
        self._looked = 0.0
        self._kept: list[tuple[str, bytes]] = []
        self.seen = Seen()

    def close(self) -> None:
        """Watch no more."""
        self._arrivals.close()

    @property
    def outstanding(self) -> int:
        """Requests without an answer."""
        return len(self._of)

    def is_out(self, made: Made) -> bool:
        """Whether a request has no answer yet."""
        return made.id in self._of

    def parcel(self, made: Made) -> Parcel:
        """Seal a request as a bundle of its own; bundles are to be offered in the order in which they were sealed."""
        return self._lanes[made.worker, made.lane].parcel(made)

    def offer(self, what: Made | Parcel, due: float) -> None:
        """Give a request, or a whole bundle, to its worker.

        Args:
            what: the request.
            due: from when its time counts, by ``time.perf_counter``.
        """
        made = what.made if isinstance(what, Parcel) else what
        lane = self._lanes[made.worker, made.lane]
        self._of[made.id] = (lane, due)
        if isinstance(what, Parcel):
            lane.put(what)
            self.seen.bundles += 1
        else:
            self.seen.bundles += lane.add(what, due)

    def step(self, seconds: float) -> None:
        """Drop bundles whose time has come and take answers; waits at most so long for either."""
        now = time.perf_counter()
        for lane in self._lanes.values():
            if lane.flush_at <= now:
                self.seen.bundles += lane.flush(now)
        soonest = min(lane.flush_at for lane in self._lanes.values())
        wait = min(seconds, max(0.0, soonest - now), _LOOK_AGAIN_S)
        folders = self._arrivals.wait(wait)
        if now - self._looked > _LOOK_AGAIN_S:  # notices get lost
            self._looked, folders = now, set(self._inboxes)
        for folder in folders:
            while self._read(folder) == _FILES_AT_ONCE:
                pass

    def step_for(self, seconds: float) -> None:
        """Go on for so long."""
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            self.step(left)

    def drain(self, seconds: float = LAST_S) -> Seen:
        """Wait for the answers that are missing, check seals, and give what was seen since the last time.

        Raises:
            RuntimeError: a bundle of answers is not what it should be.
        """
        end = time.perf_counter() + seconds
        while self._of and time.perf_counter() < end:
            self.step(0.05)
        self.seen.missing = len(self._of)
        self._of.clear()
        kept, self._kept = self._kept, []
        for worker, data in kept[:: 1 + len(kept) // _MOST_CHECKED]:
            self._check(worker, data)
        seen, self.seen = self.seen, Seen()
        return seen

    def _read(self, folder: Path) -> int:
        names, _ = list_drop(folder, most=_FILES_AT_ONCE)
        for name in names:
            data = read_drop(folder, name, limit=MAX_BUNDLE_BYTES)
            remove_drop(folder, name)
            if name.kind == "bundle":
                self._take(self._inboxes[folder], data)
        return len(names)

    def _take(self, worker: str, data: bytes) -> None:
        self.seen.files += 1
        self._kept.append((worker, data))
        now = time.perf_counter()
        for item in parse_bundle(data).items:
            header = cbor.decode(item.header)
            assert isinstance(header, dict)
            request = header[1]
            assert isinstance(request, bytes)
            found = self._of.pop(request, None)
            if found is not None:
                lane, due = found
                lane.answered(request)
                (self.seen.times if lane.interactive else self.seen.bulk).append(now - due)
                self.seen.finished.append(now)

    def _check(self, worker: str, data: bytes) -> None:
        bundle, now_ms = parse_bundle(data), time.time_ns() // 1_000_000
        verify_seal(bundle, 0, self._trust, role="core", now_ms=now_ms)
        verify_seal(bundle, -1, self._trust, role="ferry_low", now_ms=now_ms)
        for item in bundle.items:
            header = parse_answer_header(item.header)
            check_answer_content(header, item.content)
            if header.reply_to != worker or header.status is not AnswerStatus.DONE:
                raise RuntimeError(f"an answer to {header.reply_to}, {header.status.name}, came to {worker}")


def at_rate(
    load: Load, requests: Sequence[Made | Parcel], per_second: float, *, beside: Callable[[], None] = lambda: None
) -> Seen:
    """Offer requests at a steady rate, whatever the answers do.

    Args:
        load: the workers.
        requests: what is offered.
        per_second: how many.
        beside: called again and again meanwhile.
    """
    began, sent = time.perf_counter(), 0
    while sent < len(requests):
        now = time.perf_counter()
        while sent < len(requests) and (due := began + sent / per_second) <= now:
            load.offer(requests[sent], due)
            sent += 1
        beside()
        load.step(max(0.0, began + sent / per_second - time.perf_counter()))
    return load.drain()


def at_saturation(load: Load, requests: Iterable[Made | Parcel], *, window: int, seconds: float) -> tuple[float, Seen]:
    """Keep so many requests without an answer for a while; gives the answers a second of its second half on.

    Args:
        load: the workers.
        requests: more than are needed.
        window: requests under way.
        seconds: how long; the first quarter does not count.
    """
    began, supply = time.perf_counter(), iter(requests)
    end = began + seconds
    while (now := time.perf_counter()) < end:
        while load.outstanding < window and now < end:
            load.offer(next(supply), now)
        load.step(0.05)
    seen = load.drain()
    counts_from = began + seconds / 4
    return sum(counts_from <= at < end for at in seen.finished) / (end - counts_from), seen
