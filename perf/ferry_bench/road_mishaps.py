"""What must not hold the road up: workbooks beside a query, files stolen from the gap, a restart with a backlog."""

from __future__ import annotations

import random
import signal
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from perf.cpu import CpuMeter
from perf.ferry_bench.road_load import Load, Parcel, at_rate
from perf.ferry_bench.road_requests import QUERY, Made, Maker
from perf.ferry_bench.road_site import HIGH, INSPECTOR, LOW, ROLES, Site
from perf.figures import measure, milliseconds, percentile, show
from wire_formats.drop import count_drop, list_drop, remove_drop

WORKBOOKS: Final = 10
_QUERIES_PER_S: Final = 50
_QUERIES_S: Final = 8
_LOSS_ROUNDS: Final = 3
_LOSS_BUNDLES: Final = 8
_APART_S: Final = 0.02
_LOOK_S: Final = 0.02
_RESTARTS: Final = 3
#: Between two restarts.
_GOES_ON_S: Final = 0.5
#: Bundles that the low half sends without an acknowledgement.
_CREDITS: Final = 1_024
_LONG_S: Final = 60.0
_INTERACTIVE: Final = "interactive"


def bulk_beside(site: Site, load: Load, maker: Maker) -> None:
    """Queries at 50/s alone, then while ten workbooks are under way all the time."""
    count, names = _QUERIES_PER_S * _QUERIES_S, load.names
    queries = [maker.single(QUERY, names[n % len(names)]) for n in range(count)]
    books = [list(maker.workbook(names[n % len(names)])) for n in range(WORKBOOKS)]
    alone = at_rate(load, _singles(load, queries), _QUERIES_PER_S)
    show(f"road: queries at {_QUERIES_PER_S}/s", milliseconds(alone.times))

    def keep_under_way() -> None:
        for book in books:
            if not any(load.is_out(chunk) for chunk in book):
                for chunk in book:
                    load.offer(chunk, time.perf_counter())

    meter, began = CpuMeter(site.root), time.perf_counter()
    beside = at_rate(load, _singles(load, queries), _QUERIES_PER_S, beside=keep_under_way)
    took = time.perf_counter() - began
    show(f"  while {WORKBOOKS} workbooks are under way", milliseconds(beside.times))
    p99 = [percentile(seen.times, 0.99) for seen in (alone, beside)]
    show(
        "  p99 beside workbooks, without", f"ratio {p99[1] / p99[0]:.1f}; median {_p50(beside.times, alone.times):.1f}"
    )
    chunks = len(beside.bulk)
    show("  chunks of 500 rows meanwhile", f"{chunks / took:.0f}/s, {beside.missing + alone.missing} without an answer")
    meter.show("chunk", max(1, chunks))


def losses(site: Site, load: Load, maker: Maker) -> None:
    """Bundles stolen from the gap, in the middle of others or at their end, when nothing follows that would tell."""
    for way in ("inbound", "outbound"):
        for tail in (False, True):
            found = [_steal(site, load, maker, way, tail=tail) for _ in range(_LOSS_ROUNDS)]
            noticed, repaired = ([one[n] for one in found] for n in (0, 1))
            where = "the last of them" if tail else "some of them"
            show(f"road: {where} stolen, {way}", f"noticed {_seconds(noticed)}, repaired {_seconds(repaired)}")
            measure("  noticed, at most", max(noticed), "s", at_most=2)
            measure("  repaired, at most", max(repaired), "s", at_most=5)


def restarts(site: Site, load: Load, requests: Sequence[Made]) -> None:
    """Kill everything with so many bundles of one request waiting, again and again; time from the processes' start."""
    parcels = _singles(load, requests)
    site.end(HIGH, INSPECTOR, at_once=True)
    for parcel in parcels:
        load.offer(parcel, time.perf_counter())
    _until(load, site.gap / "inbound" / _INTERACTIVE, _CREDITS)
    flowing: list[float] = []
    for _ in range(_RESTARTS):
        site.end(*ROLES, at_once=True)
        load.step_for(_GOES_ON_S)  # what lies in the workers' inboxes is of before
        waiting, began = load.outstanding, time.perf_counter()
        site.start(*ROLES)
        while load.outstanding == waiting and time.perf_counter() < began + _LONG_S:
            load.step(_LOOK_S)
        flowing.append(time.perf_counter() - began)
        load.step_for(_GOES_ON_S)
    left, began = load.outstanding, time.perf_counter()
    if load.drain(_LONG_S).missing:
        raise RuntimeError(f"of the backlog of {len(requests)} requests some were not answered")
    measure(f"road: restart with up to {len(requests):,} bundles waiting", max(flowing), "s", at_most=2)
    show("  first answer, each time", ", ".join(f"{one:.2f} s" for one in flowing))
    show("  the rest of them answered", f"{left:,} in {time.perf_counter() - began:.1f} s")


def _steal(site: Site, load: Load, maker: Maker, way: str, *, tail: bool) -> tuple[float, float]:
    """Steal bundles while their receiver stands still; gives seconds until noticed, and until all is answered."""
    receiver = HIGH if way == "inbound" else LOW
    load.step_for(random.random())  # anywhere between two heartbeats
    site.signal("core", signal.SIGSTOP)
    if way == "inbound":
        site.signal(HIGH, signal.SIGSTOP)
    made = [maker.single(QUERY, load.names[n % len(load.names)]) for n in range(_LOSS_BUNDLES)]
    for parcel in _singles(load, made):
        load.offer(parcel, time.perf_counter())
        load.step_for(_APART_S)
    if way == "outbound":
        _until(load, site.core / "inbox" / _INTERACTIVE, _LOSS_BUNDLES)
        site.signal(LOW, signal.SIGSTOP)
    site.signal("core", signal.SIGCONT)
    folder = site.gap / way / _INTERACTIVE
    # The core answers what lies there in a bundle for each worker.
    _until(load, folder, _LOSS_BUNDLES if way == "inbound" else len(load.names))
    waiting, _ = list_drop(folder, most=10 * _LOSS_BUNDLES)
    for name in waiting[-2:] if tail else waiting[1:3]:
        remove_drop(folder, name)
    site.signal(receiver, signal.SIGCONT)
    began, noticed = time.perf_counter(), 0.0
    while load.outstanding and time.perf_counter() - began < _LONG_S:
        load.step_for(_LOOK_S)
        if not noticed and site.figure(receiver, "ferry_gaps_total", _INTERACTIVE, way) > 0:
            noticed = time.perf_counter() - began
    repaired = time.perf_counter() - began
    if load.drain(0.0).missing:
        raise RuntimeError(f"what was stolen {way} did not come again")
    return noticed or repaired, repaired


def _until(load: Load, folder: Path, count: int) -> None:
    """Go on until so many files lie in a folder.

    Raises:
        RuntimeError: they do not come.
    """
    end = time.perf_counter() + _LONG_S
    while count_drop(folder) < count:
        if time.perf_counter() > end:
            raise RuntimeError(f"{folder}: {count_drop(folder)} files of {count} came")
        load.step_for(_LOOK_S)


def _singles(load: Load, requests: Sequence[Made]) -> list[Parcel]:
    return [load.parcel(made) for made in requests]


def _p50(these: Sequence[float], those: Sequence[float]) -> float:
    return percentile(these, 0.5) / percentile(those, 0.5)


def _seconds(values: Sequence[float]) -> str:
    return f"{statistics.median(values):.2f} s ({', '.join(f'{one:.2f}' for one in values)})"
