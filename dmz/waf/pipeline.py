"""All stages in order: allow-list, then rules; and the answer on its way out (pure)."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Final

from dmz.messages import HallRequest, HallResponse
from dmz.waf.inspection import field_of, transaction_of
from dmz.waf.positive_model import judge
from dmz.waf.response_check import judge_answer
from dmz.waf.routes import RouteTable
from dmz.waf.seclang.engine import Engine
from dmz.waf.seclang.judgement import Judgement
from dmz.waf.verdict import PASSED, Stage, Verdict, refusal
from dmz.waf.view import Inspected, RequestView
from wire_formats.errors import Kind

_MIB: Final = 1024 * 1024
DEFAULT_ANSWER_BYTES: Final = 16 * _MIB
#: Characters of one text, and of all texts of a request, that the rules look at; more is refused unseen.
MAX_TEXT: Final = 8_192
MAX_REQUEST_TEXT: Final = 65_536
TOO_MUCH_TEXT: Final = "too_much_text"
#: Surroundings (method, path, headers) of which the verdict is remembered.
MOST_REMEMBERED: Final = 4_096
#: Variables in which rule sets keep the score that decides, the first that is there.
_SCORES: Final = ("blocking_inbound_anomaly_score", "anomaly_score", "inbound_score")


class WafPipeline:
    """Judges requests and answers.

    Args:
        table: the allow-list.
        engine: the rules; an attribute too.
        answer_bytes: largest answer that may leave.
    """

    def __init__(self, table: RouteTable, engine: Engine, *, answer_bytes: int = DEFAULT_ANSWER_BYTES) -> None:
        self._table = table
        self.engine = engine
        self._answer_bytes = answer_bytes
        # Browsers ask for the same pages with the same headers; by a hash that is keyed anew in every process.
        self._remembered: dict[int, Verdict] = {}

    def check(self, request: HallRequest) -> Verdict:
        """Judge a request in one go."""
        steps = self.steps(request)
        while True:
            try:
                next(steps)
            except StopIteration as done:
                verdict: Verdict = done.value
                return verdict

    def steps(self, request: HallRequest) -> Generator[None, None, Verdict]:
        """Judge a request in small steps, between which the caller may do other work; returns the verdict.

        A request that the allow-list does not know is refused as such; if it also shows a scanner or an attack, the
        verdict names that rule, so that the audit can tell a mistyped address from a probe.
        """
        view = RequestView(request)
        refused, texts = judge(view, self._table)
        kind = refused.kind if refused is not None and refused.stage is Stage.ROUTE else Kind.FIREWALL
        found = PASSED
        if refused is not None:
            texts = []
        if _too_much(view, texts):
            return refusal(Stage.NEGATIVE, TOO_MUCH_TEXT, kind=kind)
        if texts:
            judged = yield from self.engine.steps(transaction_of(request, texts))
            found = _verdict(judged, kind)
        else:
            found = yield from self._surroundings(request, kind)
        return found if not found.allowed or refused is None else refused

    def _surroundings(self, request: HallRequest, kind: Kind) -> Generator[None, None, Verdict]:
        """Judge method, path and headers, unless just these have been judged before."""
        name = hash((request.method, request.path, kind, tuple(request.headers.items())))
        known = self._remembered.get(name)
        if known is None:
            judged = yield from self.engine.steps(transaction_of(request, ()))
            if len(self._remembered) >= MOST_REMEMBERED:
                self._remembered.clear()
            known = self._remembered[name] = _verdict(judged, kind)
        return known

    def check_answer(self, response: HallResponse) -> Verdict:
        """Judge an answer."""
        return judge_answer(response, self._answer_bytes) or PASSED


def _too_much(view: RequestView, texts: Sequence[Inspected]) -> bool:
    everything = [*view.surroundings(), *texts]
    longest = max(len(inspected.text) for inspected in everything)
    return longest > MAX_TEXT or sum(len(inspected.text) for inspected in everything) > MAX_REQUEST_TEXT


def _verdict(judged: Judgement, kind: Kind) -> Verdict:
    if not judged.refused_by:
        return PASSED
    # The rule that refuses only adds up; what people want to know is the weightiest of those that scored.
    scored = [match for match in judged.matches if match.rule_id != judged.refused_by and match.where] or judged.matches
    first = min(scored, key=lambda match: match.severity or "9", default=None)
    return refusal(
        Stage.NEGATIVE,
        str(first.rule_id if first is not None else judged.refused_by),
        field_of(first.where) if first is not None else "",
        kind=kind,
        score=score_of(judged),
    )


def score_of(judged: Judgement) -> int:
    """Give what the rules that matched add up to."""
    return next((int(value) for name in _SCORES if (value := judged.variables.get(name, "")).isdecimal()), 0)
