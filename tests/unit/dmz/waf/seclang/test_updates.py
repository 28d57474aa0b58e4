"""Directives that take rules away or change them."""

from __future__ import annotations

import pytest

from dmz.waf.seclang.model import Action, Disruption, Rule, RuleSetError, Selection, Variable
from tests.unit.dmz.waf.seclang.rule_texts import MAIN, read_text

RULES = """
SecRule ARGS|FILES a "id:10,phase:1,block,t:trim,msg:'first words',tag:attack-sqli,tag:pl/1,severity:2,log"
SecRule ARGS a "id:20,phase:1,deny,msg:'second',tag:attack-xss,chain,capture"
    SecRule FILES b "t:trim,chain"
    SecRule FILES c "setvar:tx.a=1"
SecAction "id:30,phase:1,pass,tag:attack-sqli"
"""


def _rules(*changes: str, before: bool = False) -> dict[int, Rule]:
    text = "\n".join(changes) + "\n"
    rule_set = read_text(text + RULES if before else RULES + text)
    assert rule_set.warnings == ()
    return {rule.id: rule for rule in rule_set.rules()}


@pytest.mark.parametrize("before", [False, True])
@pytest.mark.parametrize(
    ("change", "left"),
    [
        ("SecRuleRemoveById 10", [20, 30]),
        ("SecRuleRemoveById 10 30", [20]),
        ("SecRuleRemoveById 10-20", [30]),
        ('SecRuleRemoveById "5-10, 30"', [20]),
        ("SecRuleRemoveById 1-99", []),
        ("SecRuleRemoveByTag attack-sqli", [20]),
        ('SecRuleRemoveByTag "attack-(sqli|xss)"', []),
        ("SecRuleRemoveByTag ^pl/", [20, 30]),
        ("SecRuleRemoveByMsg ^first", [20, 30]),
        ("secruleremovebymsg second", [10, 30]),
    ],
)
def test_removal_works_wherever_it_stands(change: str, left: list[int], *, before: bool) -> None:
    assert list(_rules(change, before=before)) == left


@pytest.mark.parametrize("which", ["ById 10", "ById 5-15", "ByTag attack-sqli", "ByMsg first"])
def test_targets_are_added(which: str) -> None:
    changed = _rules(f'SecRuleUpdateTarget{which} "!ARGS:/^a|b/,REQUEST_COOKIES|!ARGS:c"')
    assert changed[10].variables == (
        Variable("ARGS"),
        Variable("FILES"),
        Variable("ARGS", Selection.PATTERN, "^a|b", excluded=True),
        Variable("REQUEST_COOKIES"),
        Variable("ARGS", Selection.NAME, "c", excluded=True),
    )
    assert changed[20].variables == (Variable("ARGS"),)
    assert changed[30].variables == ()


def test_targets_are_replaced() -> None:
    changed = _rules("SecRuleUpdateTargetById 10 TX:a|TX:b ARGS", "SecRuleUpdateTargetById 20 TX:a FILES")
    a, b = Variable("TX", Selection.NAME, "a"), Variable("TX", Selection.NAME, "b")
    assert changed[10].variables == (a, b, Variable("FILES"))
    assert changed[20].variables == (Variable("ARGS"), a)


def test_actions_are_merged() -> None:
    rule = _rules("SecRuleUpdateActionById 10 \"deny,msg:'new',tag:more,t:lowercase,capture\"")[10]
    assert (rule.disruption, rule.transformations, rule.captures) == (Disruption.DENY, ("trim", "lowercase"), True)
    assert rule.all_of("msg") == ("new",)
    assert rule.all_of("tag") == ("attack-sqli", "pl/1", "more")
    assert Action("log") in rule.actions
    assert (rule.id, rule.phase) == (10, 1)


def test_an_argument_of_a_former_decision_goes() -> None:
    changes = ("SecRuleUpdateActionById 10 redirect:/sorry", "SecRuleUpdateActionById 10 pass")
    assert _rules(changes[0])[10].all_of("redirect") == ("/sorry",)
    assert _rules(*changes)[10].all_of("redirect") == ()


def test_none_in_a_change_clears_the_defaults_too() -> None:
    changes = ("SecRuleUpdateActionById 10 t:none,t:md5", "SecDefaultAction phase:1,pass,t:lowercase")
    changed = _rules(*changes)
    assert changed[10].transformations == ("md5",)
    assert changed[20].transformations == ("lowercase",)


def test_a_link_is_changed() -> None:
    rule = _rules("SecRuleUpdateActionById 20:1 t:none,setvar:tx.b=1")[20]
    assert rule.chain[0].transformations == ()
    assert rule.chain[0].all_of("setvar") == ("tx.b=1",)
    assert rule.chain[1].all_of("setvar") == ("tx.a=1",)
    assert rule.disruption is Disruption.DENY


def test_a_removed_marker_rule_needs_no_marker() -> None:
    assert read_text("SecRule ARGS a id:1,skipAfter:x\nSecRuleRemoveById 1").items == ()


@pytest.mark.parametrize(
    "change",
    ["SecRuleRemoveById 99", "SecRuleRemoveByTag none", "SecRuleUpdateTargetById 11-19 ARGS",
     "SecRuleUpdateActionById 99 pass", "SecRuleUpdateActionById 20:3 t:none"],
)  # fmt: skip
def test_a_change_that_meets_no_rule_is_told(change: str) -> None:
    assert read_text(RULES + change).warnings == (f"{MAIN}:7: changes a rule that is not there",)


@pytest.mark.parametrize(
    "change",
    [
        "SecRuleRemoveById",
        'SecRuleRemoveById ""',
        "SecRuleRemoveById x",
        "SecRuleRemoveById 20-10",
        "SecRuleRemoveById 1-2-3",
        "SecRuleRemoveByTag",
        'SecRuleRemoveByTag ""',
        "SecRuleRemoveByTag a b",
        "SecRuleRemoveByTag (a",
        "SecRuleRemoveByMsg a{99999999999999999999}",
        "SecRuleRemoveByMsg " + "a" * 5000,
        "SecRuleRemoveByMsg " + "(" * 4000,
        "SecRuleUpdateTargetById 10",
        "SecRuleUpdateTargetById 10 ARGS FILES TX",
        "SecRuleUpdateTargetById 10 ARGS:",
        "SecRuleUpdateActionById 10",
        "SecRuleUpdateActionById 10-20 pass",
        "SecRuleUpdateActionById 10 id:11",
        "SecRuleUpdateActionById 10 phase:2",
        "SecRuleUpdateActionById 10 chain",
        "SecRuleUpdateActionById 20:1 deny",
        "SecRuleUpdateActionById 20:1 skipAfter:x",
    ],
)
def test_refused_changes(change: str) -> None:
    with pytest.raises(RuleSetError, match=f"^{MAIN}:7: "):
        read_text(RULES + change)
