"""The secrets printed on a slip (密码条, F1), and how the ledger holds them.

Three texts leave the authority on paper:

    certificate number     10 symbols, 45 random bits + a check symbol; not secret
    verification code      12 symbols, 60 random bits; opens the download, once
    certificate password   12 symbols, 60 random bits; encrypts the PKCS#12

At rest the ledger keeps, per entry: a salt, a *check* value and the *wrapped* password.

    base  = scrypt(code, salt = salt ‖ number, n = 2^14, r = 8, p = 1)
    prk   = HMAC-SHA-256(pepper, base)
    check = HKDF-Expand(prk, "ferrygate ca slip check")
    key   = HKDF-Expand(prk, "ferrygate ca slip wrap");  wrapped = AES-256-GCM(key, password; aad = number)

So the database alone reveals neither (the pepper is a file elsewhere), and the database
with the pepper still costs a scrypt per guess against 60 bits. Both values are wiped when
the entry is downloaded, locked or revoked.

The alphabet has 32 symbols and none that are read for one another: no 0/O, no 1/I.

Source: F1, F6, E18; research/pki.md sections 2 and 6 (only a keyed hash of the code kept);
RFC 7914 (scrypt), RFC 5869 (HKDF).
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from wire_formats.collaborators import Randomness

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
NUMBER_SYMBOLS = 10
CODE_SYMBOLS = 12
PASSWORD_SYMBOLS = 12
GROUP = 4
SALT_OCTETS = 16
NONCE_OCTETS = 12
MIN_PEPPER_OCTETS = 32
SCRYPT_N = 2**14
SCRYPT_R = 8
SCRYPT_P = 1
MAX_TYPED = 64

_VALUE = {symbol: value for value, symbol in enumerate(ALPHABET)}


class WrongCodeError(ValueError):
    """The verification code does not open this entry."""


@dataclass(frozen=True)
class SlipSecrets:
    """What is printed; kept by nobody else. `repr` shows the number only."""

    number: str
    code: str = field(repr=False)
    password: str = field(repr=False)


@dataclass(frozen=True)
class HeldSecrets:
    """What the ledger keeps of a slip."""

    salt: bytes
    check: bytes
    wrapped: bytes


def _symbols(randomness: Randomness, count: int) -> str:
    # 256 is a multiple of 32, so the low five bits of an octet are even.
    return "".join(ALPHABET[octet & 31] for octet in randomness.bytes(count))


def _check_symbol(body: str) -> str:
    """Luhn's rule over 32 symbols: every single wrong symbol is noticed."""
    total = 0
    for place, symbol in enumerate(reversed(body)):
        value = _VALUE[symbol] * (2 - place % 2)
        total += value // 32 + value % 32
    return ALPHABET[-total % 32]


def grouped(text: str) -> str:
    """Return the text in groups of four, as it is printed: `7K3M-9QXT-2B`."""
    return "-".join(text[start : start + GROUP] for start in range(0, len(text), GROUP))


def typed(text: str) -> str:
    """Return what a person typed without separators, in capitals.

    Args:
        text: at most 64 characters; more becomes the empty text, which opens nothing.
    """
    if len(text) > MAX_TYPED:
        return ""
    return "".join(symbol for symbol in text.upper() if symbol not in " -\t\u3000")


def is_number(text: str) -> bool:
    """Tell whether `text` (ungrouped) is a well-formed certificate number."""
    return (
        len(text) == NUMBER_SYMBOLS
        and all(symbol in _VALUE for symbol in text)
        and _check_symbol(text[:-1]) == text[-1]
    )


def new_slip(randomness: Randomness) -> SlipSecrets:
    """Draw the three texts of a new slip."""
    body = _symbols(randomness, NUMBER_SYMBOLS - 1)
    return SlipSecrets(
        number=body + _check_symbol(body),
        code=_symbols(randomness, CODE_SYMBOLS),
        password=_symbols(randomness, PASSWORD_SYMBOLS),
    )


def _expand(prk: bytes, label: bytes) -> bytes:
    return HKDFExpand(algorithm=hashes.SHA256(), length=32, info=b"ferrygate ca slip " + label).derive(prk)


def _stretch(number: str, code: str, *, salt: bytes, pepper: bytes) -> tuple[bytes, bytes]:
    if len(pepper) < MIN_PEPPER_OCTETS:
        message = f"pepper: at least {MIN_PEPPER_OCTETS} octets"
        raise ValueError(message)
    kdf = Scrypt(salt=salt + number.encode(), length=32, n=SCRYPT_N, r=SCRYPT_R, p=SCRYPT_P)
    prk = hmac.digest(pepper, kdf.derive(code.encode()), "sha256")
    return _expand(prk, b"check"), _expand(prk, b"wrap")


def hold(slip: SlipSecrets, *, pepper: bytes, randomness: Randomness) -> HeldSecrets:
    """Return what the ledger may keep of a slip.

    Args:
        slip: the texts to be printed.
        pepper: at least 32 octets that are not in the database.
        randomness: for the salt and the nonce.

    Raises:
        ValueError: the pepper is too short.
    """
    salt = randomness.bytes(SALT_OCTETS)
    check, key = _stretch(slip.number, slip.code, salt=salt, pepper=pepper)
    nonce = randomness.bytes(NONCE_OCTETS)
    wrapped = nonce + AESGCM(key).encrypt(nonce, slip.password.encode(), slip.number.encode())
    return HeldSecrets(salt=salt, check=check, wrapped=wrapped)


def open_held(number: str, code: str, held: HeldSecrets, *, pepper: bytes) -> str:
    """Return the certificate password that the verification code unlocks.

    Raises:
        WrongCodeError: the code is not this entry's, or what the ledger holds was altered.
    """
    check, key = _stretch(number, code, salt=held.salt, pepper=pepper)
    if not hmac.compare_digest(check, held.check):
        message = "wrong verification code"
        raise WrongCodeError(message)
    nonce, sealed = held.wrapped[:NONCE_OCTETS], held.wrapped[NONCE_OCTETS:]
    try:
        return AESGCM(key).decrypt(nonce, sealed, number.encode()).decode("ascii")
    except (InvalidTag, ValueError):
        message = "the held password does not open"
        raise WrongCodeError(message) from None


def spend_the_same_effort(number: str, code: str, *, pepper: bytes) -> None:
    """Stretch a code for a number that does not exist, so that time tells nothing."""
    _stretch(number, code, salt=bytes(SALT_OCTETS), pepper=pepper)
