"""Many seeds: ``make simulate SEEDS=2000 [FIRST=0] [PROFILE=power] [PROCESSES=2]``; one seed is shown in full.

python -m tests.simulation --seeds 2000 --first 0
python -m tests.simulation --first 1234 --seeds 1 --trace          the trace of one seed
python -m tests.simulation --first 1234 --seeds 1 --trace --loud   and every operation of the disks
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from collections import Counter
from collections.abc import Iterator

from twisted.logger import globalLogBeginner

from tests.simulation.faults import PROFILES
from tests.simulation.schedule import Outcome, run

_LINES_SHOWN = 80


def main() -> int:
    """Run the seeds that were asked for; gives how many failed, at most 1."""
    options = _options()
    began = time.monotonic()
    totals: dict[str, Counter[str]] = {}
    failed: list[Outcome] = []
    slowest = 0.0
    seeds = range(options.first, options.first + options.seeds)
    for done, outcome in enumerate(_outcomes(seeds, options), start=1):
        total = totals.setdefault(outcome.profile, Counter())
        total.update(outcome.figures)
        total["schedules"] += 1
        slowest = max(slowest, outcome.calm_s)
        if options.trace or outcome.faults:
            _show(outcome, whole=options.trace)
        if outcome.faults:
            failed.append(outcome)
            if len(failed) >= options.most_failures:
                break
        if done % 200 == 0:
            print(
                f"{done} of {options.seeds} seeds, {len(failed)} failed, {time.monotonic() - began:.0f} s", flush=True
            )
    _sum_up(totals, failed, time.monotonic() - began, slowest)
    return 1 if failed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.simulation", description="deterministic simulation of the whole road")
    parser.add_argument("--seeds", type=int, default=1_000, help="how many")
    parser.add_argument("--first", type=int, default=0, help="the first one")
    parser.add_argument("--profile", choices=PROFILES, default="", help="one kind of schedule; else the seed decides")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--most-failures", type=int, default=20, help="stop after so many")
    parser.add_argument("--trace", action="store_true", help="show what happened")
    parser.add_argument("--loud", action="store_true", help="in the trace, every operation of the disks")
    return parser.parse_args()


def _outcomes(seeds: range, options: argparse.Namespace) -> Iterator[Outcome]:
    work = ((seed, options.profile, options.loud) for seed in seeds)
    if options.processes == 1 or len(seeds) == 1:
        _quiet()
        yield from map(_one, work)
        return
    with multiprocessing.get_context("fork").Pool(options.processes, initializer=_quiet) as pool:
        yield from pool.imap_unordered(_one, work, chunksize=4)


def _one(work: tuple[int, str, bool]) -> Outcome:
    seed, profile, loud = work
    outcome = run(seed, profile=profile, loud=loud)
    return outcome


def _quiet() -> None:
    globalLogBeginner.beginLoggingTo([], discardBuffer=True, redirectStandardIO=False)


def _show(outcome: Outcome, *, whole: bool) -> None:
    lines = outcome.lines if whole else outcome.lines[-_LINES_SHOWN:]
    print("\n".join(lines))
    for fault in outcome.faults:
        print(f"SEED {outcome.seed} ({outcome.profile}): {fault}", flush=True)


def _sum_up(totals: dict[str, Counter[str]], failed: list[Outcome], took: float, slowest: float) -> None:
    columns = ("schedules", "told", "deaths", "lost", "noticed", "repaired", "calls")
    print(f"{'profile':10}" + "".join(f"{column:>10}" for column in columns))
    for profile in sorted(totals):
        print(f"{profile:10}" + "".join(f"{totals[profile][column]:>10}" for column in columns))
    count = sum(total["schedules"] for total in totals.values())
    print(
        f"{count} schedules in {took:.0f} s, {len(failed)} failed; slowest to answer all after the last fault: {slowest:.0f} s"
    )
    for outcome in failed:
        print(f"failed: make simulate SEEDS=1 FIRST={outcome.seed} PROFILE={outcome.profile}")


if __name__ == "__main__":
    sys.exit(main())
