"""One case → whether it passed, and if not why.

By rule ids, every rule is heard (DetectionOnly) and the log decides; an expected status is that of the front door: what
the strict grammar refuses gets 400.  In blocking mode a positive case must be refused, by the grammar or by the rules;
a negative one says only which rule must not match and may hold other attacks, so its refusal is counted, not judged.

Source: CRS, tests/regression; go-ftw, check (its behaviour); waf research, section 1.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from dmz.waf.seclang.engine import Engine, Judgement
from tests.conformance.backend import answer_to
from tests.conformance.corpus import Case, Expected
from tests.conformance.front import refused_by_front, refused_by_grammar
from tests.conformance.overrides import Override
from tests.conformance.wire import taken_request

_REFUSED_BY_GRAMMAR = 400


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a case.

    Attributes:
        case: the case.
        level: the paranoia level of its rule.
        passed: whether it did as expected.
        reason: why not, or what refused it.
    """

    case: Case
    level: int
    passed: bool
    reason: str = ""

    @property
    def category(self) -> int:
        """The rule's hundred: 942 for 942100."""
        return int(str(self.case.rule)[:3])


def judge_by_ids(engine: Engine, case: Case, level: int, overrides: Mapping[str, Override]) -> Outcome:
    """Judge a case by the rules that match."""
    override = overrides.get(case.name)
    for data, expected in case.stages:
        wanted = override.applied_to(expected) if override else expected
        sent = taken_request(data)
        # A case that asks for a status is about the whole front door: what the grammar refuses, no rule sees.
        refused = bool(wanted.statuses) and refused_by_grammar(data)
        judged = Judgement() if refused else engine.judge(sent, answer_to(sent), stops=False)
        reason = _missed(judged, wanted, data)
        if reason and not wanted.may_fail:
            return Outcome(case, level, passed=False, reason=reason)
    return Outcome(case, level, passed=True)


def judge_by_refusal(engine: Engine, case: Case, level: int, *, edge: bool) -> Outcome:
    """Judge a case by whether its last request is refused; ``edge`` puts grammar and allow-list in front."""
    refusals = []
    for data, _ in case.stages:
        refused = refused_by_front(data) if edge else ""
        if not refused:
            sent = taken_request(data)
            judged = engine.judge(sent, answer_to(sent), stops=True)
            refused = f"rule {judged.refused_by}" if judged.refused_by else ""
        refusals.append(refused)
    refused = refusals[-1]
    wanted = case.kind == "positive"
    return Outcome(case, level, passed=bool(refused) == wanted, reason=refused or "not refused")


def _missed(judged: Judgement, expected: Expected, data: bytes) -> str:
    """Say what is not as expected, or ""."""
    ids = judged.ids()
    if expected.statuses:
        grammar = refused_by_grammar(data)
        status = _REFUSED_BY_GRAMMAR if grammar else 200
        if status not in expected.statuses:
            wanted = "/".join(str(one) for one in sorted(expected.statuses))
            return f"status {status} instead of {wanted}" + (f" ({grammar})" if grammar else "")
    if missing := expected.ids - ids:
        return "no match of " + ", ".join(map(str, sorted(missing)))
    if wrong := expected.no_ids & ids:
        return "matched " + ", ".join(map(str, sorted(wrong)))
    log = _log(judged) if expected.match or expected.no_match else ""
    if expected.match and not re.search(expected.match, log):
        return f"log lacks {expected.match!r}"
    if expected.no_match and re.search(expected.no_match, log):
        return f"log holds {expected.no_match!r}"
    return ""


def _log(judged: Judgement) -> str:
    """Write matches as engines log them."""
    lines = []
    for match in judged.matches:
        tags = "".join(f' [tag "{tag}"]' for tag in match.tags)
        # As engines do: a line of the log stays one line.
        data = (match.data or match.value.decode("utf-8", "replace")).encode("unicode_escape").decode()
        lines.append(f'[id "{match.rule_id}"] [msg "{match.message}"] [data "{data}"]{tags}')
    return "\n".join(lines)
