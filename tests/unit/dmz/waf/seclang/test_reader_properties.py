"""Any text gives a RuleSet or a RuleSetError; what is printed is read again."""

from __future__ import annotations

import contextlib
import warnings

from hypothesis import given
from hypothesis import strategies as st

from dmz.waf.seclang.model import Action, Disruption, Marker, Operator, Place, Rule, RuleSetError, Selection, Variable
from dmz.waf.seclang.names import FILE_OPERATORS, OPERATORS, TRANSFORMATIONS, VARIABLES
from tests.unit.dmz.waf.seclang.rule_texts import print_rule, read_text

NOWHERE = Place("", 0)
# Pieces of the language in no order reach further than letters at random.
PIECES = st.sampled_from(
    ["SecRule", "SecAction", "SecMarker", "SecDefaultAction", "SecRuleRemoveById", "SecRuleRemoveByTag", "Include",
     "SecRuleUpdateTargetById", "SecRuleUpdateActionById", "SecRuleEngine", "ARGS", "TX:/^a|b/", "XML:/*", "!ARGS:x",
     '"', "'", "\\", "\\\n", "\n", " ", ",", "|", "/", ":", "@rx ", "@pmf a.data", "@", "!", "&", "id:1", "id:2", "phase:2",
     "chain", "pass", "deny", "t:none", "t:trim", "skipAfter:x", "severity:2", "1-5", "#", "<", "*", "(", "a", "x", "\x00"]
)  # fmt: skip
PLAIN = st.text(st.characters(blacklist_categories=("Cs", "Cc", "Zl", "Zp"))).filter(lambda text: text[-1:] != "\\")
# A backslash belongs to the character behind it, so text that is printed in quotes must not end within such a pair.
PRINTED = st.lists(
    st.one_of(st.characters(blacklist_categories=("Cs", "Cc", "Zl", "Zp"), blacklist_characters="\\\"'"),
              st.sampled_from(["\\\\", "\\d", "\\.", "a|b", "/", ",", "'", '"', "%{tx.a}"]))
).map("".join)  # fmt: skip
WORDS = PRINTED.filter(bool)


def _patterns(text: str) -> bool:
    # Within a list the pattern would end at a slash before a pipe, and a slash at its end would be taken for its own.
    return bool(text) and "/|" not in text.replace(" ", "") and not text.rstrip().endswith("/")


@st.composite
def _variables(draw: st.DrawFn) -> Variable:
    collection = draw(st.sampled_from(sorted(VARIABLES)))
    selection = draw(st.sampled_from(Selection))
    sign = draw(st.sampled_from(["", "&", "!"]))
    if selection is Selection.PATTERN and collection == "XML":
        selection = Selection.NAME
    selector = ""
    if selection is Selection.PATTERN:
        selector = draw(WORDS.filter(_patterns))
    elif selection is Selection.NAME:
        selector = draw(WORDS.filter(lambda text: len(text) < 2 or not text[0] == text[-1] == "/"))
    return Variable(collection, selection, selector, counted=sign == "&", excluded=sign == "!")


ACTIONS = st.one_of(
    st.builds(Action, st.sampled_from(["msg", "tag", "logdata", "setvar", "ver"]), WORDS),
    st.builds(Action, st.just("severity"), st.sampled_from("01234567")),
    st.builds(Action, st.sampled_from(["log", "nolog", "auditlog"])),
)
DISRUPTIONS = st.sampled_from([each for each in Disruption if each is not Disruption.REDIRECT])
OPERATORS_HERE = st.builds(Operator, st.sampled_from(sorted(OPERATORS - FILE_OPERATORS)), PRINTED, st.booleans())


@st.composite
def _rules(draw: st.DrawFn, *, links: int = 3) -> Rule:
    phase = draw(st.integers(1, 5))
    rules = [
        Rule(
            id=draw(st.integers(1, 10**18 - 1)) if first else 0,
            phase=phase,
            variables=tuple(draw(st.lists(_variables(), min_size=1, max_size=4))),
            operator=draw(OPERATORS_HERE),
            transformations=tuple(draw(st.lists(st.sampled_from(sorted(TRANSFORMATIONS - {"none"})), max_size=3))),
            actions=tuple(draw(st.lists(ACTIONS, max_size=5))),
            disruption=draw(DISRUPTIONS) if first else Disruption.NONE,
            place=NOWHERE,
            skip_after=draw(st.one_of(st.just(""), WORDS)) if first else "",
            captures=draw(st.booleans()),
            multi_match=draw(st.booleans()),
        )
        for first in [True] + [False] * draw(st.integers(0, links))
    ]
    return _with(rules[0], chain=tuple(rules[1:]))


def _with(rule: Rule, chain: tuple[Rule, ...]) -> Rule:
    return Rule(
        rule.id, rule.phase, rule.variables, rule.operator, rule.transformations, rule.actions, rule.disruption, NOWHERE,
        rule.skip_after, rule.captures, rule.multi_match, chain,
    )  # fmt: skip


def _read(text: str | bytes) -> None:
    with warnings.catch_warnings(), contextlib.suppress(RuleSetError):
        warnings.simplefilter("ignore", FutureWarning)  # from patterns that are odd, not wrong
        read_text(text, a_data=b"a")


@given(st.binary())
def test_any_bytes(data: bytes) -> None:
    _read(data)


@given(st.lists(st.one_of(PIECES, st.text(max_size=3)), max_size=40).map("".join))
def test_any_words_of_the_language(text: str) -> None:
    _read(text)


@given(PLAIN, PLAIN, PLAIN)
def test_any_arguments(variables: str, operator: str, actions: str) -> None:
    quoted = ['"' + text.replace('"', '\\"') + '"' for text in (variables, operator, actions)]
    _read("SecRule " + " ".join(quoted))
    _read(f"SecRule ARGS {quoted[1]} id:1,{actions}")
    _read(f"SecRule ARGS a id:1\nSecRuleUpdateTargetById 1 {quoted[0]}\nSecRuleRemoveByTag {quoted[1]}")


@given(_rules())
def test_what_is_printed_is_read_again(rule: Rule) -> None:
    marker = 'SecMarker "' + rule.skip_after.replace('"', '\\"') + '"' if rule.skip_after else ""
    rule_set = read_text(print_rule(rule) + marker)
    (found,) = rule_set.rules()
    assert _with(found, tuple(_with(link, ()) for link in found.chain)) == rule
    assert [item.name for item in rule_set.items if isinstance(item, Marker)] == [rule.skip_after] * bool(marker)
    assert rule_set.warnings == ()
