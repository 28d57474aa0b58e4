"""The Core Rule Set as Debian packages it, all of it and unmodified: read without a warning, nothing lost on the way."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from dmz.waf.seclang.files import DirectoryFiles
from dmz.waf.seclang.model import Disruption, Marker, Rule, RuleSet
from dmz.waf.seclang.names import FILE_OPERATORS
from dmz.waf.seclang.reader import read_rule_set

PACKAGE = Path("/usr/share/modsecurity-crs")
SETUP = Path("/etc/modsecurity/crs")
LOADER = PACKAGE / "owasp-crs.load"

pytestmark = pytest.mark.skipif(not LOADER.exists(), reason="the package modsecurity-crs is not installed")


@pytest.fixture(scope="module")
def rule_set() -> RuleSet:
    """What the package's own loader names: the set-up, then every rule file."""
    return read_rule_set([LOADER.name], DirectoryFiles(PACKAGE, SETUP))


@pytest.fixture(scope="module")
def lines() -> list[str]:
    """The lines of the same files that are no comments, for counting without our reader."""
    files = [SETUP / "crs-setup.conf", *sorted((PACKAGE / "rules").glob("*.conf"))]
    text = "\n".join(path.read_text(encoding="utf-8") for path in files)
    return [line for line in text.split("\n") if not line.lstrip().startswith("#")]


def _links(rule_set: RuleSet) -> list[Rule]:
    return [rule for first in rule_set.rules() for rule in (first, *first.chain)]


def _version(rule_set: RuleSet) -> str:
    return rule_set.settings["seccomponentsignature"].rpartition("/")[2]


def test_no_warnings(rule_set: RuleSet) -> None:
    assert rule_set.warnings == ()


def test_nothing_is_lost(rule_set: RuleSet, lines: list[str]) -> None:
    written = Counter(found[1] for line in lines if (found := re.match(r"\s*(Sec\w+)\s", line)))
    every = _links(rule_set)
    assert sum(rule.operator is not None for rule in every) == written["SecRule"]
    assert sum(rule.operator is None for rule in every) == written["SecAction"]
    assert sum(isinstance(item, Marker) for item in rule_set.items) == written["SecMarker"]
    assert len(rule_set.defaults) == written["SecDefaultAction"]


def test_all_chains_are_linked(rule_set: RuleSet, lines: list[str]) -> None:
    chained = sum(re.search(r'(?:^|[\s",])chain(?:[",\\]|$)', line) is not None for line in lines)
    assert sum(len(rule.chain) for rule in rule_set.rules()) == chained > 0


def test_all_tests_and_actions_are_there(rule_set: RuleSet, lines: list[str]) -> None:
    """Counts what the rules say most: one more or less would mean that a comma or a quote was misread."""
    every, text = _links(rule_set), "\n".join(lines)
    for name in ("tag", "setvar", "ctl", "msg", "logdata", "severity", "expirevar"):
        written = len(re.findall(rf"""(?:^|[\s",]){name}:""", text, re.MULTILINE))
        assert sum(len(rule.all_of(name)) for rule in every) == written, name
    named = sum(rule.operator is not None and rule.operator.name == "pmfromfile" for rule in every)
    assert named == len(re.findall(r'"!?@pmFromFile ', text))


def test_all_markers_and_data_files_are_there(rule_set: RuleSet) -> None:
    markers = {item.name for item in rule_set.items if isinstance(item, Marker)}
    assert {rule.skip_after for rule in rule_set.rules() if rule.skip_after} <= markers
    named = {
        name
        for rule in _links(rule_set)
        if rule.operator is not None and rule.operator.name in FILE_OPERATORS
        for name in rule.operator.argument.split()
    }
    assert named == set(rule_set.data_files)
    for name, data in rule_set.data_files.items():
        assert data == (PACKAGE / "rules" / name).read_bytes()


def test_a_rule_in_full(rule_set: RuleSet) -> None:
    """One that has quotes, an escape and a pattern with a pipe; asked for by what any version of it says."""
    (rule,) = [rule for rule in rule_set.rules() if rule.id == 920100]
    assert [variable.collection for variable in rule.variables] == ["REQUEST_LINE"]
    assert rule.operator is not None
    assert (rule.operator.name, rule.operator.negated) == ("rx", True)
    re.compile(rule.operator.argument)
    assert (rule.disruption, rule.transformations) == (Disruption.BLOCK, ())
    assert rule.all_of("msg") == ("Invalid HTTP Request Line",)
    assert "attack-protocol" in rule.all_of("tag")


def test_figures_of_this_version(rule_set: RuleSet) -> None:
    if _version(rule_set) != "3.3.4":
        pytest.skip(f"these figures are of 3.3.4, installed is {_version(rule_set)}")
    every = [rule for rule in _links(rule_set) if "crs-setup" not in rule.place.file]
    assert sum(rule.operator is not None for rule in every) == 790
    assert sum(rule.operator is None for rule in every) == 9
    assert sum(isinstance(item, Marker) for item in rule_set.items) == 40
    assert sum(bool(rule.chain) for rule in every) == 115
    assert sum(len(rule.chain) for rule in every) == 166
    assert sum(bool(rule.skip_after) for rule in every) == 217
    assert len(rule_set.data_files) == 19
    operators = Counter(rule.operator.name for rule in every if rule.operator is not None)
    assert (operators["rx"], operators["pmfromfile"], operators["lt"]) == (265, 19, 190)
    patterns = {rule.operator.argument for rule in every if rule.operator is not None and rule.operator.name == "rx"}
    assert len(patterns) == 243
    assert len({name for rule in every for name in rule.transformations}) == 19
