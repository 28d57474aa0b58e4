"""Bans: their files, which statement counts, how long they last."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dmz.intrusion.bans import OPERATOR, Ban, BanBook, BanRules, decode_ban, encode_ban
from wire_formats.errors import PeerError

MINUTE, HOUR = 60_000, 3_600_000
RULES = BanRules(first_ms=10 * MINUTE, longest_ms=24 * HOUR, memory_ms=24 * HOUR, most=16)
SUBJECTS = st.one_of(
    st.ip_addresses(v=4).map(str),
    st.binary(min_size=32, max_size=32),
    st.integers(0, 2**64 - 1).map(lambda high: str(ipaddress.ip_network((high << 64, 64)))),
)
BANS = st.builds(
    Ban,
    subject=SUBJECTS,
    made_ms=st.integers(0, 2**48),
    until_ms=st.integers(0, 2**48),
    count=st.integers(0, 1_000_000),
    reason=st.from_regex(r"[a-z0-9_]{1,32}", fullmatch=True),
    by=st.from_regex(r"[^\x00-\x1f\x7f]{1,64}", fullmatch=True),
)


@settings(max_examples=200, deadline=None)
@given(BANS)
def test_files_round_trip(ban):
    assert decode_ban(encode_ban(ban)) == ban


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=1_200), BANS, st.data())
def test_any_bytes_are_a_ban_or_a_peer_error(noise, ban, data):
    good = encode_ban(ban)
    at = data.draw(st.integers(0, len(good)))
    for bytes_ in (noise, good[:at] + noise + good[at:], good[:at], b"[" * 1_000):
        try:
            decode_ban(bytes_)
        except PeerError:
            continue


@settings(max_examples=100, deadline=None)
@given(st.lists(BANS, max_size=40), st.randoms(use_true_random=False))
def test_the_newest_statement_counts_in_whatever_order_they_are_read(bans, random):
    # Two statements of one instant by the same hand about the same subject do not occur.
    bans = list({(ban.subject, ban.made_ms, ban.by): ban for ban in bans}.values())[:16]
    book, other = BanBook(RULES), BanBook(RULES)
    for ban in bans:
        book.take(ban)
    random.shuffle(bans)
    for ban in bans:
        other.take(ban)
    for ban in bans:
        assert book.until_ms(ban.subject, 0) == other.until_ms(ban.subject, 0)


@settings(max_examples=100, deadline=None)
@given(st.lists(BANS, max_size=60))
def test_the_book_is_bounded(bans):
    book = BanBook(RULES)
    for ban in bans:
        book.take(ban)
        assert len(book) <= RULES.most


def test_each_ban_in_a_row_is_twice_as_long_up_to_the_longest():
    book, now, lengths = BanBook(RULES), 1_000, []
    for _ in range(12):
        ban = book.next_ban("192.0.2.1", "scanner", now, "edge-0")
        assert book.take(ban) and not book.take(ban)
        lengths.append(ban.until_ms - ban.made_ms)
        now = ban.until_ms + MINUTE
    assert lengths[:4] == [10 * MINUTE, 20 * MINUTE, 40 * MINUTE, 80 * MINUTE]
    assert lengths[-1] == RULES.longest_ms
    assert book.next_ban("192.0.2.1", "scanner", now + 25 * HOUR, "edge-0").count == 1, "a quiet day begins anew"


def test_a_lift_ends_a_ban_and_begins_anew():
    book = BanBook(RULES)
    for now in (0, 11 * MINUTE):
        book.take(book.next_ban("192.0.2.1", "scanner", now, "edge-0"))
    assert book.until_ms("192.0.2.1", 12 * MINUTE) == 31 * MINUTE
    assert book.until_ms("192.0.2.2", 12 * MINUTE) == 0
    lift = Ban("192.0.2.1", 12 * MINUTE, 12 * MINUTE, 0, OPERATOR, "li")
    assert book.take(lift)
    assert book.until_ms("192.0.2.1", 12 * MINUTE) == 0
    assert list(book.active(12 * MINUTE)) == []
    again = book.next_ban("192.0.2.1", "scanner", 12 * MINUTE, "edge-0")
    assert (again.count, again.made_ms) == (1, 12 * MINUTE + 1), "it comes after the lift"


def test_what_has_no_effect_is_forgotten():
    book = BanBook(RULES)
    ban = book.next_ban("192.0.2.1", "scanner", 0, "edge-0")
    book.take(ban)
    book.forget(ban.until_ms + RULES.memory_ms - 1)
    assert "192.0.2.1" in book
    book.forget(ban.until_ms + RULES.memory_ms)
    assert "192.0.2.1" not in book and book.is_over(ban, 0)


@pytest.mark.parametrize(
    "data", [b"{}", b"null", b'{"subject":"10.0.0.0/8","made_ms":1,"until_ms":2,"count":1,"reason":"x","by":"y"}']
)
def test_what_is_no_ban_is_refused(data):
    with pytest.raises(PeerError):
        decode_ban(data)
