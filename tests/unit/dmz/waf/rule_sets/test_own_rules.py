"""Our own rules in SecLang: they refuse what attackers write by a rule of its class, and nothing that people write."""

from __future__ import annotations

import json
from collections import Counter
from functools import cache

import pytest

from dmz.waf.rule_store import read_rules
from dmz.waf.seclang.engine import Engine
from dmz.waf.seclang.model import RuleSet
from dmz.waf.seclang.patterns import Way, compile_pattern
from dmz.waf.settings import FirewallSettings
from tests.support import waf_corpus as corpus
from tests.support.hall_firewall import hall_firewall, own_rules
from tests.unit.dmz.waf.rule_sets.reading import attacks, benign, filled_forms, form, page, request_of

LEVELS = (1, 2, 3)
#: Class of the table → tags of the rules that are of that class.
TAGS = {
    "sqli": {"attack-sqli"},
    "nosql": {"attack-injection-generic"},
    "ldap": {"attack-ldap"},
    "xpath": {"attack-xpath"},
    "xss": {"attack-xss"},
    "lfi": {"attack-lfi"},
    "rfi": {"attack-rfi"},
    "ssrf": {"attack-ssrf"},
    "rce": {"attack-rce"},
    "php": {"attack-injection-php"},
    "java": {"attack-injection-java"},
    "code": {"attack-injection-generic", "attack-xxe"},
    "protocol": {"attack-protocol"},
    "fixation": {"attack-fixation"},
    "scanner": {"attack-reputation-scanner"},
    "answer": set(),
}
#: Rules that look for a disguise, whatever is under it, and rules on answers: of every class.
ANY_CLASS = (range(18000, 18500), range(19000, 19900))
OLD_ATTACKS = [
    text
    for block in (corpus.SQL, corpus.SCRIPT, corpus.PATH, corpus.COMMAND, corpus.HELD_OUT_ATTACKS)
    for text in corpus.texts(block)
]
OLD_BENIGN = corpus.texts(corpus.BENIGN) + corpus.texts(corpus.HELD_OUT_BENIGN)


@cache
def rules(level: int) -> RuleSet:
    """The rules as shipped, at a level that a file before them sets."""
    return read_rules(FirewallSettings(paranoia=level))


def engine(level: int) -> Engine:
    return hall_firewall().engine if level == 1 else own_rules(FirewallSettings(paranoia=level))


def refused(level: int, text: str) -> bool:
    return engine(level).judge(form(("note", text))).refused_by != 0


def test_the_rules_are_read_without_a_warning():
    read = rules(1)
    assert read.warnings == ()
    judging = [rule for rule in read.rules() if rule.all_of("msg")]
    assert 120 <= len(judging) <= 250
    for rule in judging:
        assert 11000 <= rule.id <= 19999
        assert rule.all_of("tag"), rule.id
        if rule.id < 19900:
            assert rule.all_of("severity") and "ferrygate" in rule.all_of("tag"), rule.id
            levels = [tag for tag in rule.all_of("tag") if tag.startswith("paranoia-level/")]
            assert len(levels) == 1, rule.id


def test_every_pattern_is_matched_in_linear_time():
    pytest.importorskip("re2")
    pytest.importorskip("hyperscan")
    links = [link for rule in rules(3).rules() for link in (rule, *rule.chain)]
    operators = [link.operator for link in links if link.operator is not None and link.operator.name == "rx"]
    sources = list(dict.fromkeys(operator.argument for operator in operators if "%{" not in operator.argument))
    assert len(sources) > 150
    assert not [source for source in sources if compile_pattern(source).way is not Way.RE2]
    # A set leaves out in silence what Hyperscan cannot take.
    patterns = engine(3).table.patterns
    stored = patterns.dump()
    assert len(patterns.sources) > 150
    assert stored is not None and json.loads(stored.partition(b"\n")[0])["left_out"] == []


def test_few_chains_of_transformations():
    chains = Counter(
        rule.transformations for rule in rules(3).rules() if rule.operator is not None and rule.all_of("msg")
    )
    assert len(chains) <= 5, chains


