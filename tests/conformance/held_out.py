"""``python -m tests.conformance.held_out``: what rules find of attacks that nobody looked at while writing them.

python -m tests.conformance.held_out                          our own rules at level 1
python -m tests.conformance.held_out --crs TREE --level 2     a core rule set

Prints the share that is refused, by class and by change, and the share of honest Chinese remarks that are.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

from dmz.waf.rule_store import compile_stored, read_rules
from dmz.waf.seclang.engine import Engine
from dmz.waf.settings import FirewallSettings
from ops.lab_rules import OWN, settings_of
from tests.support.held_out import held_out_attacks, held_out_texts, remark


def main() -> None:
    """Judge and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--crs", default=OWN, help="tree of a core rule set; else our own rules")
    parser.add_argument("--level", type=int, default=1, help="paranoia level")
    parser.add_argument("--count", type=int, default=4_000, help="attacks, and honest texts")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--store", type=Path, default=Path(".cache/held-out"), help="where compiled patterns are kept")
    words = parser.parse_args()
    settings = FirewallSettings(rules=settings_of(words.crs).rules, paranoia=words.level)
    engine = Engine(compile_stored(read_rules(settings), words.store))
    by: dict[str, Counter[tuple[str, bool]]] = {"class": Counter(), "change": Counter()}
    for attack in held_out_attacks(words.count, words.seed):
        refused = bool(engine.judge(remark(attack.text)).refused_by)
        by["class"][attack.kind, refused] += 1
        by["change"][attack.change, refused] += 1
    for name, counts in by.items():
        for each in dict.fromkeys(kind for kind, _ in counts):
            _row(f"{name} {each}", counts[each, True], counts[each, True] + counts[each, False])
    _row("all attacks", sum(n for (_, refused), n in by["class"].items() if refused), words.count)
    texts = held_out_texts(words.count, words.seed + 1)
    _row("honest remarks refused", sum(bool(engine.judge(remark(text)).refused_by) for text in texts), words.count)


def _row(name: str, refused: int, count: int) -> None:
    print(f"{name:<32} {refused:>6} of {count:<6} {100 * refused / max(1, count):6.2f} %")


if __name__ == "__main__":
    main()
