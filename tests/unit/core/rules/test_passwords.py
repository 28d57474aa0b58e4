from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.password_hashing import PasswordHashing
from core.rules.passwords import ALPHABET, GENERATED_LENGTH, check_password, generate_password, load_common
from core.service import COMMON_PASSWORDS
from wire_formats.errors import Kind, Refused

COMMON = load_common(COMMON_PASSWORDS)
KNOWN = ("unit1234", "420102198501010010", "91110000600037341L")


def reason(password: str) -> str:
    with pytest.raises(Refused) as caught:
        check_password(password, known=KNOWN, common=COMMON)
    assert caught.value.kind is Kind.WEAK_PASSWORD
    return caught.value.private


def test_short_and_long() -> None:
    assert reason("abcdefghi") == "length"
    assert reason("a" * 129) == "length"


def test_what_the_old_system_did_is_refused() -> None:
    """Digits 12 to 17 of the identity number were the first password once (E18)."""
    assert reason("old" + KNOWN[1][11:17] + "xyz!") == "derivable"
    assert reason(KNOWN[1]) == "derivable"
    assert reason("".join(reversed(KNOWN[1]))) == "derivable"
    assert reason("Unit1234!!zq") == "derivable"


@pytest.mark.parametrize("password", ["password123", "P@ssw0rd123", "Woaini1314520", "1q2w3e4r5t", "ＷＵＨＡＮ123456"])
def test_common_ones_are_refused(password: str) -> None:
    assert reason(password) in {"common", "keyboard run"}


@pytest.mark.parametrize("password", ["1234567890", "0987654321", "qwertyuiop", "abcdefghij", "34567890123"])
def test_runs_are_refused(password: str) -> None:
    assert reason(password) in {"common", "keyboard run"}


def test_few_different_characters() -> None:
    assert reason("aaaabbbbaaaa") == "too few different characters"


def test_a_good_one_passes() -> None:
    check_password("correct horse battery", known=KNOWN, common=COMMON)
    check_password("长江大桥1957年通车了", known=KNOWN, common=COMMON)


@given(st.integers(0, 10**6))
def test_generated_passwords_pass_their_own_rules(seed: int) -> None:
    made = b"".join(hashlib.sha256(b"%d %d" % (seed, part)).digest() for part in range(2))
    password = generate_password(made)
    assert len(password) == GENERATED_LENGTH
    assert set(password) <= set(ALPHABET)
    check_password(password, known=(), common=COMMON)


def test_generation_needs_bytes() -> None:
    with pytest.raises(ValueError, match="few"):
        generate_password(bytes([255]) * 64)


def test_hashing_with_pepper() -> None:
    one, other = PasswordHashing(bytes(32)), PasswordHashing(bytes([1]) * 32)
    stored = one.hash("correct horse")
    one.verify(stored, "correct horse")
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert not one.is_outdated(stored)
    for hashing, password in ((one, "wrong"), (other, "correct horse")):
        with pytest.raises(Refused):
            hashing.verify(stored, password)
    with pytest.raises(Refused):
        one.verify("not a hash", "x")
    with pytest.raises(Refused):
        one.verify(one.nobody, "anything")
