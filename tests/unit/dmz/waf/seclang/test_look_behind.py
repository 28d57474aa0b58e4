"""Look-behinds: each alternative its own, and nothing else changed."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmz.waf.seclang.look_behind import split_look_behinds
from dmz.waf.seclang.patterns import compile_pattern

CASES = [
    (rb"a(?<!b|(?:c|d)e|[|)]x);|q", rb"a(?<!b)(?<!(?:c|d)e)(?<![|)]x);|q"),
    (rb"(?<=a|bc)d", rb"(?:(?<=a)|(?<=bc))d"),
    (rb"(?<=a)b(?<!c)", rb"(?<=a)b(?<!c)"),
    (rb"\(?<!a|b", rb"\(?<!a|b"),
    (rb"x(?<!a|b", rb"x(?<!a|b"),
    (rb"(?<!)x", rb"(?<!)x"),
    (rb"(?P<n>a|b)(?<!c\)|d)", rb"(?P<n>a|b)(?<!c\))(?<!d)"),
]


@pytest.mark.parametrize(("pattern", "said"), CASES)
def test_split(pattern, said):
    assert split_look_behinds(pattern) == said


@given(
    st.lists(st.text("ab|().", min_size=2, max_size=2).map(re.escape), min_size=1, max_size=4),
    st.sampled_from(["(?<!", "(?<="]),
    st.text("ab|().;", max_size=12),
)
def test_same_matches_where_python_takes_both(alternatives, opens, value):
    pattern = f"{opens}{'|'.join(alternatives)});".encode()
    text = value.encode()
    places = [match.span() for match in re.finditer(pattern, text)]
    assert [match.span() for match in re.finditer(split_look_behinds(pattern), text)] == places


@pytest.mark.parametrize(
    ("value", "matches"), [(b"a;", True), (b"&auml;", False), (b"&amp;", False), (b"&xuml;", True), (b"x=", True)]
)
def test_alternatives_of_several_lengths(value, matches):
    found = compile_pattern("(?<!&(?:[aou]uml)|&(?:amp));|=").search(value)
    assert (found is not None) is matches
