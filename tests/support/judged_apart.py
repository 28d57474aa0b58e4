"""Requests as the edge gives them to the firewall, and their verdicts with nothing settled, filtered or remembered.

What makes judging cheap (folding, filters, silence, memories) may change no verdict; the reference here does without
all of it.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial

import pytest

from dmz.messages import HallRequest, Pair, Upload
from dmz.waf.pipeline import WafPipeline
from dmz.waf.routes import ParamRule, RouteRule, RouteTable, build_route_table
from dmz.waf.seclang import compiler
from dmz.waf.seclang.engine import Engine
from dmz.waf.seclang.folding import Folded, Phases
from dmz.waf.seclang.model import RuleSet
from dmz.waf.seclang.pattern_set import PatternSet
from dmz.waf.seclang.silence import Silence
from dmz.waf.verdict import Verdict

FIELDS = ("note", "name", "page", "id", "jsessionid")
LONGEST = 20_000
BROWSER = {
    "host": "hall.example",
    "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "accept-language": "zh-CN,zh;q=0.8,en;q=0.5",
    "accept-encoding": "gzip, deflate, br",
}
_HEADERS = ("referer", "user-agent", "accept", "accept-language", "x-requested-with", "if-none-match")
_PATHS = ("/note", "/note", "/", "/nowhere/index.php")


def routes() -> RouteTable:
    """Give routes where everything is free text, so that no rule is spared."""
    fields = tuple(ParamRule(name, LONGEST, lines=True, times=3) for name in FIELDS)
    windows = ("unit",)
    return build_route_table(
        (
            RouteRule("GET", "/note", windows, query=fields),
            RouteRule("POST", "/note", windows, form=fields, uploads=("file",)),
        )
    )


def _nothing_folded(phases: Phases) -> Folded:
    kept = {number: tuple(range(len(rules))) for number, rules in phases.items()}
    none = dict.fromkeys(phases, frozenset[int]())
    return Folded({}, kept, none, {number: {} for number in phases}, none, lambda _: None)


def plain_engine(rules: RuleSet) -> Engine:
    """Compile rules with nothing settled beforehand, a filter that is made in another way, and no silence."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiler, "fold", _nothing_folded)
        patch.setattr(compiler, "PatternSet", partial(PatternSet, use_hyperscan=False))
        table = compiler.compile_rules(rules)
    return Engine(replace(table, silence=Silence((), table.patterns, frozenset(), impossible=True)))


def reference(engine: Engine, table: RouteTable, request: HallRequest) -> Verdict:
    """Judge a request by a pipeline that remembers nothing."""
    return WafPipeline(table, engine, most_text=LONGEST).check(request)


def hall_requests(texts: Iterable[str], seed: int) -> Iterator[HallRequest]:
    """Put each text somewhere in a request, honest values beside it; the same ones for one seed."""
    chance = random.Random(seed)
    honest = ("张三", "2024-05", "11010119900307651X", "user1@example.cn", "O'Brien & Co", "甲（集团）公司", "")
    for text in texts:
        pairs: list[Pair] = [(chance.choice(FIELDS), chance.choice(honest)) for _ in range(chance.randrange(3))]
        headers = dict(BROWSER)
        if chance.random() < 0.7:
            headers["referer"] = f"https://hall.example/note?page={chance.randrange(40)}"
        uploads: tuple[Upload, ...] = ()
        match chance.randrange(6):
            case 0:
                headers[chance.choice(_HEADERS)] = "".join(sign for sign in text if sign.isprintable())
            case 1:
                uploads = (Upload("file", text, "application/x", b""),)
            case _:
                pairs.insert(chance.randrange(len(pairs) + 1), (chance.choice(FIELDS), text))
        path = chance.choice(_PATHS)
        address = f"192.0.2.{chance.randrange(4)}" if chance.random() < 0.9 else "127.0.0.1"
        if chance.random() < 0.5 and not uploads:
            yield HallRequest("GET", "unit", path, query=tuple(pairs), headers=headers, address=address)
        else:
            kind = "multipart/form-data; boundary=x" if uploads else "application/x-www-form-urlencoded"
            headers["content-type"] = kind
            yield HallRequest(
                "POST", "unit", path, form=tuple(pairs), uploads=uploads, headers=headers, address=address
            )
