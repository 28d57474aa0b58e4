from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ca.lifecycle import (
    KEY_TRANSITIONS,
    CertificateEvent,
    CertificateState,
    IllegalMoveError,
    KeyEvent,
    KeyState,
    next_certificate_state,
    next_key_state,
)
from ca.serials import is_house_serial, new_serial, serial_text, shard_of
from ca.slip_codes import (
    ALPHABET,
    CODE_SYMBOLS,
    PASSWORD_SYMBOLS,
    HeldSecrets,
    WrongCodeError,
    grouped,
    hold,
    is_number,
    new_slip,
    open_held,
    typed,
)
from tests.support.authority import OsRandomness

RANDOM = OsRandomness()
PEPPER = b"p" * 32


class Fixed:
    def __init__(self, octet: int) -> None:
        self.octet = octet

    def bytes(self, count: int, /) -> bytes:
        return bytes([self.octet]) * count


@given(st.integers(1, 64), st.integers(0, 255))
def test_every_serial_has_sixteen_octets_and_names_its_shard(shards, octet):
    serial = new_serial(Fixed(octet), shards=shards)
    assert serial.bit_length() in (127, 128 - 1)
    assert is_house_serial(serial)
    assert shard_of(serial) == octet % shards
    assert len(serial_text(serial)) == 32 and int(serial_text(serial), 16) == serial


@pytest.mark.parametrize("serial", [0, 1, -5, 1 << 127, 1 << 160, (0x20 << 120) | 7])
def test_foreign_serials_are_not_the_house_s(serial):
    assert not is_house_serial(serial)
    with pytest.raises(ValueError):
        shard_of(serial)


@pytest.mark.parametrize("shards", [0, 65])
def test_shards_are_bounded(shards):
    with pytest.raises(ValueError):
        new_serial(RANDOM, shards=shards)


def test_serials_do_not_repeat():
    assert len({new_serial(RANDOM) for _ in range(2000)}) == 2000


def test_the_alphabet_has_no_look_alikes_and_gives_sixty_bits():
    assert len(ALPHABET) == 32 == len(set(ALPHABET))
    assert not set("01OI") & set(ALPHABET)
    assert PASSWORD_SYMBOLS * 5 >= 60 and CODE_SYMBOLS * 5 >= 60


@given(st.integers(0, 9), st.sampled_from(ALPHABET))
def test_a_single_wrong_symbol_in_a_number_is_noticed(place, symbol):
    number = new_slip(RANDOM).number
    changed = number[:place] + symbol + number[place + 1 :]
    assert is_number(number)
    assert is_number(changed) == (changed == number)


@given(st.text(max_size=80))
def test_typed_text_never_fails(text):
    is_number(typed(text))


def test_people_may_type_separators_and_small_letters():
    slip = new_slip(RANDOM)
    assert typed(f" {grouped(slip.number).lower()} ") == slip.number


def test_held_secrets_open_with_the_code_only():
    slip = new_slip(RANDOM)
    held = hold(slip, pepper=PEPPER, randomness=RANDOM)
    assert open_held(slip.number, slip.code, held, pepper=PEPPER) == slip.password
    with pytest.raises(WrongCodeError):
        open_held(slip.number, new_slip(RANDOM).code, held, pepper=PEPPER)
    with pytest.raises(WrongCodeError):
        open_held(slip.number, slip.code, held, pepper=b"q" * 32)
    with pytest.raises(WrongCodeError):
        open_held(new_slip(RANDOM).number, slip.code, held, pepper=PEPPER)


def test_an_altered_wrap_does_not_open():
    slip = new_slip(RANDOM)
    held = hold(slip, pepper=PEPPER, randomness=RANDOM)
    altered = HeldSecrets(held.salt, held.check, held.wrapped[:-1] + bytes([held.wrapped[-1] ^ 1]))
    with pytest.raises(WrongCodeError):
        open_held(slip.number, slip.code, altered, pepper=PEPPER)


def test_a_short_pepper_is_refused_and_reprs_show_nothing():
    slip = new_slip(RANDOM)
    with pytest.raises(ValueError):
        hold(slip, pepper=b"short", randomness=RANDOM)
    assert slip.code not in repr(slip) and slip.password not in repr(slip)


def test_the_key_life_has_exactly_these_moves():
    moves = {(old, event): new for (old, event), new in KEY_TRANSITIONS.items()}
    for state in KeyState:
        for event in KeyEvent:
            if (state, event) in moves:
                assert next_key_state(state, event) is moves[state, event]
            else:
                with pytest.raises(IllegalMoveError):
                    next_key_state(state, event)
    assert not any(old is KeyState.REVOKED for old, _ in moves)


def test_a_certificate_is_signed_once_and_ends_once():
    assert next_certificate_state(CertificateState.RECORDED, CertificateEvent.SIGN) is CertificateState.ISSUED
    for state, event in (
        (CertificateState.ISSUED, CertificateEvent.SIGN),
        (CertificateState.ABANDONED, CertificateEvent.SIGN),
        (CertificateState.REVOKED, CertificateEvent.REVOKE),
        (CertificateState.RECORDED, CertificateEvent.REVOKE),
    ):
        with pytest.raises(IllegalMoveError):
            next_certificate_state(state, event)
