"""All stages in order: allow-list, then rules; and the answer on its way out (pure)."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Final

from dmz.messages import HallRequest, HallResponse
from dmz.waf.inspection import field_of, sent_answer, transaction_of
from dmz.waf.parts import Parts
from dmz.waf.positive_model import judge
from dmz.waf.response_check import has_text, judge_answer
from dmz.waf.routes import RouteTable
from dmz.waf.seclang.engine import Engine
from dmz.waf.seclang.judgement import Judgement
from dmz.waf.seclang.steps import finished
from dmz.waf.verdict import PASSED, Stage, Verdict, refusal
from dmz.waf.view import Inspected, RequestView
from wire_formats.bilingual import Label
from wire_formats.errors import Kind

_MIB: Final = 1024 * 1024
DEFAULT_ANSWER_BYTES: Final = 16 * _MIB
#: Characters of one text, and of all texts of a request, that the rules look at; more is refused unseen.
MAX_TEXT: Final = 8_192
MAX_REQUEST_TEXT: Final = 65_536
TOO_MUCH_TEXT: Final = "too_much_text"
#: Requests, as far as they count (``Parts``), of which the verdict is remembered.
MOST_REMEMBERED: Final = 4_096
#: Variables in which rule sets keep the score that decides, the first that is there.
_SCORES: Final = ("blocking_inbound_anomaly_score", "anomaly_score", "inbound_score")


class WafPipeline:
    """Judges requests and answers.

    Args:
        table: the allow-list; an attribute too.
        engine: the rules; an attribute too.
        answer_bytes: largest answer that may leave.
        most_text: characters of one text that the rules look at.
    """

    def __init__(
        self,
        table: RouteTable,
        engine: Engine,
        *,
        answer_bytes: int = DEFAULT_ANSWER_BYTES,
        most_text: int = MAX_TEXT,
    ) -> None:
        self.table = table
        self.engine = engine
        self._answer_bytes = answer_bytes
        self._most_text = most_text
        self._parts = Parts(engine.table.silence)
        # By a hash that is keyed anew in every process.
        self._remembered: dict[tuple[int, Kind], Verdict] = {}
        self._passed: set[int] = set()

    def check(self, request: HallRequest) -> Verdict:
        """Judge a request in one go."""
        return finished(self.steps(request))

    def steps(self, request: HallRequest) -> Generator[None, None, Verdict]:
        """Judge a request in small steps, between which the caller may do other work; returns the verdict.

        A request that the allow-list does not know is refused as such; if it also shows a scanner or an attack, the
        verdict names that rule, so that the audit can tell a mistyped address from a probe.
        """
        view = RequestView(request)
        refused, texts = judge(view, self.table)
        kind = refused.kind if refused is not None and refused.stage is Stage.ROUTE else Kind.FIREWALL
        found = PASSED
        if refused is not None:
            texts = []
        if self._too_much(view, texts):
            return refusal(Stage.NEGATIVE, TOO_MUCH_TEXT, kind=kind)
        found = yield from self._judged(request, texts, kind)
        return found if not found.allowed or refused is None else refused

    def _judged(self, request: HallRequest, texts: Sequence[Inspected], kind: Kind) -> Generator[None, None, Verdict]:
        """Have the rules judge, unless a request that agrees with this one in all that counts has been judged."""
        key = yield from self._parts.key(request, texts)
        known = None if key is None else self._remembered.get((key, kind))
        if known is None:
            judged = yield from self.engine.steps(transaction_of(request, texts), scoring=False)
            known = _verdict(judged, kind)
            if key is not None:
                if len(self._remembered) >= MOST_REMEMBERED:
                    self._remembered.clear()
                self._remembered[key, kind] = known
        return known

    def label_of(self, request: HallRequest, verdict: Verdict) -> Label | None:
        """Give what the form calls the field that a verdict names; None if it names none with a label."""
        return self.table.label_of(request.window, request.path, verdict.field) if verdict.field else None

    def check_answer(self, request: HallRequest, response: HallResponse) -> Verdict:
        """Judge an answer in one go."""
        return finished(self.answer_steps(request, response))

    def answer_steps(self, request: HallRequest, response: HallResponse) -> Generator[None, None, Verdict]:
        """Judge an answer in small steps: its form, then what the rules say of its text; returns the verdict."""
        refused = judge_answer(response, self._answer_bytes)
        if refused is not None:
            return refused
        if not has_text(response):
            return PASSED
        name = hash((response.status, response.headers, response.body))
        if name not in self._passed:
            judged = yield from self.engine.answer_steps(transaction_of(request, ()), sent_answer(response))
            if judged.refused_by:
                return refusal(Stage.RESPONSE, str(_reason(judged)[0]), kind=Kind.BUG)
            if len(self._passed) >= MOST_REMEMBERED:
                self._passed.clear()
            self._passed.add(name)
        return PASSED

    def _too_much(self, view: RequestView, texts: Sequence[Inspected]) -> bool:
        sizes = [len(inspected.text) for inspected in (*view.surroundings(), *texts)]
        return max(sizes) > self._most_text or sum(sizes) > MAX_REQUEST_TEXT


def _verdict(judged: Judgement, kind: Kind) -> Verdict:
    if not judged.refused_by:
        return PASSED
    rule, where = _reason(judged)
    return refusal(Stage.NEGATIVE, str(rule), field_of(where), kind=kind, score=score_of(judged))


def _reason(judged: Judgement) -> tuple[int, str]:
    """Give the weightiest rule that matched, and where: the rule that refuses has only added up."""
    scored = [match for match in judged.matches if match.rule_id != judged.refused_by and match.where] or judged.matches
    first = min(scored, key=lambda match: match.severity or "9", default=None)
    return (judged.refused_by, "") if first is None else (first.rule_id, first.where)


def score_of(judged: Judgement) -> int:
    """Give what the rules that matched add up to."""
    return next((int(value) for name in _SCORES if (value := judged.variables.get(name, "")).isdecimal()), 0)
