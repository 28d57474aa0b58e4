"""A half that is started with what is not its own: another role's key, another machine's, the other half's folders."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from ferry.lane.reasons import Reason
from ferry.low_half import LowHalf
from ferry.service import build_low
from ops.runtime.clock import SystemRandomness
from tests.support.ferry_kit import NoWatch, bundles_in, low_settings, request_ids, requests, worker_author
from tests.unit.ferry.driving import Driven
from tests.unit.ferry.test_faults import reasons
from wire_formats.drop import prepare_drop
from wire_formats.errors import Unavailable
from wire_formats.request import parse_header
from wire_formats.settings_reader import SettingsError
from wire_formats.suites import SigningKey


@pytest.fixture
def ferry(tmp_path: Path) -> Iterator[Driven]:
    driven = Driven(tmp_path)
    yield driven
    driven.stop()


def _send(ferry: Driven, count: int, *, epoch: int = 1) -> list[bytes]:
    worker, ids = worker_author(ferry.kit, epoch=epoch), []
    for _ in range(count):
        items = requests(now_ms=ferry.clock.ms)
        worker.send(items, now_ms=ferry.clock.ms)
        ids += request_ids(items)
    return ids


def _crossed(ferry: Driven) -> list[bytes]:
    return [
        parse_header(item.header).id
        for bundle in bundles_in(ferry.kit.core_inbox / "interactive")
        for item in bundle.items
    ]


@pytest.mark.parametrize("whose", ["high", "core", "worker"])
def test_a_key_of_another_role_does_not_start_a_half(ferry: Driven, whose: str) -> None:
    ferry.stop_half(ferry.low)
    low = ferry.kit.low
    ferry.kit.low = {"high": ferry.kit.high, "core": ferry.kit.core, "worker": ferry.kit.workers["worker-1"]}[whose]
    ferry.kit.write_keys()
    with pytest.raises(SettingsError, match="not a certificate for the role ferry_low"):
        ferry.start_low()
    _goes_on(ferry, low)


def test_a_key_that_does_not_belong_to_its_certificate_does_not_start_a_half(ferry: Driven) -> None:
    ferry.stop_half(ferry.low)
    own = ferry.kit.root / "ferry_low"
    (own / "key.pem").write_bytes((ferry.kit.root / "ferry_high" / "key.pem").read_bytes())
    with pytest.raises(SettingsError, match="does not belong to the certificate"):
        ferry.start_low()
    _goes_on(ferry, ferry.kit.low)


def test_another_machine_does_not_write_into_this_machines_log(ferry: Driven) -> None:
    """A certificate of the right role and another name: the log of crossings is not its own."""
    _send(ferry, 1)
    ferry.run(3)
    ferry.stop_half(ferry.low)
    low = ferry.kit.low
    ferry.kit.low = ferry.kit.authority.machine("ferry_low", "ferry_other")
    ferry.kit.write_keys()
    with pytest.raises(Unavailable, match="belongs to another log"):
        ferry.start_low()
    _goes_on(ferry, low, epoch=2)


def test_a_half_does_not_take_the_other_halfs_log_for_its_own(ferry: Driven) -> None:
    _send(ferry, 1)
    ferry.run(3)
    ferry.stop_half(ferry.low)
    with pytest.raises(Unavailable, match="log of crossings"):
        _low_with(ferry, crossings=ferry.kit.root / "ferry_high" / "crossings").start()
    _goes_on(ferry, ferry.kit.low, epoch=2)


def test_with_its_lanes_exchanged_nothing_passes_and_nothing_is_lost(ferry: Driven) -> None:
    """Outbound taken for inbound: what comes is of the wrong direction; with the right lanes everything arrives."""
    ferry.stop_half(ferry.low)
    gap = ferry.kit.root / "gap"
    for lane in ("interactive", "bulk", "control"):
        prepare_drop(gap / "outbound" / lane)
    ferry.low = _low_with(ferry, gap_inbound=gap / "outbound", gap_outbound=gap / "inbound")
    ferry.low.start()
    ids = _send(ferry, 3)
    ferry.run(2)
    assert _crossed(ferry) == []
    ferry.stop_half(ferry.low)
    ferry.start_low()
    ferry.run(6)
    assert sorted(_crossed(ferry)) == sorted(ids)
    assert set(reasons(ferry)) == {Reason.WRONG_LANE.value}


def _low_with(ferry: Driven, **changes: Any) -> LowHalf:
    return build_low(
        replace(low_settings(ferry.kit.root), **changes), reactor=ferry.reactor, clock=ferry.clock,
        randomness=SystemRandomness(), watch=NoWatch(), registry=CollectorRegistry(),
    )  # fmt: skip


def _goes_on(ferry: Driven, low: SigningKey, *, epoch: int = 1) -> None:
    """With its own key it starts, and loses nothing."""
    ferry.kit.low = low
    ferry.kit.write_keys()
    before = len(_crossed(ferry))
    ferry.start_low()
    ids = _send(ferry, 2, epoch=epoch)
    ferry.run(4)
    assert sorted(_crossed(ferry)[before:]) == sorted(ids)
