"""What stands before the rules: the edge's grammar, and the allow-list of the hall.

The corpus asks for addresses that no hall has, so the allow-list refuses nearly all that the grammar lets through; the
reasons say which of the two it was.

Source: waf research, section 7, targets 1 and 2 (protocol faults refused by parser or schema, not by score).
"""

from __future__ import annotations

from functools import cache

from dmz.edge.body_buffer import MemoryBudget
from dmz.edge.body_forms import FormLimits
from dmz.edge.http_grammar import GrammarLimits, RequestParser, State
from dmz.edge.refusals import RefusalError
from dmz.edge.request_builder import Peer, build_request
from dmz.waf.hall_routes import hall_route_table
from dmz.waf.positive_model import judge
from dmz.waf.routes import RouteTable
from dmz.waf.view import RequestView

_MOST_BODY = 16 * 1024 * 1024
_LIMITS = FormLimits(fields=1_000, field_bytes=1 << 20, uploads=8, upload_bytes=_MOST_BODY)


def refused_by_grammar(data: bytes) -> str:
    """Let the edge's own parser read a request; gives the reason of its refusal, or "" when it takes it."""
    try:
        return "" if _parsed(data).state is State.COMPLETE else "incomplete"
    except RefusalError as refusal:
        return refusal.reason.word


def refused_by_front(data: bytes) -> str:
    """The same, and then the hall's allow-list."""
    try:
        parser = _parsed(data)
        if parser.state is not State.COMPLETE:
            return "grammar: incomplete"
        assert parser.head is not None
        peer = Peer("unit", "127.0.0.1", None, resumed=False)
        request = build_request(parser.head, parser.take_body(), peer, "0" * 32, _LIMITS)
    except RefusalError as refusal:
        return f"grammar: {refusal.reason.word}"
    refused, _ = judge(RequestView(request), _allowed())
    return f"allow-list: {refused.rule}" if refused is not None else ""


def _parsed(data: bytes) -> RequestParser:
    parser = RequestParser(GrammarLimits(), MemoryBudget(_MOST_BODY))
    if parser.feed(data) is State.WAITING:
        parser.accept_body(_MOST_BODY)
    return parser


@cache
def _allowed() -> RouteTable:
    return hall_route_table()
