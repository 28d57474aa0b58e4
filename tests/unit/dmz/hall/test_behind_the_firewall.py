"""The hall behind its firewall: honest visitors and honest mistakes pass, and every answer may leave."""

from __future__ import annotations

import pytest

from tests.support.hall_bench import Bench
from tests.support.hall_firewall import hall_firewall
from tests.support.hall_gallery import full_bench, gallery
from wire_formats.bilingual import LANGUAGES

#: What the gallery sends that no form of ours can send: the page's own check of it is shown there on purpose.
FORGED = {("/nowhere", "route.unknown"), ("/s/employee.add", "param.choice"), ("/s/employee.add", "param.pattern")}


@pytest.mark.parametrize("language", LANGUAGES)
def test_everything_the_gallery_does_passes_both_ways(language: str) -> None:
    firewall = hall_firewall()
    bench: Bench = full_bench()
    gallery(language, bench)
    refused = set()
    for request, answer in bench.seen:
        verdict = firewall.check(request)
        if not verdict.allowed:
            refused.add((request.path, verdict.rule, verdict.field))
        leaving = firewall.check_answer(request, answer)
        assert leaving.allowed, (request.path, leaving)
    assert {(path, rule) for path, rule, _ in refused} <= FORGED, refused
