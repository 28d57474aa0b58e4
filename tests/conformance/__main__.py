"""``python -m tests.conformance --crs TREE``: the regression corpus of a rule set, judged in process.

Rule ids first (every rule heard, paranoia level 4), then refusal at each level; a table for each, then every case that
did not pass, with the reason.  What does not pass is what the run is for, so it ends with 0 all the same; 2 says that
it could not run.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from dmz.waf.rule_store import compile_stored
from dmz.waf.seclang.engine import Engine
from dmz.waf.seclang.model import RuleSetError
from tests.conformance.corpus import Case, CorpusError, read_corpus
from tests.conformance.judging import judge_by_ids, judge_by_refusal
from tests.conformance.overrides import read_overrides
from tests.conformance.report import misses, refusals, table
from tests.conformance.tree import CORPUS_LIMITS, levels_of, read_tree, settings_of
from wire_formats.settings_reader import SettingsError

LEVELS = (1, 2, 3, 4)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run; gives the exit code."""
    options = _options().parse_args(arguments)
    tests = options.tests or options.crs / "tests" / "regression" / "tests"
    try:
        cases = [case for case in read_corpus(tests) if not options.rule or str(case.rule).startswith(options.rule)]
        for mode in options.mode or ("ids", "1"):
            for line in _run(options, cases, mode):
                print(line, flush=True)
    except (CorpusError, RuleSetError, SettingsError) as error:
        print(f"conformance: {error}", file=sys.stderr)
        return 2
    return 0


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description=__doc__.splitlines()[0])
    parser.add_argument("--crs", type=Path, required=True, help="a tree with rules/*.conf")
    parser.add_argument("--tests", type=Path, help="its corpus; tests/regression/tests below the tree unless given")
    parser.add_argument(
        "--mode", action="append", choices=("ids", *map(str, LEVELS)), help="ids, or the level to refuse at; may repeat"
    )
    parser.add_argument(
        "--edge", action="store_true", help="put the edge's grammar and the hall's allow-list in front when refusing"
    )
    parser.add_argument("--rule", default="", help="only rules whose numbers begin so: 942, 942100")
    parser.add_argument("--store", type=Path, help="directory in which compiled patterns are kept for the next run")
    return parser


def _run(options: argparse.Namespace, cases: list[Case], mode: str) -> list[str]:
    level = 4 if mode == "ids" else int(mode)
    rules = read_tree(options.crs, settings_of(level, blocks=mode != "ids", limits=CORPUS_LIMITS))
    levels = levels_of(rules)
    engine = Engine(compile_stored(rules, options.store))
    if mode == "ids":
        overrides = read_overrides("v4" if _is_v4(options.crs) else "v3")
        outcomes = [judge_by_ids(engine, case, levels.get(case.rule, 0), overrides) for case in cases]
        title = (
            f"By rule ids, paranoia level 4; {len(cases)} cases, {sum(c.name in overrides for c in cases)} overridden"
        )
    else:
        mine = [case for case in cases if levels.get(case.rule, 0) <= level and case.kind != "status"]
        outcomes = [judge_by_refusal(engine, case, levels.get(case.rule, 0), edge=options.edge) for case in mine]
        front = "grammar, allow-list and rules" if options.edge else "rules alone"
        if options.edge:
            front += "".join(f"; {line}" for line in refusals(outcomes))
        title = f"Refused at paranoia level {level} by {front}; cases of rules up to that level"
    return [title, *table(outcomes), *misses(outcomes, positives_only=mode != "ids"), ""]


def _is_v4(tree: Path) -> bool:
    return any((tree / "rules").glob("REQUEST-934-APPLICATION-ATTACK-GENERIC.conf"))


if __name__ == "__main__":
    sys.exit(main())
