"""All that values become: nothing that a chain gives is missing, and what triggers nothing stays as it is."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dmz.waf.seclang.transformations import TRANSFORMATIONS
from dmz.waf.seclang.views import TRIGGERS, Chains, Views

CHAINS = Chains()
USED = [
    CHAINS.take(names.split())
    for names in (
        "none",
        "lowercase",
        "urlDecodeUni",
        "urlDecodeUni lowercase",
        "utf8toUnicode urlDecodeUni htmlEntityDecode jsDecode cssDecode removeNulls",
        "urlDecodeUni cmdLine",
        "urlDecodeUni replaceComments compressWhitespace",
        "normalizePath",
        "base64DecodeExt",
        "sqlHexDecode removeWhitespace",
        "length",
    )
]
VIEWS = Views(USED)
VALUES = st.one_of(
    st.binary(max_size=40),
    st.lists(
        st.sampled_from(["%41", "%u4e2d", "&#x41;", "\\x41", "\\74", "/*", "*/", "A", "b", " ", "0x41", "../", "中", "\0", "QUJD", "+"])
    ).map(lambda pieces: "".join(pieces).encode()),
)  # fmt: skip


@given(VALUES)
def test_every_step_of_every_chain_is_there(value):
    views = VIEWS.of(value)
    for chain in USED:
        at = value
        assert at in views
        for step in chain.steps:
            at = step(at)
            assert at in views, chain.names
        assert chain.whole(value) == at


@given(VALUES)
def test_what_triggers_nothing_stays_as_it_is(value):
    for name, triggers in TRIGGERS.items():
        untriggered = value.translate(None, triggers)
        assert TRANSFORMATIONS[name](untriggered) == untriggered, name


def test_equal_chains_are_one():
    assert CHAINS.take(["none", "LowerCase"]) is CHAINS.take(["lowercase"])
