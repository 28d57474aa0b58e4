"""Folding and filtering change no verdict: our own rules, with and without, on every attack and on honest texts."""

from __future__ import annotations

from functools import partial

import pytest

from dmz.waf.rule_store import read_rules
from dmz.waf.seclang import compiler
from dmz.waf.seclang.engine import Engine
from dmz.waf.seclang.folding import Folded, Phases
from dmz.waf.seclang.pattern_set import PatternSet
from dmz.waf.settings import FirewallSettings
from tests.support.hall_firewall import hall_firewall
from tests.unit.dmz.waf.rule_sets.reading import attacks, benign, form, request_of


def _nothing_folded(phases: Phases) -> Folded:
    kept = {number: tuple(range(len(rules))) for number, rules in phases.items()}
    none = dict.fromkeys(phases, frozenset[int]())
    return Folded({}, kept, none, {number: {} for number in phases}, none, lambda _: None)


@pytest.fixture(scope="module")
def plain() -> Engine:
    """The same rules with nothing settled beforehand, and a filter that is made in another way."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiler, "fold", _nothing_folded)
        patch.setattr(compiler, "PatternSet", partial(PatternSet, use_hyperscan=False))
        return Engine(compiler.compile_rules(read_rules(FirewallSettings())))


def test_attacks_and_honest_texts_are_judged_alike(plain: Engine) -> None:
    folded = hall_firewall().engine
    assert folded.table.rules < plain.table.rules
    requests = [request_of(attack) for attack in attacks()] + [(form(("note", text)),) for text in benign()]
    assert len(requests) > 1_000
    for request in requests:
        for _ in range(2):  # the second time from what is remembered
            assert folded.judge(*request).matches == plain.judge(*request).matches, request
