"""How much is sent more than once: the table of the research, and the arithmetic behind it."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ferry.transports.diode.redundancy import (
    MOST_COPIES,
    SMALL_FAILURE,
    block_failure,
    copies_failure,
    copies_needed,
    loss_tail,
    repair_symbols,
)


@pytest.mark.parametrize(
    ("k", "percent"),
    [(12, (33, 50, 83, 175)), (147, (4, 8, 18, 52)), (525, (2, 4, 11, 38)), (2996, (1, 2, 8, 30))],
)
def test_the_table_of_the_research(k: int, percent: tuple[int, ...]) -> None:
    """Repair in percent of the source symbols at 0.1, 1, 5 and 20 % loss, for one failure in a million."""
    found = tuple(round(100 * repair_symbols(k, loss) / k) for loss in (0.001, 0.01, 0.05, 0.2))
    assert found == percent


def exact_tail(sent: int, most_lost: int, loss: float) -> float:
    return math.fsum(
        math.comb(sent, lost) * loss**lost * (1 - loss) ** (sent - lost) for lost in range(most_lost + 1, sent + 1)
    )


@settings(deadline=None)
@given(st.integers(1, 120), st.integers(0, 120), st.floats(0.0001, 0.5))
def test_the_tail_is_the_binomial_one(sent: int, most_lost: int, loss: float) -> None:
    assert loss_tail(sent, most_lost, loss) == pytest.approx(exact_tail(sent, most_lost, loss), rel=1e-6, abs=1e-280)


@settings(deadline=None)
@given(st.integers(1, 400), st.floats(0.0005, 0.4), st.sampled_from([1e-3, 1e-6, 1e-8]))
def test_no_fewer_repair_symbols_would_do(k: int, loss: float, failure: float) -> None:
    repair = repair_symbols(k, loss, failure)
    assert block_failure(k, repair, loss) <= failure
    assert block_failure(k, repair - 1, loss) > failure


def test_repair_equal_to_the_loss_does_not_cover_it() -> None:
    """What another tool does by default: 2 % repair at 1 % loss."""
    assert block_failure(525, round(0.02 * 525), 0.01) > 0.01


def test_without_loss_nothing_is_repaired() -> None:
    assert repair_symbols(100, 0.0) == 0
    assert copies_needed(3, 0.0) == 1
    assert loss_tail(10, 3, 0.0) == 0.0


@pytest.mark.parametrize(("k", "loss", "failure"), [(0, 0.1, 1e-6), (5, -0.1, 1e-6), (5, 0.6, 1e-6), (5, 0.1, 0.0)])
def test_what_cannot_be_reckoned_is_refused(k: int, loss: float, failure: float) -> None:
    with pytest.raises(ValueError, match="failure between"):
        repair_symbols(k, loss, failure)


def test_copies() -> None:
    assert [copies_needed(2, loss) for loss in (0.001, 0.01, 0.05, 0.2)] == [2, 3, 5, 8]
    assert copies_failure(2, 3, 0.01) == pytest.approx(2e-6, rel=1e-3)
    assert copies_needed(8, 0.4) == MOST_COPIES


@settings(deadline=None)
@given(st.integers(1, 8), st.floats(0.0001, 0.3))
def test_copies_keep_their_promise(fragments: int, loss: float) -> None:
    copies = copies_needed(fragments, loss)
    assert copies == MOST_COPIES or copies_failure(fragments, copies, loss) <= SMALL_FAILURE
