"""A short campaign of ``tests.fuzz`` with fixed seeds, and planted faults that its oracle must notice."""

from __future__ import annotations

import random

import pytest

from dmz.edge import http_fields, request_builder
from dmz.edge.body_buffer import BodyBuffer
from dmz.edge.refusals import Reason
from tests.fuzz import campaign, oracle
from tests.fuzz.campaign import inputs, run_piece
from tests.fuzz.oracle import Fault, FrontDoor
from tests.fuzz.seeds import doors, request

INPUTS = 2_500


@pytest.mark.parametrize("seed", ["short-1", "short-2"])
def test_no_rule_is_broken(seed):
    found = run_piece(seed, INPUTS)
    assert [(number, words, data) for _, number, words, data in found.faults] == []
    assert found.inputs == INPUTS
    assert found.outcomes["passed"] > INPUTS // 20, "most inputs must come near to being right"
    assert found.outcomes["confirmed by h11"] > INPUTS // 20
    met = {reason for reason in Reason if found.outcomes[reason.word]}
    assert len(met) >= 40, "and break many different rules"


def test_requests_that_were_not_changed_pass():
    chance, door = random.Random("unchanged"), FrontDoor()  # noqa: S311 - reproducible
    for each in doors():
        reading = door.examine(request(each, chance).raw(), each.window, chance)
        assert (len(reading.requests), reading.end) == (1, ""), each
    assert door.outcomes["passed"] > len(doors()) // 2


def test_the_same_seed_gives_the_same_inputs():
    assert list(inputs("a", 50, doors())) == list(inputs("a", 50, doors()))
    assert list(inputs("a", 50, doors())) != list(inputs("b", 50, doors()))


def _another_error(monkeypatch):
    monkeypatch.setattr(request_builder, "parse_cookies", lambda value: tuple(value)[99])


def _lenient_lengths(monkeypatch):
    monkeypatch.setattr(
        http_fields, "_content_length", lambda fields: int(fields.get("content-length", "0").split(",")[0] or 0)
    )
    monkeypatch.setattr(http_fields, "_check_body_rules", lambda *_, **__: None)


def _no_release(monkeypatch):
    monkeypatch.setattr(BodyBuffer, "release", lambda _self: None)


def _cookies_grow(monkeypatch):
    whole = request_builder.parse_cookies
    monkeypatch.setattr(
        request_builder, "parse_cookies", lambda value: tuple((n, v.upper() + str(len(value))) for n, v in whole(value))
    )


def _raw_paths(monkeypatch):
    monkeypatch.setattr("dmz.edge.target._decode_path", lambda raw: raw)


@pytest.mark.parametrize(
    "plant",
    [_another_error, _lenient_lengths, _no_release, _cookies_grow, _raw_paths],
    ids=lambda plant: plant.__name__,
)
def test_a_planted_fault_is_noticed(monkeypatch, plant):
    plant(monkeypatch)
    campaign._front_door.cache_clear()
    assert run_piece("planted", 2_000).faults


def test_a_result_that_depends_on_the_cuts_is_noticed(monkeypatch):
    whole = oracle.read
    monkeypatch.setattr(oracle, "read", lambda portions, window: whole(portions[:1], window))
    chance = random.Random("cuts")  # noqa: S311 - reproducible
    data = request(doors()[0], chance).raw()
    with pytest.raises(Fault, match="cuts"):
        FrontDoor().examine(data, "unit", chance)
