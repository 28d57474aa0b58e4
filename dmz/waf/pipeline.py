"""All stages in order: route and surroundings, allow-list, negative rules; and the answer on its way out (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from dmz.messages import HallRequest, HallResponse
from dmz.waf.negative_rules import DEFAULT_THRESHOLD, NegativeRules, Rule
from dmz.waf.positive_model import judge
from dmz.waf.response_check import judge_answer
from dmz.waf.routes import RouteTable
from dmz.waf.verdict import PASSED, Stage, Verdict, refusal
from dmz.waf.view import RequestView
from wire_formats.errors import Kind

_MIB: Final = 1024 * 1024
DEFAULT_ANSWER_BYTES: Final = 16 * _MIB


class WafPipeline:
    """Judges requests and answers.

    Args:
        table: the allow-list.
        rules: the negative rules.
        threshold: score from which a text is refused.
        answer_bytes: largest answer that may leave.
    """

    def __init__(
        self,
        table: RouteTable,
        rules: Sequence[Rule],
        *,
        threshold: int = DEFAULT_THRESHOLD,
        answer_bytes: int = DEFAULT_ANSWER_BYTES,
    ) -> None:
        self._table = table
        self._negative = NegativeRules(rules, threshold)
        self._answer_bytes = answer_bytes

    def check(self, request: HallRequest) -> Verdict:
        """Judge a request.

        A request that the allow-list does not know is refused as such; if it also shows a scanner or an attack, the
        verdict names that rule, so that the audit can tell a mistyped address from a probe.
        """
        view = RequestView(request)
        refused, texts = judge(view, self._table)
        inspected, found = self._negative.judge(view.surroundings())
        if inspected is not None:
            kind = refused.kind if refused is not None and refused.stage is Stage.ROUTE else Kind.FIREWALL
            return refusal(Stage.NEGATIVE, found.rule, inspected.name, kind=kind, score=found.score)
        if refused is not None:
            return refused
        inspected, found = self._negative.judge(texts)
        if inspected is not None:
            return refusal(Stage.NEGATIVE, found.rule, inspected.name, score=found.score)
        return PASSED

    def check_answer(self, response: HallResponse) -> Verdict:
        """Judge an answer."""
        return judge_answer(response, self._answer_bytes) or PASSED
