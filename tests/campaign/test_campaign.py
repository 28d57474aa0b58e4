"""The campaign's memory, and a small campaign from beginning to end."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.campaign import logs
from tests.campaign.ledger import BLOCK, Ledger
from tests.support.machines import MachineAuthority


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


def test_logs_that_are_not_one_history_are_found(tmp_path: Path) -> None:
    authority = MachineAuthority()
    trust = authority.trust([authority.machine("ferry_low", "ferry_low")])
    assert not logs.cosigned(tmp_path)
    figures, found = logs.audit(tmp_path, trust)
    assert found == [
        "low log: no_log crossings",
        "high log: no_log crossings",
        "between the logs: not_two_halves  and ",
    ]
    assert figures["findings"] == 3


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A folder with a short name: the path of the inspector's socket has room for 107 signs."""
    with TemporaryDirectory(prefix="fg-") as folder:
        yield Path(folder)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_small_campaign_loses_nothing_and_does_nothing_twice(short_path: Path) -> None:
    """As a program of its own: it forks its processes, and a test runner may hold a reactor already."""
    words = (
        "--root",
        str(short_path / "campaign"),
        "--kills",
        "5",
        "--requests",
        "300",
        "--seed",
        "5",
        "--minutes",
        "5",
    )
    command = [sys.executable, "-m", "tests.campaign", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=550, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "300 transactions told, 5 kills" in done.stdout
    assert "effects 300" in done.stdout
    assert "nothing lost, nothing twice" in done.stdout
    assert "findings 0" in done.stdout
