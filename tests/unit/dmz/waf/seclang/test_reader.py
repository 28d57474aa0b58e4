"""Rule files → RuleSet: rules, chains, defaults, markers, settings, what is refused."""

from __future__ import annotations

import pytest

from dmz.waf.seclang import reader
from dmz.waf.seclang.model import Action, Disruption, Marker, Operator, Place, Rule, RuleSetError, Selection, Variable
from tests.unit.dmz.waf.seclang.rule_texts import MAIN, only_rule, read_text

FULL = r"""
SecRule ARGS|!ARGS:id|&REQUEST_HEADERS:Host "@rx ^\"a|b" \
    "id:10,\
    phase:request,\
    block,\
    capture,\
    t:lowercase,t:none,t:urlDecodeUni,\
    msg:'one, two',\
    tag:'a/b',\
    severity:'CRITICAL',\
    multiMatch,\
    setvar:'tx.score=+%{tx.critical}',\
    skipAfter:END"
SecMarker "END"
"""


def test_a_rule_with_everything() -> None:
    rule_set = read_text(FULL)
    assert rule_set.items == (
        Rule(
            id=10,
            phase=2,
            variables=(
                Variable("ARGS"),
                Variable("ARGS", Selection.NAME, "id", excluded=True),
                Variable("REQUEST_HEADERS", Selection.NAME, "Host", counted=True),
            ),
            operator=Operator("rx", '^"a|b'),
            transformations=("urldecodeuni",),
            actions=(
                Action("msg", "one, two"),
                Action("tag", "a/b"),
                Action("severity", "2"),
                Action("setvar", "tx.score=+%{tx.critical}"),
            ),
            disruption=Disruption.BLOCK,
            place=Place(MAIN, 2),
            skip_after="END",
            captures=True,
            multi_match=True,
        ),
        Marker("END", Place(MAIN, 14)),
    )
    assert rule_set.warnings == ()
    assert rule_set.rules()[0].all_of("tag") == ("a/b",)


def test_an_action_and_what_a_rule_need_not_say() -> None:
    rule = only_rule("SecAction id:1")
    assert (rule.variables, rule.operator, rule.phase, rule.disruption) == ((), None, 2, Disruption.BLOCK)


def test_a_chain_is_one_rule() -> None:
    rule = only_rule(
        "SecRule ARGS a id:1,phase:1,deny,chain,t:trim\n"
        "  SecRule FILES b chain,phase:1,capture\n"
        "    # between\n"
        '    SecRule TX:0 "!@eq 1" setvar:tx.a=1\n'
    )
    assert (rule.id, rule.disruption, rule.transformations) == (1, Disruption.DENY, ("trim",))
    first, second = rule.chain
    assert (first.id, first.phase, first.disruption, first.captures) == (0, 1, Disruption.NONE, True)
    assert (first.chain, second.chain) == ((), ())
    assert second.operator == Operator("eq", "1", negated=True)
    assert second.actions == (Action("setvar", "tx.a=1"),)
    assert second.place.line == 4


def test_the_last_link_needs_no_actions() -> None:
    assert len(only_rule("SecAction id:1,chain\nSecRule ARGS a").chain) == 1


def test_defaults_hold_for_the_whole_set() -> None:
    rule_set = read_text(
        "SecRule ARGS a id:1,phase:1,t:trim,chain\n"
        "SecRule ARGS a t:none,t:length\n"
        "SecRule ARGS a id:2,phase:1,t:none,t:md5\n"
        "SecDefaultAction phase:1,deny,log,status:405,t:lowercase\n"
        "SecRule ARGS a id:3,phase:1\n"
        "SecRule ARGS a id:4,phase:2,t:trim\n"
        "SecDefaultAction phase:2,pass\n"
    )
    by_id = {rule.id: rule for rule in rule_set.rules()}
    assert by_id[1].transformations == ("lowercase", "trim")
    assert by_id[1].chain[0].transformations == ("length",)
    assert by_id[2].transformations == ("md5",)
    assert by_id[3].transformations == ("lowercase",)
    assert by_id[4].transformations == ("trim",)
    assert rule_set.defaults[1].disruption is Disruption.DENY
    assert rule_set.defaults[1].actions == (Action("log"), Action("status", "405"))
    assert rule_set.defaults[2].disruption is Disruption.NONE