def test_no_pattern_matches_nearly_everything():
    texts = [text for text in OLD_BENIGN + benign() if not text.isascii()]
    hits: Counter[int] = Counter()
    patterns = {
        rule.id: compile_pattern(rule.operator.argument)
        for rule in rules(1).rules()
        if rule.operator is not None and rule.operator.name == "rx" and not rule.operator.negated and rule.all_of("msg")
    }
    for text in texts:
        for number, pattern in patterns.items():
            hits[number] += pattern.search(text.encode()) is not None
    assert {number: count for number, count in hits.items() if count > len(texts) // 4} == {}


def test_the_table_is_large_enough():
    assert len(attacks()) >= 400
    assert len(benign()) + len(OLD_BENIGN) >= 600
    assert {attack.kind for attack in attacks()} == set(TAGS)


@pytest.mark.parametrize("level", LEVELS)
def test_attacks_are_refused_by_a_rule_of_their_class(level):
    passed, early, other = [], [], []
    for attack in attacks():
        if attack.level < level:
            continue
        judged = engine(level).judge(*request_of(attack))
        if attack.level > level:
            early += [attack] if judged.refused_by else []
        elif not judged.refused_by:
            passed.append(attack)
        elif not any(
            TAGS[attack.kind] & set(match.tags) or any(match.rule_id in ids for ids in ANY_CLASS)
            for match in judged.matches
        ):
            other.append((attack, judged.ids()))
    assert (passed, early, other) == ([], [], [])


def test_every_rule_has_an_attack():
    fired: set[int] = set()
    for attack in attacks():
        fired |= engine(attack.level).judge(*request_of(attack), stops=False).ids()
    assert {rule.id for rule in rules(3).rules() if rule.all_of("msg")} - fired == set()


def test_benign_texts_pass():
    assert [text for text in OLD_BENIGN + benign() if refused(1, text)] == []
    strict = [text for text in OLD_BENIGN + benign() if refused(2, text)]
    assert len(strict) <= (len(OLD_BENIGN) + len(benign())) // 50, strict


def test_benign_forms_pass():
    forms = list(filled_forms(300))
    assert [fields for fields in forms if engine(1).judge(form(*fields)).refused_by] == []
    assert sum(engine(2).judge(form(*fields)).refused_by != 0 for fields in forms) <= len(forms) // 100


def test_what_the_first_rules_refused_is_refused():
    assert [text for text in OLD_ATTACKS if not refused(1, text)] == []


@pytest.mark.parametrize("text", corpus.texts(corpus.AGENTS))
def test_scanners_are_refused_before_a_body_is_looked_at(text):
    assert engine(1).judge(page("/", ("User-Agent", text))).refused_by == 19910


@pytest.mark.parametrize("text", corpus.texts(corpus.BROWSERS))
def test_browsers_pass(text):
    referer = "https://www.baidu.com/s?wd=%E7%A4%BE%E4%BF%9D&rsv_spt=1&q='a'"
    cookie = "__Host-hall=k3jX-aa_9; lang=zh-CN"
    headers = (("User-Agent", text), ("Referer", referer), ("Cookie", cookie))
    assert engine(1).judge(page("/s/employee.add?to=zh-CN&back=/s/employee.add&page=2", *headers)).refused_by == 0


@pytest.mark.parametrize("path", corpus.texts(corpus.PROBES))
def test_probes_are_refused(path):
    assert engine(1).judge(page(path)).refused_by == 19910


@pytest.mark.parametrize(
    "path",
    ["/", "/login", "/help", "/s/employee.add", "/b/wage.batch", "/c/AB12/withdraw", "/r/x1", "/static/hall.css"],
)
def test_our_own_addresses_pass(path):
    assert engine(1).judge(page(path)).refused_by == 0


def test_a_field_is_excluded_on_one_page(tmp_path):
    (tmp_path / "exclusions.conf").write_text(
        'SecRule REQUEST_FILENAME "@streq /s/employee.add" '
        '"id:9002,phase:1,pass,nolog,ctl:ruleRemoveTargetByTag=ferrygate;ARGS:remark"'
    )
    judging = own_rules(FirewallSettings(exclusions=(str(tmp_path / "exclusions.conf"),), threshold=50))
    assert judging.table.start[b"inbound_anomaly_score_threshold"] == b"50"
    assert judging.judge(form(("remark", "' or 1=1 --"))).ids() == frozenset()
    judged = judging.judge(form(("note", "' or 1=1 --")))
    assert 17010 in judged.ids() and judged.refused_by == 0
    assert int(judged.variables["blocking_inbound_anomaly_score"]) < 50
