"""clamd's replies, and what is written to it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire_formats.clamd import END, ScanVerdict, portion, read_reply


@pytest.mark.parametrize(
    ("reply", "verdict", "told"),
    [
        (b"stream: OK\0", ScanVerdict.CLEAN, ""),
        (b"stream: Win.Test.EICAR_HDB-1 FOUND\0", ScanVerdict.INFECTED, "Win.Test.EICAR_HDB-1"),
        (b"INSTREAM size limit exceeded. ERROR\0", ScanVerdict.NOT_SCANNED, "too_large"),
        (b"UNKNOWN COMMAND\0", ScanVerdict.NOT_SCANNED, "clamd_error"),
        (b"", ScanVerdict.NOT_SCANNED, "no_answer"),
        (b"stream: OK", ScanVerdict.NOT_SCANNED, "clamd_error"),
        (b"stream: OK\0\0", ScanVerdict.NOT_SCANNED, "clamd_error"),
        (b"stream: a\nb FOUND\0", ScanVerdict.NOT_SCANNED, "clamd_error"),
    ],
)
def test_replies(reply: bytes, verdict: ScanVerdict, told: str) -> None:
    scanned = read_reply(reply)
    assert (scanned.verdict, scanned.told) == (verdict, told)


@given(st.binary(max_size=300))
def test_only_an_exact_reply_says_clean(reply: bytes) -> None:
    assert (read_reply(reply).verdict is ScanVerdict.CLEAN) == (reply == b"stream: OK\0")


def test_portions_carry_their_length_and_only_the_end_is_empty() -> None:
    assert portion(b"abc") == b"\0\0\0\3abc"
    assert portion(b"") == b""
    assert END == b"\0\0\0\0"