def test_settings_the_last_one_counts() -> None:
    rule_set = read_text(
        "SecRuleEngine Off\nSecUnicodeMapFile unicode.mapping 20127\nsecruleengine On\nSecArgumentSeparator &\n"
        'SecAuditLogRelevantStatus "^(?:5|4(?!04))"\nSecResponseBodyMimeType text/plain text/html\n'
        'SecComponentSignature "own/1"\nSecCollectionTimeout 600\nSecTmpDir /tmp/\n'
    )
    assert rule_set.items == ()
    assert rule_set.settings == {
        "secruleengine": "On",
        "secunicodemapfile": "unicode.mapping 20127",
        "secargumentseparator": "&",
        "secauditlogrelevantstatus": "^(?:5|4(?!04))",
        "secresponsebodymimetype": "text/plain text/html",
        "seccomponentsignature": "own/1",
        "seccollectiontimeout": "600",
        "sectmpdir": "/tmp/",
    }


def test_a_marker_may_stand_anywhere_behind() -> None:
    read_text("SecMarker A\nSecRule ARGS a id:1,skipAfter:A\nSecMarker B\nSecMarker A")


def test_unknown_names_are_warnings_with_their_place() -> None:
    rule_set = read_text('\nSecRule ARGS|MOON "@ponder x" id:1,t:rot13,applaud,ctl:weather=fine\nSecRuleRemoveById 7\n')
    assert rule_set.warnings == (
        f"{MAIN}:2: unknown variable MOON",
        f"{MAIN}:2: unknown operator ponder",
        f"{MAIN}:2: unknown transformation rot13",
        f"{MAIN}:2: unknown action applaud",
        f"{MAIN}:2: unknown ctl setting weather",
        f"{MAIN}:3: changes a rule that is not there",
    )


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("SecRule ARGS a id:1\nSecAction id:1", 2, f"id 1 is taken by {MAIN}:1"),
        ("SecRule ARGS a", 1, "without an id"),
        ("SecAction phase:2", 1, "without an id"),
        ("SecRule ARGS", 1, "takes variables"),
        ("SecRule ARGS a id:1 b", 1, "takes variables"),
        ("SecAction id:1 log", 1, "one argument"),
        ("SecRule ARGS a id:1,phase:9", 1, "unknown phase"),
        ("SecRule ARGS a id:1,chain", 1, "a chain without end"),
        ("SecRule ARGS a id:1,chain\nSecRule ARGS a chain", 2, "a chain without end"),
        ("SecRule ARGS a id:1,chain\nSecMarker x", 2, "within a chain"),
        ("SecRule ARGS a id:1,chain\nSecAction t:none", 2, "within a chain"),
        ("SecRule ARGS a id:1,chain\nSecRule ARGS a id:2", 2, "has an id"),
        ("SecRule ARGS a id:1,chain\nSecRule ARGS a deny", 2, "says deny"),
        ("SecRule ARGS a id:1,chain\nSecRule ARGS a skipAfter:x", 2, "says skipAfter"),
        ("SecRule ARGS a id:1,chain\nSecRule ARGS a phase:1", 2, "another phase"),
        ("SecRule ARGS a id:1,skipAfter:x", 1, "no marker 'x'"),
        ("SecMarker x\nSecRule ARGS a id:1,skipAfter:x", 2, "no marker 'x'"),
        ("SecMarker", 1, "takes a name"),
        ('SecMarker ""', 1, "takes a name"),
        ("SecDefaultAction phase:1,log", 1, "must say"),
        ("SecDefaultAction phase:1,block", 1, "must say"),
        ("SecDefaultAction pass", 1, "without a phase"),
        ("SecDefaultAction phase:1,pass log", 1, "one argument"),
        ("SecDefaultAction phase:1,pass,id:1", 1, "single rule"),
        ("SecDefaultAction phase:1,pass\nSecDefaultAction phase:1,deny", 2, f"from {MAIN}:1"),
        ("SecRuleScript x.lua id:1", 1, "refused"),
        ("SecRemoteRules key https://example.org", 1, "refused"),
        ("SecNonsense On", 1, "unknown directive"),
        ("ServerName x", 1, "unknown directive"),
    ],
)
def test_refused_rule_sets(text: str, line: int, what: str) -> None:
    with pytest.raises(RuleSetError) as caught:
        read_text(text)
    assert str(caught.value).startswith(f"{MAIN}:{line}: ")
    assert what in str(caught.value)


def test_a_chain_has_a_limit() -> None:
    def chain(links: int) -> str:
        return "SecRule ARGS a id:1,chain\n" + "SecRule ARGS a chain\n" * (links - 1) + "SecRule ARGS a\n"

    assert len(only_rule(chain(reader.MOST_LINKS)).chain) == reader.MOST_LINKS
    with pytest.raises(RuleSetError, match="links"):
        read_text(chain(reader.MOST_LINKS + 1))
