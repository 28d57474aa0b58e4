"""A bundle that kills its inspector is held after the third time, and its lane goes on (poison)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from ferry.inspection import Inspector
from ferry.inspector.frames import Verdict
from ferry.inspector.port import InspectorLostError, NearInspector, Pending
from tests.support.ferry_kit import bundles_in, request_ids, requests, worker_author
from tests.support.machines import NOW_MS
from tests.support.wire_samples import HIGH_HALF
from tests.unit.ferry.driving import Driven
from wire_formats.bundle import Item
from wire_formats.catalogue import SERVICES
from wire_formats.errors import Kind, Unavailable
from wire_formats.request import parse_header


class _Later:
    """Verdicts that come, or are lost, when the test says so."""

    def __init__(self, found: Sequence[Verdict], wake: Callable[[], None]) -> None:
        self._found = found
        self._wake = wake
        self.here = False
        self.lost = False

    def verdicts(self) -> Sequence[Verdict] | None:
        if self.lost:
            raise InspectorLostError
        return self._found if self.here else None

    def settle(self, *, lost: bool) -> None:
        self.here, self.lost = not lost, lost
        self._wake()


class FragileInspector(NearInspector):
    """Dies over one request; answers only when told, if it is slow; may be away."""

    def __init__(self) -> None:
        super().__init__(Inspector(SERVICES, HIGH_HALF))
        self.deadly: set[bytes] = set()
        self.away = self.slow = False
        self.asked = 0
        self.pending: list[_Later] = []

    def ask(self, items: Sequence[Item], *, now_ms: int, wake: Callable[[], None]) -> Pending:
        if self.away:
            raise Unavailable(Kind.BUSY, "no inspector", 1)
        self.asked += 1
        found = super().ask(items, now_ms=now_ms, wake=wake).verdicts()
        assert found is not None
        later = _Later(found, wake)
        later.lost = any(parse_header(item.header).id in self.deadly for item in items)
        later.here = not self.slow
        self.pending.append(later)
        return later


@pytest.fixture
def inspector() -> FragileInspector:
    return FragileInspector()


@pytest.fixture
def ferry(tmp_path: Path, inspector: FragileInspector) -> Iterator[Driven]:
    driven = Driven(tmp_path, inspector=inspector)
    yield driven
    driven.stop()


def delivered(ferry: Driven) -> set[bytes]:
    bundles = bundles_in(ferry.kit.core_inbox / "interactive")
    return {parse_header(item.header).id for bundle in bundles for item in bundle.items}


def held(ferry: Driven) -> list[Path]:
    return list((ferry.kit.root / "ferry_high" / "quarantine" / "held").glob("*-poison.bundle"))


def test_a_bundle_that_kills_is_held_after_three_times_and_the_lane_goes_on(
    ferry: Driven, inspector: FragileInspector
) -> None:
    worker = worker_author(ferry.kit)
    poison, good = requests(1, now_ms=NOW_MS), requests(2, now_ms=NOW_MS)
    inspector.deadly = set(request_ids(poison))
    worker.send(poison, now_ms=NOW_MS)
    worker.send(good, now_ms=NOW_MS)
    ferry.run(3)
    assert len(held(ferry)) == 1
    assert delivered(ferry) == set(request_ids(good))


def test_an_inspector_that_is_away_costs_a_bundle_nothing(ferry: Driven, inspector: FragileInspector) -> None:
    inspector.away = True
    worker = worker_author(ferry.kit)
    items = requests(2, now_ms=NOW_MS)
    worker.send(items, now_ms=NOW_MS)
    ferry.run(5)
    assert delivered(ferry) == set()
    inspector.away = False
    ferry.run(1)
    assert delivered(ferry) == set(request_ids(items))
    assert held(ferry) == []


def test_a_lane_waits_for_its_answer_without_asking_again(ferry: Driven, inspector: FragileInspector) -> None:
    inspector.slow = True
    worker = worker_author(ferry.kit)
    items = requests(1, now_ms=NOW_MS)
    worker.send(items, now_ms=NOW_MS)
    ferry.run(2)
    assert inspector.asked == 1
    inspector.pending[0].settle(lost=False)
    ferry.run(0.1)
    assert delivered(ferry) == set(request_ids(items))


def test_one_death_is_forgiven(ferry: Driven, inspector: FragileInspector) -> None:
    inspector.slow = True
    worker = worker_author(ferry.kit)
    items = requests(1, now_ms=NOW_MS)
    worker.send(items, now_ms=NOW_MS)
    ferry.run(0.2)
    inspector.slow = False
    inspector.pending[0].settle(lost=True)
    ferry.run(1)
    assert delivered(ferry) == set(request_ids(items))
    assert held(ferry) == []
