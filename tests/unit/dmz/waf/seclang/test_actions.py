"""Action lists: quotes, order, what the engine reads of them."""

from __future__ import annotations

import pytest

from dmz.waf.seclang import actions
from dmz.waf.seclang.actions import Parts, read_actions, sort_actions
from dmz.waf.seclang.model import Action, Disruption, Place, RuleSetError
from dmz.waf.seclang.names import Notes

PLACE = Place("a.conf", 7)


def _pairs(text: str) -> list[tuple[str, str]]:
    return [(action.name, action.argument) for action in read_actions(text, PLACE)]


def _sorted(text: str, notes: Notes | None = None) -> Parts:
    return sort_actions(read_actions(text, PLACE), PLACE, notes or Notes())


def test_names_arguments_and_order() -> None:
    text = "id:1,phase:2,deny,msg:'a, b',setvar:'tx.x=%{tx.y}',t:none,t:lowercase,skipAfter:END,setvar:!tx.z"
    assert _pairs(text) == [
        ("id", "1"),
        ("phase", "2"),
        ("deny", ""),
        ("msg", "a, b"),
        ("setvar", "tx.x=%{tx.y}"),
        ("t", "none"),
        ("t", "lowercase"),
        ("skipafter", "END"),
        ("setvar", "!tx.z"),
    ]


@pytest.mark.parametrize(
    ("text", "argument"),
    [
        (r"msg:'prefix \'UP\''", "prefix 'UP'"),
        (r"msg:'a\\'", r"a\\"),
        ("msg:it's", "it's"),
        ("msg: 'x' ", "x"),
        ("msg:  x y  ", "x y"),
        ("msg:''", ""),
        ("msg:", ""),
        ("msg", ""),
        ("msg:a:b=c", "a:b=c"),
        ("MSG : 'x'", "x"),
    ],
)
def test_one_argument(text: str, argument: str) -> None:
    assert _pairs(text) == [("msg", argument)]
    assert _pairs(f"  log,  {text},nolog")[1] == ("msg", argument)


@pytest.mark.parametrize(
    "text",
    ["", " ", ",", "id:1,", ",id:1", "id:1,,pass", "msg:'a", "msg:'it's'", "msg:'a'b", "5:x", "id:1,#pass", "a b"],
)
def test_malformed_lists(text: str) -> None:
    with pytest.raises(RuleSetError, match=r"^a\.conf:7: not an action"):
        read_actions(text, PLACE)


def test_as_many_as_allowed() -> None:
    assert len(read_actions(",".join(["tag:a"] * actions.MOST_ACTIONS), PLACE)) == actions.MOST_ACTIONS
    with pytest.raises(RuleSetError, match="more than"):
        read_actions(",".join(["tag:a"] * (actions.MOST_ACTIONS + 1)), PLACE)


def test_sorting() -> None:
    parts = _sorted("id:'200',phase:request,block,capture,multiMatch,chain,t:trim,tag:a,log,skipAfter:X,tag:b")
    assert parts == Parts(
        id=200,
        phase=2,
        disruption=Disruption.BLOCK,
        transformations=["trim"],
        actions=[Action("tag", "a"), Action("log"), Action("tag", "b")],
        skip_after="X",
        captures=True,
        multi_match=True,
        chained=True,
    )


@pytest.mark.parametrize(
    ("word", "phase"), [("1", 1), ("5", 5), ("request", 2), ("response", 4), ("logging", 5), ("LOGGING", 5)]
)
def test_phases(word: str, phase: int) -> None:
    assert _sorted(f"phase:{word}").phase == phase


@pytest.mark.parametrize(
    ("word", "digit"), [("EMERGENCY", "0"), ("'CRITICAL'", "2"), ("warning", "4"), ("2", "2"), ("DEBUG", "7")]
)
def test_severities(word: str, digit: str) -> None:
    assert _sorted(f"severity:{word}").actions == [Action("severity", digit)]


def test_none_clears_what_stands_before_it() -> None:
    parts = _sorted("t:lowercase,t:none,t:urlDecodeUni,t:trim")
    assert (parts.transformations, parts.cleared) == (["urldecodeuni", "trim"], True)
    assert not _sorted("t:lowercase").cleared


def test_the_last_disruptive_action_counts() -> None:
    parts = _sorted("redirect:/sorry,log,deny")
    assert (parts.disruption, parts.actions) == (Disruption.DENY, [Action("log")])
    parts = _sorted("deny,allow:phase")
    assert (parts.disruption, parts.actions) == (Disruption.ALLOW, [Action("allow", "phase")])


@pytest.mark.parametrize(
    "text",
    [
        "id:0", "id:x", "id:-1", "id:٣", "id:1234567890123456789", "phase:6", "phase:0", "phase:body", "severity:BAD",
        "severity:8", "setvar", "t", "t:", "ctl", "skipAfter:", "redirect", "msg:''",
    ],
)  # fmt: skip
def test_refused_arguments(text: str) -> None:
    with pytest.raises(RuleSetError, match=r"^a\.conf:7: "):
        _sorted(text)


def test_unknown_names_are_noted_and_kept() -> None:
    notes = Notes()
    parts = _sorted("t:rot13,proxy:x,ctl:ruleEngine=Off,ctl:weather=fine", notes)
    assert notes.lines() == (
        "a.conf:7: unknown transformation rot13",
        "a.conf:7: unknown action proxy",
        "a.conf:7: unknown ctl setting weather",
    )
    assert parts.transformations == ["rot13"]
    assert [action.name for action in parts.actions] == ["proxy", "ctl", "ctl"]
