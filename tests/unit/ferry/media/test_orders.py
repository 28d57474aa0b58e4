"""Orders of the console to the media clerk: believed from this console only, for an operator who is known, and fresh."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferry.acts.act import Shown
from ferry.media.orders import LIFE_MS, MAX_DATA_BYTES, WORDS, Order, order_name, sign_order, verify_order
from ferry.media.troubles import told_error
from tests.support.machines import NOW_MS, MachineAuthority, pem_of
from wire_formats import cose
from wire_formats.errors import Bug, Kind, PeerError, Refused
from wire_formats.suites import SigningKey
from wire_formats.trust import TrustStore

MACHINES = MachineAuthority()
PERSONS = MachineAuthority("Test persons")
CONSOLE = MACHINES.machine("ferry_console", "gatekeeper")
WORKER = MACHINES.machine("worker", "worker-1")
LI, ZHAO = PERSONS.operator("li"), PERSONS.operator("zhao")
KNOWN_MACHINES = MACHINES.trust([CONSOLE, WORKER])
OPERATORS = TrustStore.from_pem([PERSONS.pem], [pem_of(LI)])
WHOLE = Order("sign", "ferry_high", NOW_MS, "WH-0001", "/mnt/usb 介质", bytes(range(16)), b"\r\n\0signature")


def signed(order: Order = WHOLE, *, operator: SigningKey = LI, console: SigningKey = CONSOLE) -> bytes:
    return sign_order(order, Shown(operator.kid, 77), console)


def refused(data: bytes, *, half: str = "ferry_high", now_ms: int = NOW_MS) -> Kind:
    with pytest.raises(PeerError) as error:
        verify_order(data, OPERATORS, KNOWN_MACHINES, half=half, now_ms=now_ms)
    return error.value.kind


def test_what_was_asked_comes_back_with_who_asked() -> None:
    data = signed()
    verified = verify_order(data, OPERATORS, KNOWN_MACHINES, half="ferry_high", now_ms=NOW_MS)
    assert (verified.order, verified.operator.name, verified.name) == (WHOLE, "li", order_name(data))


@pytest.mark.parametrize("word", WORDS)
def test_every_word_may_come_bare(word: str) -> None:
    order = Order(word, "ferry_high", NOW_MS)
    assert verify_order(signed(order), OPERATORS, KNOWN_MACHINES, half="ferry_high", now_ms=NOW_MS).order == order


def test_nobody_else_is_believed() -> None:
    assert refused(signed(console=WORKER)) is Kind.WRONG_ROLE
    assert refused(signed(console=LI)) is Kind.UNKNOWN_SIGNER
    assert refused(signed(operator=ZHAO)) is Kind.UNKNOWN_SIGNER
    assert refused(signed(), half="ferry_low") is Kind.WRONG_ROLE
    data = signed()
    assert refused(data[:-1] + bytes([data[-1] ^ 1])) is Kind.BAD_SIGNATURE


def test_an_order_lives_for_ten_minutes() -> None:
    assert refused(signed(), now_ms=NOW_MS + LIFE_MS) is Kind.REPLAYED
    assert refused(signed(Order("look", "ferry_high", NOW_MS + 600_000))) is Kind.FROM_THE_FUTURE


@pytest.mark.parametrize(
    "order",
    [
        Order("burn", "ferry_high", NOW_MS),
        Order("look", "ferry_high", NOW_MS, text="a\nb"),
        Order("look", "ferry_high", NOW_MS, text="x" * 256),
        Order("lost", "ferry_high", NOW_MS, serial="../x"),
        Order("write", "ferry_high", NOW_MS, export=b"short"),
        Order("sign", "ferry_high", NOW_MS, data=b"x" * (MAX_DATA_BYTES + 1)),
    ],
    ids=["word", "line break", "long", "serial", "export", "data"],
)
def test_what_is_outside_the_grammar_is_refused(order: Order) -> None:
    assert refused(signed(order)) is Kind.MALFORMED


def test_reasons_are_told_in_both_languages() -> None:
    told = told_error(Refused(Kind.CONFLICT, "medium WH-0001 is exported: it cannot become imported"))
    assert told.zh == "介质 WH-0001 目前状态为已导出，不能变为已导入（FG-2021）"
    assert told.en == "medium WH-0001 is exported: it cannot become imported (FG-2021)"
    assert told_error(PeerError(Kind.UNKNOWN_SIGNER, "one operator signed twice")).zh.startswith("同一操作员签了两次")
    unknown = told_error(Bug(Kind.BUG, "something new"))
    assert "something new" in unknown.zh
    assert "FG-9001" in unknown.en


GOOD = cose.parse_sign1(signed()).payload


@given(st.binary(max_size=200) | st.tuples(st.integers(0, len(GOOD) - 1), st.integers(1, 255)))
def test_any_bytes_that_the_console_signed_give_an_order_or_a_refusal(change: bytes | tuple[int, int]) -> None:
    payload = change if isinstance(change, bytes) else _flipped(*change)
    message = cose.sign1(payload, CONSOLE, external=b"ferrygate media order 1")
    try:
        verified = verify_order(message, OPERATORS, KNOWN_MACHINES, half="ferry_high", now_ms=NOW_MS)
    except PeerError:
        return
    assert verified.operator.name == "li"
    assert verified.order.word in WORDS


def _flipped(at: int, by: int) -> bytes:
    return GOOD[:at] + bytes([GOOD[at] ^ by]) + GOOD[at + 1 :]
