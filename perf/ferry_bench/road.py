"""The road itself: from a worker's outbox through both halves and the inspector to the core, and back.

The halves and the inspector are the product's own processes behind their walls, the gap is the directory; workers
and an echoing core are played from outside.  Every part prints what it saw beside its target.
"""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from perf.cpu import CpuMeter
from perf.ferry_bench.road_load import Load, Parcel, Seen, at_rate, at_saturation
from perf.ferry_bench.road_mishaps import bulk_beside, losses, restarts
from perf.ferry_bench.road_requests import QUERY, TRANSACTION, Made, Maker
from perf.ferry_bench.road_site import ROLES, Site
from perf.figures import measure, milliseconds, percentile, show
from wire_formats.drop import DropName, prepare_drop, remove_drop, write_drop

_FILES: Final = 500
_POOL: Final = 12_000
_SLOW_PER_S: Final = 50
_SLOW_S: Final = 10
#: The last is the target's, read most strictly; the others tell how far the road is from it.
_EACH_PER_S: Final = (250, 500, 1_000)
_EACH_S: Final = 3
#: Bundles as they form: beside the last rate of bundles of one, and the target's.
_NATURAL_PER_S: Final = ((1_000, 100), (3_000, 80))
_NATURAL_S: Final = 5
_BACKLOG: Final = 10_000
_ROUNDS: Final = 3
_ROUND_S: Final = 4.0
#: Requests under way when the road is to be saturated: single bundles within a lane's credits, or enough to fill some.
_WINDOW_SINGLE: Final = 400
_WINDOW_NATURAL: Final = 2_048


def road() -> None:
    """Measure everything."""
    with TemporaryDirectory(prefix="ferrygate-road-") as text:
        show("road: a file made, renamed and removed here", f"{_file_us(Path(text)):.0f} µs of processor")
        site = Site(Path(text))
        load = site.load()
        try:
            site.start(*ROLES)
            site.start_core()
            site.wait()
            requests = _Requests(site, load)
            _warm(load, requests)
            _rates(site, load, requests)
            _beside_the_peer(site, load, requests)
            bulk_beside(site, load, requests.maker)
            losses(site, load, requests.maker)
            restarts(site, load, requests.take(_BACKLOG))
        finally:
            load.close()
            site.stop()


def _file_us(folder: Path) -> float:
    """Give what this file system takes for one file; a request in a bundle of its own needs six of them on its way."""
    drop = folder / "files"
    prepare_drop(drop)
    began = time.process_time()
    for number in range(_FILES):
        name = DropName(1, number, "worker-1")
        write_drop(drop, name, b"x" * 1_000)
        remove_drop(drop, name)
    return (time.process_time() - began) / _FILES * 1e6


class _Requests:
    """Queries that were made beforehand, for each worker in turn."""

    def __init__(self, site: Site, load: Load) -> None:
        self.maker = Maker(site.high_half)
        names = load.names
        self._pool = [self.maker.single(QUERY, names[n % len(names)]) for n in range(_POOL)]
        self._transactions = [
            self.maker.single(TRANSACTION, names[n % len(names)]) for n in range(_SLOW_PER_S * _SLOW_S)
        ]

    def take(self, count: int) -> list[Made]:
        """Give queries, every one of them once."""
        assert count <= len(self._pool)
        taken, self._pool = self._pool[:count], self._pool[count:] + self._pool[:count]
        return taken

    def transactions(self) -> list[Made]:
        """Give declarations for one run at the slow rate."""
        return self._transactions

    def endless(self) -> Iterator[Made]:
        """Give queries again and again; never the same twice within some thousands."""
        return itertools.cycle(self._pool)


def _warm(load: Load, requests: _Requests) -> None:
    at_rate(load, _sealed(load, requests.take(200)), 100)


def _rates(site: Site, load: Load, requests: _Requests) -> None:
    name = f"road: queries at {_SLOW_PER_S}/s, each alone"
    seen = _at_rate(site, load, name, _sealed(load, requests.take(_SLOW_PER_S * _SLOW_S)), _SLOW_PER_S)
    measure("  p50", percentile(seen.times, 0.5) * 1e3, "ms", at_most=10)
    measure("  p99", percentile(seen.times, 0.99) * 1e3, "ms", at_most=40)
    name = f"road: transactions at {_SLOW_PER_S}/s, each alone, its worker told where it is"
    _at_rate(site, load, name, _sealed(load, requests.transactions()), _SLOW_PER_S)
    for rate in _EACH_PER_S:
        name = f"road: queries at {rate:,}/s, one in a bundle"
        seen = _at_rate(site, load, name, _sealed(load, requests.take(rate * _EACH_S)), rate)
        measure("  p99", percentile(seen.times, 0.99) * 1e3, "ms", at_most=100)
    for rate, at_most in _NATURAL_PER_S:
        name = f"road: queries at {rate:,}/s, bundles as they form"
        queries = list(itertools.islice(requests.endless(), rate * _NATURAL_S))
        seen = _at_rate(site, load, name, queries, rate)
        measure("  p99", percentile(seen.times, 0.99) * 1e3, "ms", at_most=at_most)


def _sealed(load: Load, requests: Sequence[Made]) -> list[Parcel]:
    """Make each request a bundle of its own, before time counts."""
    return [load.parcel(made) for made in requests]


def _at_rate(site: Site, load: Load, name: str, requests: Sequence[Made | Parcel], per_second: float) -> Seen:
    meter, began = CpuMeter(site.root), time.perf_counter()
    seen = at_rate(load, requests, per_second)
    took = time.perf_counter() - began
    show(name, milliseconds(seen.times))
    in_files = len(requests) / seen.bundles, len(seen.times) / max(1, seen.files)
    show("  requests in a bundle, answers in one", f"{in_files[0]:.1f}, {in_files[1]:.1f}")
    show("  answered in all, without an answer", f"{len(seen.times) / took:.0f}/s, {seen.missing}")
    meter.show("request", len(seen.times))
    return seen


def _beside_the_peer(site: Site, load: Load, requests: _Requests) -> None:
    """Saturate the road as it is and as one file for each request, in turn; a ratio is made within one round."""
    found: dict[str, list[float]] = {"natural": [], "single": [], "peer": []}
    durable = site.load(durable=True)
    try:
        for _ in range(_ROUNDS):
            site.start_core(most_items=1, durable=True)
            found["peer"].append(_saturate(durable, _singles(durable, requests), _WINDOW_SINGLE))
            site.start_core()
            found["single"].append(_saturate(load, _singles(load, requests), _WINDOW_SINGLE))
            found["natural"].append(_saturate(load, requests.endless(), _WINDOW_NATURAL))
    finally:
        durable.close()
    for name, text in (
        ("natural", "road at saturation, bundles as they form"),
        ("single", "road at saturation, one request in a bundle"),
        ("peer", "one file for each request and each answer, synced"),
    ):
        show(text, f"{statistics.median(found[name]):6.0f}/s of {', '.join(f'{one:.0f}' for one in found[name])}")
    ratios = [ours / peer for ours, peer in zip(found["natural"], found["peer"], strict=True)]
    measure("  bundles beside one file each", statistics.median(ratios), "×", at_least=5)


def _saturate(load: Load, requests: Iterator[Made | Parcel], window: int) -> float:
    per_second, seen = at_saturation(load, requests, window=window, seconds=_ROUND_S)
    if seen.missing:
        show("  without an answer at saturation", str(seen.missing))
    return per_second


def _singles(load: Load, requests: _Requests) -> Iterator[Made | Parcel]:
    for made in requests.endless():
        yield load.parcel(made)
