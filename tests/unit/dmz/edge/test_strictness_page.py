"""``docs/http-strictness.md`` names every reason with its status, and every one that a client can cause is met for real."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dmz.edge.refusals import Reason
from tests.integration.edge.test_strict_http import EDGE_CASES

PAGE = (Path(__file__).parents[4] / "docs" / "http-strictness.md").read_text(encoding="utf-8")
#: The word of each row of a table, with its status and the letters of its tests.
ROWS = {
    word: (int(status), letters)
    for words, status, letters in re.findall(
        r"^\|[^|]+\| ((?:`[a-z0-9_]+`(?:, )?)+) \| ([0-9]{3}) \| ([A-Z ]+) \|$", PAGE, re.M
    )
    for word in re.findall(r"`([a-z0-9_]+)`", words)
}


@pytest.mark.parametrize("reason", Reason, ids=lambda reason: reason.word)
def test_every_reason_stands_on_the_page(reason):
    assert ROWS[reason.word][0] == reason.status


def test_the_page_names_no_others():
    assert set(ROWS) == {reason.word for reason in Reason}


def test_the_page_says_which_are_met_at_a_real_edge():
    assert {word for word, (_, letters) in ROWS.items() if "R" in letters.split()} == {case.word for case in EDGE_CASES}
