"""What must not hold the road up: workbooks beside a query, files stolen from the gap, a restart with a backlog."""

from __future__ import annotations

import random
import signal
import statistics
import time
from collections.abc import Sequence
from typing import Final

from perf.cpu import CpuMeter
from perf.ferry_bench.road_load import Load, at_rate
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
_RESTARTS: Final = 2
#: Bundles that the low half sends without an acknowledgement.
_CREDITS: Final = 1_024
_LONG_S: Final = 60.0
_INTERACTIVE: Final = "interactive"


def bulk_beside(site: Site, load: Load, maker: Maker) -> None:
    """Queries at 50/s alone, then while ten workbooks are under way all the time."""
    count, names = _QUERIES_PER_S * _QUERIES_S, load.names
    queries = [maker.single(QUERY, names[n % len(names)]) for n in range(count)]
    books = [list(maker.workbook(names[n % len(names)])) for n in range(WORKBOOKS)]
    alone = at_rate(load, load.parcels(queries), _QUERIES_PER_S)
    show(f"road: queries at {_QUERIES_PER_S}/s", milliseconds(alone.times))

    def keep_under_way() -> None:
        for number, book in enumerate(books):
            if not any(load.is_out(chunk) for chunk in book):
                for chunk in book:
                    load.offer(chunk, names[number % len(names)], time.perf_counter())

    meter, began = CpuMeter(site.root), time.perf_counter()
    beside = at_rate(load, load.parcels(queries), _QUERIES_PER_S, beside=keep_under_way)
    took = time.perf_counter() - began
    show(f"  while {WORKBOOKS} workbooks are under way", milliseconds(beside.times))
    p99 = [percentile(seen.times, 0.99) for seen in (alone, beside)]
    show("  p99 beside workbooks, without", f"ratio {p99[1] / p99[0]:.1f}; median {_p50(beside.times, alone.times):.1f}")
    chunks = len(beside.bulk)
    show("  chunks of 500 rows meanwhile", f"{chunks / took:.0f}/s, {beside.missing + alone.missing} without an answer")
    meter.show("chunk", max(1, chunks))


def losses(site: Site, load: Load, maker: Maker) -> None:
    """Bundles stolen from the gap, in the middle of others or at their end, when nothing follows that would tell."""
    for way, receiver in (("inbound", HIGH), ("outbound", LOW)):
        for tail in (False, True):
            found = [_steal(site, load, maker, way, receiver, tail=tail) for _ in range(_LOSS_ROUNDS)]
            noticed, repaired = ([one[n] for one in found] for n in (0, 1))
            where = "the last of them" if tail else "some of them"
            show(f"road: {where} stolen, {way}", f"noticed {_seconds(noticed)}, repaired {_seconds(repaired)}")
            measure("  noticed, at most", max(noticed), "s", at_most=2)
            measure("  repaired, at most", max(repaired), "s", at_most=5)


def restarts(site: Site, load: Load, requests: Sequence[Made]) -> None:
    """Kill everything with so many bundles of one request waiting; time from the new processes' start."""
    flowing, drained = [], []
    for _ in range(_RESTARTS):
        first, last = _restart(site, load, requests)
        flowing.append(first)
        drained.append(last)
    measure(f"road: restart with {len(requests):,} bundles waiting", max(flowing), "s", at_most=2)
    show("  first answer, each time", ", ".join(f"{one:.2f} s" for one in flowing))
    rates = ", ".join(f"{len(requests) / one:.0f}/s" for one in drained)
    show("  all answered", f"{', '.join(f'{one:.1f} s' for one in drained)}, start included: {rates}")


def _steal(site: Site, load: Load, maker: Maker, way: str, receiver: str, *, tail: bool) -> tuple[float, float]:
    """Steal bundles while their receiver stands still; gives seconds until noticed, and until all is answered."""
    folder, names = site.gap / way / _INTERACTIVE, load.names
    load.step_for(random.random())  # anywhere between two heartbeats
    made = [maker.single(QUERY, names[n % len(names)]) for n in range(_LOSS_BUNDLES)]
    site.signal(receiver, signal.SIGSTOP)
    try:
        for number, parcel in enumerate(load.parcels(made)):
            load.offer(parcel, names[number % len(names)], time.perf_counter())
            load.step_for(_APART_S)
        end = time.perf_counter() + 1.0
        while count_drop(folder) < _LOSS_BUNDLES and time.perf_counter() < end:
            load.step(_LOOK_S)
        waiting, _ = list_drop(folder, most=10 * _LOSS_BUNDLES)
        for name in waiting[-3:] if tail else waiting[2:4]:
            remove_drop(folder, name)
    finally:
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


def _restart(site: Site, load: Load, requests: Sequence[Made]) -> tuple[float, float]:
    parcels, names = load.parcels(requests), load.names
    site.end(HIGH, INSPECTOR, at_once=True)
    for number, parcel in enumerate(parcels):
        load.offer(parcel, names[number % len(names)], time.perf_counter())
    end = time.perf_counter() + _LONG_S
    while count_drop(site.gap / "inbound" / _INTERACTIVE) < _CREDITS and time.perf_counter() < end:
        load.step(_LOOK_S)
    site.end(LOW, at_once=True)
    began = time.perf_counter()
    site.start(*ROLES)
    while load.outstanding == len(requests) and time.perf_counter() < began + _LONG_S:
        load.step(_LOOK_S)
    first = time.perf_counter() - began
    seen = load.drain(_LONG_S)
    if seen.missing:
        raise RuntimeError(f"{seen.missing} requests of the backlog were not answered")
    return first, time.perf_counter() - began


def _p50(these: Sequence[float], those: Sequence[float]) -> float:
    return percentile(these, 0.5) / percentile(those, 0.5)


def _seconds(values: Sequence[float]) -> str:
    return f"{statistics.median(values):.2f} s ({', '.join(f'{one:.2f}' for one in values)})"
