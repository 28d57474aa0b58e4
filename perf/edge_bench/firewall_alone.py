"""The firewall by itself: its start, its memory, and how long one request can hold the reactor."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from perf.edge_bench.plan import Plan
from perf.edge_bench.targets import row, verdict

_OWN: Final = "own"
#: Firewall research, section 7, targets 7 and 8.
_HOLD_MS: Final = 20
_WORST_MS: Final = 150
_MEMORY_MIB: Final = 60
_START_S: Final = 1.0
_GROWTH_MIB: Final = 2.0
_SHOWN: Final = 4
#: How long a request is judged before others have their turn (``dmz.waf.guard``).
_SLICE_MS: Final = 5


def alone(plan: Plan) -> None:
    """Cold start with compiled patterns on disk, memory, fifty reloads, and a corpus of the worst texts."""
    for rules in (str(plan.bench.rules), _OWN):
        cache = plan.bench.folder / "patterns"
        _measure(rules, cache, timed=False)
        _measure(rules, cache, timed=True)


def _measure(rules: str, cache: Path, *, timed: bool) -> None:
    name = "own rules" if rules == _OWN else "core rule set"
    words = [sys.executable, "-m", "ops.firewall_lab", "--rules", rules, "--cache", str(cache)]
    began = time.monotonic()
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline() or "{}")
        took = time.monotonic() - began
        if not timed:
            process.terminate()
            return
        seen = json.loads(process.stdout.readline() or "{}")
    if not seen:
        row(f"firewall alone, {name}", "it did not start")
        return
    spent = ready["processor_s"]
    row(f"cold start, {name}", f"{took:.2f} s, {spent:.2f} s of processor  {verdict(took, at_most=_START_S)}")
    memory = seen["memory_mib"]
    row(f"memory, {name}", f"{memory:.1f} MiB  {verdict(memory, at_most=_MEMORY_MIB)}")
    reloads = seen["reloads"]
    told = ", ".join(f"{each:.1f}" for each in reloads)
    row(f"memory after 10, 20 … reloads, {name}", f"{told} MiB")
    row("  from the first to the last", f"{verdict(reloads[-1] - reloads[0], at_most=_GROWTH_MIB)}")
    holds = sorted(seen["holds"], key=lambda each: -each[1])
    for what, longest, whole, allowed in holds[:_SHOWN]:
        passed = "passes" if allowed else "refused"
        row(f"  {what}, {name}", f"longest step {longest:.1f} ms, all {whole:.1f} ms, {passed}")
    longest = holds[0][1] + _SLICE_MS
    row(f"slice and longest step, {name}", f"{longest:.1f} ms  {verdict(longest, at_most=_HOLD_MS)}")
    whole = max(each[2] for each in holds)
    row(f"dearest of {len(holds)} requests, {name}", f"{whole:.1f} ms  {verdict(whole, at_most=_WORST_MS)}")
