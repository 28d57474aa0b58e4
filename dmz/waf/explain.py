"""Why a request is refused or passes: every stage's word on one request as it was sent (pure).

    HTTP ──▶ allow-list ──▶ rules          each stage is asked, whatever the one before it said

The edge's own verdict stops at the first stage that refuses; here the rules see all of the raw bytes, so that a request
which the grammar would never let through shows what it matches too.

Source: issue "front door", every verdict explained; firewall research, sections 4 and 6.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from dmz.edge.body_buffer import MemoryBudget
from dmz.edge.body_forms import FormLimits
from dmz.edge.http_grammar import GrammarLimits, RequestParser, State
from dmz.edge.refusals import RefusalError
from dmz.edge.request_builder import Peer, build_request
from dmz.messages import HallRequest, Window
from dmz.waf.pipeline import WafPipeline, score_of
from dmz.waf.positive_model import judge
from dmz.waf.seclang.judgement import Judgement
from dmz.waf.seclang.sent_request import read_request
from dmz.waf.verdict import Verdict
from dmz.waf.view import RequestView

MOST_REQUEST_BYTES: Final = 16 * 1024 * 1024
INCOMPLETE: Final = "incomplete"
TRAILING: Final = "bytes_behind_the_request"


@dataclass(frozen=True, slots=True)
class Explanation:
    """Every stage's word.

    Attributes:
        http: why the grammar refuses, "" when it does not.
        model: why the allow-list refuses; None when it does not, or was not asked because of ``http``.
        verdict: what the hall would say; None when the grammar refuses.
        rules: what the rules say of the raw request.
        score: what they add up to.
    """

    http: str
    model: Verdict | None
    verdict: Verdict | None
    rules: Judgement
    score: int

    @property
    def passes(self) -> bool:
        """Whether the hall would let it through."""
        return not self.http and self.verdict is not None and self.verdict.allowed


def explain(data: bytes, window: Window, pipeline: WafPipeline) -> Explanation:
    """Ask every stage about one request.

    Args:
        data: the request's bytes; lines may end in LF if all do.
        window: the entrance at which it came.
        pipeline: the hall's firewall.
    """
    rules = pipeline.engine.judge(read_request(data), stops=False)
    score = score_of(rules)
    try:
        request = _parsed(_with_line_ends(data), window)
    except RefusalError as refusal:
        return Explanation(refusal.reason.word, None, None, rules, score)
    if isinstance(request, str):
        return Explanation(request, None, None, rules, score)
    model, _ = judge(RequestView(request), pipeline.table)
    return Explanation("", model, pipeline.check(request), rules, score)


def _with_line_ends(data: bytes) -> bytes:
    """Write a head whose lines end in LF with CRLF, as it was before an editor had it."""
    head, mark, body = data.partition(b"\n\n")
    return data if not mark or b"\r" in head else head.replace(b"\n", b"\r\n") + b"\r\n\r\n" + body


def _parsed(data: bytes, window: Window) -> HallRequest | str:
    """Parse a request as the edge does.

    Raises:
        RefusalError: the edge would refuse it.
    """
    parser = RequestParser(GrammarLimits(), MemoryBudget(MOST_REQUEST_BYTES))
    state = parser.feed(data)
    if state is State.WAITING:
        state = parser.accept_body(MOST_REQUEST_BYTES)
    if state is not State.COMPLETE or parser.head is None:
        return INCOMPLETE
    if parser.waiting_bytes:
        return TRAILING
    return build_request(parser.head, parser.take_body(), Peer(window, "127.0.0.1", None, False), "", FormLimits())
