"""The campaign's memory, and a small campaign from beginning to end."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.campaign import material
from tests.campaign.__main__ import Campaign, judge
from tests.campaign.ledger import BLOCK, Ledger


def test_a_block_that_nobody_was_told_of_is_handed_out_again(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, 3 * BLOCK - 10)
    first, second, last = ledger.take(), ledger.take(), ledger.take()
    assert (first, second, last) == ((0, BLOCK), (BLOCK, BLOCK), (2 * BLOCK, BLOCK - 10))
    assert ledger.take() is None
    ledger.was_told(BLOCK, BLOCK)
    ledger.worker_died()
    assert (ledger.told, ledger.outstanding) == (BLOCK, 0)
    assert [ledger.take(), ledger.take(), ledger.take()] == [first, last, None]
    ledger.close()


def test_a_campaign_goes_on_where_it_ended(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, 2 * BLOCK)
    ledger.was_told(0, BLOCK)
    ledger.count("kills", 3)
    ledger.close()
    again = Ledger(tmp_path, 3 * BLOCK)
    assert (again.told, again.requests, again.figures) == (BLOCK, 3 * BLOCK, {"kills": 3})
    assert again.take() == (BLOCK, BLOCK)
    again.close()


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A folder with a short name: the path of the inspector's socket has room for 107 signs."""
    with TemporaryDirectory(prefix="fg-") as folder:
        yield Path(folder)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_small_campaign_loses_nothing_and_does_nothing_twice(short_path: Path) -> None:
    root = short_path / "campaign"
    material.write(root, time.time_ns() // 1_000_000)
    campaign = Campaign(root, 300, 5, random.Random(5))
    try:
        campaign.run(time.monotonic() + 300)
        left = campaign.settle()
    finally:
        campaign.stop()
    figures, wrong = judge(root, campaign.ledger)
    campaign.ledger.close()
    assert campaign.problems == []
    assert (left, wrong, figures["told"], figures["effects"], campaign.killed) == (0, [], 300, 300, 5)
