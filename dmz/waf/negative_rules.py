"""Second stage: patterns of attacks, scored per text; the rules stand in ``rule_sets/*.toml``.

A rule looks at one decoded form of a text (``normalise``), in the places it names. Before its pattern is tried, one of
its ``needs`` must occur as it is: most rules cost one substring search. A text whose rules add up to ``threshold`` is
refused; the id of the weightiest rule is reported.

Work is bounded: patterns are checked when they are loaded (``rule_check``), a text longer than MAX_TEXT and a request
with more than MAX_REQUEST_TEXT are refused unseen.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from dmz.waf.normalise import Forms, hidden_text
from dmz.waf.rule_check import check_pattern
from dmz.waf.view import Inspected, Place

RULE_SETS: Final = Path(__file__).parent / "rule_sets"
DEFAULT_THRESHOLD: Final = 5
MAX_TEXT: Final = 8_192
REMEMBERED: Final = 2_048
MAX_REMEMBERED_TEXT: Final = 512
MAX_REQUEST_TEXT: Final = 65_536
TOO_MUCH_TEXT: Final = "negative.too_much_text"
_FORMS: Final = ("raw", "folded", "stripped", "tight")
_KEYS: Final = frozenset({"id", "about", "score", "form", "places", "needs", "pattern"})
_MOST_SCORE: Final = 5


@dataclass(frozen=True, slots=True)
class Rule:
    """One pattern of an attack.

    Attributes:
        id: ``<class>-<number>``.
        score: 1 to 5.
        form: "raw", "folded", "stripped" or "tight".
        places: where it applies.
        needs: one of these must occur in the form.
        pattern: searched in the form.
    """

    id: str
    score: int
    form: str
    places: frozenset[Place]
    needs: tuple[str, ...]
    pattern: re.Pattern[str]

    def matches(self, text: str) -> bool:
        """True when the pattern occurs."""
        return any(need in text for need in self.needs) and self.pattern.search(text) is not None


@dataclass(frozen=True, slots=True)
class Found:
    """What the rules found in one text: the sum, the weightiest rule, and how many characters were searched."""

    score: int = 0
    rule: str = ""
    work: int = 0


class RuleError(ValueError):
    """A rule set cannot be used; the text names file and rule."""


def load_rules(folder: Path = RULE_SETS) -> tuple[Rule, ...]:
    """Read every ``*.toml`` of a folder.

    Raises:
        RuleError: unknown key, doubled id, or a pattern that is not linear.
    """
    rules: dict[str, Rule] = {}
    for path in sorted(folder.glob("*.toml")):
        try:
            tables = tomllib.loads(path.read_text(encoding="utf-8"))["rule"]
        except (tomllib.TOMLDecodeError, KeyError) as error:
            raise RuleError(f"{path.name}: {error}") from None
        for table in tables:
            rule = _rule(table, path.name)
            if rule.id in rules:
                raise RuleError(f"{path.name}: {rule.id} twice")
            rules[rule.id] = rule
    return tuple(rules.values())


def _rule(table: dict[str, Any], source: str) -> Rule:
    name = table.get("id", "?")
    if set(table) - _KEYS or not _KEYS - {"places", "form"} <= set(table):
        raise RuleError(f"{source}: {name}: keys must be {', '.join(sorted(_KEYS))}")
    if not 1 <= table["score"] <= _MOST_SCORE or not table["needs"] or table.get("form", "folded") not in _FORMS:
        raise RuleError(f"{source}: {name}: score 1..{_MOST_SCORE}, needs not empty, form one of {', '.join(_FORMS)}")
    try:
        places = frozenset(Place(place) for place in table.get("places", ["text"]))
        check_pattern(table["pattern"])
    except ValueError as error:
        raise RuleError(f"{source}: {name}: {error}") from None
    return Rule(
        name, table["score"], table.get("form", "folded"), places, tuple(table["needs"]), re.compile(table["pattern"])
    )


class NegativeRules:
    """Searches texts for attacks.

    Args:
        rules: from ``load_rules``.
        threshold: score from which a text is refused.
    """

    def __init__(self, rules: Sequence[Rule], threshold: int = DEFAULT_THRESHOLD) -> None:
        self._threshold = threshold
        # Paths and headers repeat from request to request; what people type does not and is not kept.
        self._remembered = lru_cache(maxsize=REMEMBERED)(self._search_all)
        self._by_place = {place: tuple(rule for rule in rules if place in rule.places) for place in Place}

    def judge(self, texts: Iterable[Inspected]) -> tuple[Inspected | None, Found]:
        """Give the first text that is to be refused, and what was found in it; None if there is none."""
        total = 0
        for inspected in texts:
            total += len(inspected.text)
            if len(inspected.text) > MAX_TEXT or total > MAX_REQUEST_TEXT:
                return inspected, Found(self._threshold, TOO_MUCH_TEXT)
            found = self.search(inspected)
            if found.score >= self._threshold:
                return inspected, found
        return None, Found()

    def search(self, inspected: Inspected) -> Found:
        """Apply all rules of the text's place."""
        if inspected.place is not Place.TEXT and len(inspected.text) <= MAX_REMEMBERED_TEXT:
            return self._remembered(inspected.place, inspected.text)
        return self._search_all(inspected.place, inspected.text)

    def _search_all(self, place: Place, text: str) -> Found:
        found = self._search(place, text)
        hidden = hidden_text(text)
        if hidden and found.score < self._threshold:
            inner = self._search(place, hidden)
            found = max(found, inner, key=lambda each: each.score)
        return found

    def _search(self, place: Place, text: str) -> Found:
        forms = Forms(text)
        matched: list[Rule] = []
        work = 0
        for rule in self._by_place[place]:
            form: str = getattr(forms, rule.form)
            work += len(form)
            if rule.matches(form) or (rule.form == "folded" and forms.has_comments and rule.matches(forms.joined)):
                matched.append(rule)
        if not matched:
            return Found(work=work)
        weightiest = max(matched, key=lambda rule: rule.score)
        return Found(sum(rule.score for rule in matched), weightiest.id, work)
