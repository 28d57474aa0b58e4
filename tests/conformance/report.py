"""Outcomes → lines: a table by category and paranoia level, and what did not pass."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from tests.conformance.judging import Outcome

KINDS = ("positive", "negative", "status")


def table(outcomes: list[Outcome]) -> Iterator[str]:
    """Write passed/total for each kind of case; in front each category, then each level, then all."""
    yield f"  {'':>9}" + "".join(f"{kind:>14}" for kind in KINDS) + f"{'share':>9}"
    for category in sorted({outcome.category for outcome in outcomes}):
        yield _row(str(category), (outcome for outcome in outcomes if outcome.category == category))
    for level in sorted({outcome.level for outcome in outcomes}):
        yield _row(f"level {level}" if level else "no level", (o for o in outcomes if o.level == level))
    yield _row("all", outcomes)


def _row(name: str, outcomes: Iterable[Outcome]) -> str:
    passed: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for outcome in outcomes:
        total[outcome.case.kind] += 1
        passed[outcome.case.kind] += outcome.passed
    cells = (f"{passed[kind]}/{total[kind]}" if total[kind] else "-" for kind in KINDS)
    share = 100 * passed.total() / max(total.total(), 1)
    return f"  {name:>9}" + "".join(f"{cell:>14}" for cell in cells) + f"{share:>8.2f}%"


def misses(outcomes: list[Outcome], *, positives_only: bool) -> Iterator[str]:
    """Name every case that did not pass.

    Args:
        outcomes: of one run.
        positives_only: leave out negative cases: when refusing, they say nothing (see ``judging``).
    """
    for outcome in outcomes:
        if not outcome.passed and not (positives_only and outcome.case.kind == "negative"):
            level = f"level {outcome.level}" if outcome.level else "no level"
            yield f"  {outcome.case.name} ({outcome.case.kind}, {level}): {outcome.reason}"


def refusals(outcomes: list[Outcome]) -> Iterator[str]:
    """Say how many positive cases each stage refused."""
    stages = Counter(
        o.reason.partition(":")[0].partition(" ")[0] for o in outcomes if o.case.kind == "positive" and o.passed
    )
    for stage, count in stages.most_common():
        yield f"{count} by {stage}"
