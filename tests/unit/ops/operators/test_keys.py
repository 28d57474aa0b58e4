"""Operators' keys: files under a passphrase, and a PIV card."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates

from ops.cli.faults import CannotRunError
from ops.operators.asking import signing_keys
from ops.operators.key_file import load_key_file
from ops.operators.piv import CardKey, PivCard
from ops.operators.reader import connect
from tests.support.machines import NOW_MS, MachineAuthority, pem_of
from tests.support.piv_card import PivEmulator
from wire_formats.cose import sign1, verify1
from wire_formats.suites import Signing, SigningKey

PERSONS = MachineAuthority("Persons")
LI, WANG = PERSONS.operator("li"), PERSONS.operator("wang")
TRUST = PERSONS.trust([LI, WANG])


def signs(key: Signing) -> str:
    return verify1(sign1(b"payload", key), TRUST, role="gatekeeper", now_ms=NOW_MS).signer.name


def pkcs12(path: Path, key: SigningKey = LI, passphrase: str = "correct") -> Path:
    encryption = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
    path.write_bytes(serialize_key_and_certificates(b"li", key._key, key.certificate, None, encryption))
    return path


def pem(path: Path, passphrase: str = "correct") -> Path:
    encryption = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
    path.write_bytes(LI._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption) + pem_of(LI))
    return path


@pytest.mark.parametrize("make", [pkcs12, pem])
def test_a_key_file_under_a_passphrase(tmp_path: Path, make) -> None:
    path = make(tmp_path / "key")
    assert signs(load_key_file(path, lambda _: "correct")) == "li"
    with pytest.raises(CannotRunError, match="wrong passphrase"):
        load_key_file(path, lambda _: "wrong")
    with pytest.raises(CannotRunError, match="passphrase"):
        load_key_file(path, lambda _: "")


@pytest.mark.parametrize("make", [pkcs12, pem])
@pytest.mark.parametrize("given", ["", "anything"])
def test_a_key_without_a_passphrase_is_refused(tmp_path: Path, make, given: str) -> None:
    path = make(tmp_path / "key", passphrase="")
    with pytest.raises(CannotRunError, match="passphrase"):
        load_key_file(path, lambda _: given)


def test_what_is_no_key(tmp_path: Path) -> None:
    path = tmp_path / "key"
    with pytest.raises(CannotRunError, match="No such file"):
        load_key_file(path, lambda _: "x")
    for data in (b"", b"rubbish", b"-----BEGIN RUBBISH-----", bytes(100_000), pem_of(LI)):
        path.write_bytes(data)
        with pytest.raises(CannotRunError):
            load_key_file(path, lambda _: "x")


def test_a_key_of_somebody_else_than_its_certificate(tmp_path: Path) -> None:
    path = tmp_path / "key"
    key = LI._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"correct"))
    path.write_bytes(key + pem_of(WANG))
    with pytest.raises(CannotRunError, match="does not belong"):
        load_key_file(path, lambda _: "correct")


def test_a_card_signs_after_its_pin() -> None:
    card = PivEmulator(LI._key, LI.certificate)
    key = CardKey(PivCard(card), lambda _: "123456")
    assert signs(key) == "li"
    assert signs(key) == "li", "the PIN is asked again for each signature"
    assert card.signatures == 2


def test_a_wrong_pin_says_how_many_tries_are_left() -> None:
    card = PivEmulator(LI._key, LI.certificate)
    key = CardKey(PivCard(card), lambda _: "000000")
    for left in (2, 1, 0):
        with pytest.raises(CannotRunError, match=f"wrong PIN; {left} tries"):
            key.sign(b"x")
    with pytest.raises(CannotRunError, match="blocked"):
        key.sign(b"x")
    for pin in ("12", "123456789"):
        with pytest.raises(CannotRunError, match="4 to 8"):
            PivCard(card).verify_pin(pin)
    assert card.signatures == 0


def test_a_card_whose_key_is_not_its_certificates_is_found_out() -> None:
    from wire_formats.errors import PeerError

    card = PivEmulator(WANG._key, LI.certificate)
    with pytest.raises(PeerError):
        CardKey(PivCard(card), lambda _: "123456").sign(b"x")


class Other:
    """A card that answers the same to everything."""

    def __init__(self, data: bytes, status: int) -> None:
        self._answer = data, status
        self._first = True

    def close(self) -> None:
        pass

    def transmit(self, apdu: bytes) -> tuple[bytes, int]:
        if apdu[1] == 0xA4:
            return b"", 0x9000
        return self._answer


def test_cards_that_are_none_of_ours() -> None:
    class NoPiv:
        def close(self) -> None:
            pass

        def transmit(self, apdu: bytes) -> tuple[bytes, int]:
            return b"", 0x6A82

    with pytest.raises(CannotRunError, match="no PIV card"):
        PivCard(NoPiv())
    with pytest.raises(CannotRunError, match="no certificate in slot 9C"):
        CardKey(PivCard(PivEmulator(LI._key, LI.certificate, slot=0x9A)), lambda _: "")
    for data in (b"", b"\x53", b"\x53\x05\x70", b"\x53\x84\xff\xff\xff\xff", b"\x53\x02\x70\x00", bytes(300)):
        with pytest.raises(CannotRunError, match="cannot be read"):
            CardKey(PivCard(Other(data, 0x9000)), lambda _: "")
    with pytest.raises(CannotRunError, match="status 61FF"):  # a card that never ends
        CardKey(PivCard(Other(b"x" * 250, 0x61FF)), lambda _: "")


def test_two_cards_in_one_reader(tmp_path: Path) -> None:
    cards = [PivEmulator(LI._key, LI.certificate), PivEmulator(WANG._key, WANG.certificate, pin="654321")]
    pins = iter(("123456", "654321"))
    paused: list[str] = []

    def pause(words: str) -> None:
        assert cards[0].signatures == 1, "the first card has signed before it is taken out"
        assert cards[0].closed
        paused.append(words)

    found = signing_keys(["card", "card"], lambda _: next(pins), pause, reach=lambda _: cards[len(paused)])
    assert [signs(key) for key in found] == ["li", "wang"]
    assert len(paused) == 1


def test_a_file_and_a_card(tmp_path: Path) -> None:
    answers = iter(("correct", "654321"))
    named = [str(pkcs12(tmp_path / "li.p12")), "card:OMNIKEY"]
    asked: list[str] = []

    def reach(name: str) -> PivEmulator:
        asked.append(name)
        return PivEmulator(WANG._key, WANG.certificate, pin="654321")

    found = signing_keys(named, lambda _: next(answers), lambda _: None, reach=reach)
    assert [signs(key) for key in found] == ["li", "wang"]
    assert asked == ["OMNIKEY"]


def test_a_machine_without_readers_says_so() -> None:
    with pytest.raises(CannotRunError, match=r"pyscard|pcscd|no card|no reader"):
        connect("a reader that does not exist")
