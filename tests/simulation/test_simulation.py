"""A short run of the simulation: seeds that once found a fault, one of each kind, and broken variants that are caught."""

from __future__ import annotations

import pytest

from tests.simulation.faults import PROFILES
from tests.simulation.schedule import Outcome, run
from tests.simulation.variants import VARIANTS, Variant

#: Each of these found a fault in the product, which stands beside it, or runs a kind of schedule that has no other.
SEEDS = {
    101: "kills",
    102: "power",
    105: "outage",
    106: "hands",
    107: "poison",  # a poisoned request came again in new bundles, and the core died of each of them five times
    108: "tight",
    111: "gap",  # a content damaged on the road was answered as rejected
    126: "clocks",  # a day's wrong clock ended what was acknowledged
    136: "disk",  # the control lane's folder could not be listed, and the step broke
    137: "clocks",  # what was sealed while the clock was ahead stopped its lane for hours
    170: "clocks",  # what was noted while the clock was ahead was not sent again for an hour
    195: "poison",  # innocent requests were held with the poisoned one, again and again
    197: "storm",  # an unreadable folder ended the core's turn as if it were a mistake
    1001: "loss",
    9004: "diode",  # two datagrams of five are lost, one of twenty was planned
    43: "media",  # a medium that was pulled out while it was opened was called damaged
    48: "media",  # a register that could not be opened broke the command
    138: "media",  # a late receipt settled a filling that was still on its way
    5088: "media",  # another lane's commit came between a bundle and its number: it was never acknowledged
    3013: "storm",  # a power cut took the cosigned end of a full log, and left that of the next one
    1005: "disk",  # a user met a permission error in place of "try again"
}


@pytest.mark.parametrize(("seed", "profile"), SEEDS.items())
def test_a_seed(seed: int, profile: str) -> None:
    outcome = run(seed, profile=profile)
    assert not outcome.faults, _told(outcome)
    assert outcome.figures["told"] > 0


def test_every_kind_of_schedule_is_in_the_short_run() -> None:
    assert set(SEEDS.values()) == set(PROFILES)


def test_the_same_seed_is_the_same_schedule() -> None:
    first, second = (run(109, profile="storm") for _ in range(2))
    assert first.lines == second.lines
    assert first.figures == second.figures


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name.replace(" ", "-"))
def test_a_broken_variant_is_caught(variant: Variant) -> None:
    for seed in range(variant.first, variant.first + variant.most):
        if run(seed, profile=variant.profile, kinds=variant.kinds, patience_s=70).faults:
            return
    pytest.fail(f"not caught within {variant.most} seeds: {variant.name}")


def _told(outcome: Outcome) -> str:
    again = f"make simulate SEEDS=1 FIRST={outcome.seed} PROFILE={outcome.profile}"
    return "\n".join([*outcome.lines[-40:], *outcome.faults, again])
