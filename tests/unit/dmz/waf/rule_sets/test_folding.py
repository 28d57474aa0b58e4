"""Folding, filtering, silence and memories change no verdict: our own rules, with and without, on attacks and honest texts."""

from __future__ import annotations

import random

import pytest

from dmz.waf.pipeline import WafPipeline
from dmz.waf.rule_store import read_rules
from dmz.waf.seclang.engine import Engine
from dmz.waf.settings import FirewallSettings
from tests.support.hall_firewall import hall_firewall
from tests.support.judged_apart import LONGEST, hall_requests, plain_engine, reference, routes
from tests.unit.dmz.waf.rule_sets.reading import attacks, benign, form, request_of


@pytest.fixture(scope="module")
def plain() -> Engine:
    """The same rules with nothing settled, filtered or remembered."""
    return plain_engine(read_rules(FirewallSettings()))


def test_attacks_and_honest_texts_are_judged_alike(plain: Engine) -> None:
    folded = hall_firewall().engine
    assert folded.table.rules < plain.table.rules
    requests = [request_of(attack) for attack in attacks()] + [(form(("note", text)),) for text in benign()]
    assert len(requests) > 1_000
    for request in requests:
        for _ in range(2):  # the second time from what is remembered
            assert folded.judge(*request).matches == plain.judge(*request).matches, request


def test_requests_get_the_verdict_that_they_get_without_silence_and_memory(plain: Engine) -> None:
    table = routes()
    quick = WafPipeline(table, hall_firewall().engine, most_text=LONGEST)
    assert not quick.engine.table.silence.impossible
    texts = [attack.text for attack in attacks()] + benign()
    requests = [*hall_requests(texts, seed=5), *hall_requests(benign() * 2, seed=6)]
    random.Random(7).shuffle(requests)
    refused = 0
    for request in requests:
        expected = reference(plain, table, request)
        refused += not expected.allowed
        for _ in range(2):
            assert quick.check(request) == expected, request
    assert 0.2 < refused / len(requests) < 0.9
