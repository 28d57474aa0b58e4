from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.rules.contribution import BaseLimits, Rate, base_of, contribution
from core.rules.late_fee import late_fee
from core.rules.money import MAX_FEN, clamp, share
from core.rules.months import from_text, shift, to_text
from wire_formats.field_kinds import yuan_text

amounts = st.integers(0, MAX_FEN)
points = st.integers(0, 10_000)
months = st.builds(lambda y, m: y * 100 + m, st.integers(1995, 2190), st.integers(1, 12))


@given(amounts, points)
def test_share_equals_decimal_half_up(amount: int, rate: int) -> None:
    exact = Decimal(amount) * Decimal(rate) / Decimal(10_000)
    assert share(amount, rate) == int(exact.quantize(Decimal(1), ROUND_HALF_UP))


@given(amounts, points)
def test_share_of_a_part_is_never_more_than_the_whole(amount: int, rate: int) -> None:
    assert 0 <= share(amount, rate) <= amount


@pytest.mark.parametrize(("amount", "rate"), [(-1, 1), (MAX_FEN + 1, 1), (1, -1)])
def test_share_refuses_what_cannot_be(amount: int, rate: int) -> None:
    with pytest.raises(ValueError, match="out of range"):
        share(amount, rate)


def test_half_a_fen_goes_up() -> None:
    assert share(1, 5_000) == 1
    assert share(1, 4_999) == 0


@given(amounts, amounts, amounts)
def test_clamp_stays_between(amount: int, one: int, other: int) -> None:
    floor, ceiling = sorted((one, other))
    clamped = clamp(amount, floor, ceiling)
    assert floor <= clamped <= ceiling
    assert clamp(clamped, floor, ceiling) == clamped
    assert clamped == amount or not floor <= amount <= ceiling


def test_clamp_refuses_limits_in_disorder() -> None:
    with pytest.raises(ValueError, match="floor"):
        clamp(1, 3, 2)


@given(st.integers(-MAX_FEN, MAX_FEN))
def test_yuan_reads_back(amount: int) -> None:
    assert int(Decimal(yuan_text(amount)) * 100) == amount


LIMITS = BaseLimits(422_400, 2_112_000, 704_000)


@given(st.integers(0, 10**10))
def test_base_is_within_limits_and_monotonic(wage: int) -> None:
    assert LIMITS.floor_fen <= base_of(wage, LIMITS) <= LIMITS.ceiling_fen
    assert base_of(wage, LIMITS) <= base_of(wage + 1, LIMITS)


def test_published_deduction_of_522_yuan() -> None:
    """8 % + 2 % + 0.3 % + 7.00 on a base of 5 000 yuan: a company's published figure."""
    rates = {"110": Rate(1600, 800), "310": Rate(870, 200, 700), "210": Rate(70, 30)}
    assert sum(contribution(code, 500_000, rate).employee_fen for code, rate in rates.items()) == 52_200


def test_limits_must_be_in_order() -> None:
    with pytest.raises(ValueError, match="limits"):
        BaseLimits(2, 1, 1)
    with pytest.raises(ValueError, match="wage"):
        base_of(-1, LIMITS)


def test_late_fee_vector() -> None:
    assert late_fee(10_000_000, 30) == 150_000


@given(st.integers(0, 10**12), st.integers(0, 20_000))
def test_late_fee_never_exceeds_the_principal(principal: int, days: int) -> None:
    fee = late_fee(principal, days)
    assert 0 <= fee <= principal
    assert fee <= late_fee(principal, days + 1)


def test_late_fee_refuses_negative_days() -> None:
    with pytest.raises(ValueError, match="days"):
        late_fee(1, -1)


@given(months, st.integers(-60, 60))
def test_shift_goes_back_again(month: int, by: int) -> None:
    assert shift(shift(month, by), -by) == month


@given(months)
def test_month_text_reads_back(month: int) -> None:
    assert from_text(to_text(month)) == month


@pytest.mark.parametrize("text", ["2024-13", "2024-00", "2024-1", "202401", "٢٠٢٤-01", "2024/01", "1989-12", ""])
def test_wrong_months_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="month"):
        from_text(text)
