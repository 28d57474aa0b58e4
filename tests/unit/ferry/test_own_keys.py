"""Own keys that cannot be used: one line that names the file, whatever is wrong with it."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from ferry.own_keys import known_signers, public_seal_key, read_own, seal_key, signing_key
from tests.support.ferry_kit import FerryKit
from wire_formats.settings_reader import SettingsError


@pytest.fixture
def home(tmp_path: Path) -> Path:
    FerryKit(tmp_path).write_keys()
    return tmp_path / "ferry_low"


def test_a_key_and_its_certificate_are_read_for_any_of_the_roles_asked_for(home: Path) -> None:
    key = signing_key(home / "key.pem", home / "certificate.pem", "ferry_high", "ferry_low")
    assert key.certificate.public_bytes(serialization.Encoding.PEM) in (home / "certificate.pem").read_bytes()
    with pytest.raises(
        SettingsError, match="certificate.pem: not a certificate for the role ferry_high or ferry_console"
    ):
        signing_key(home / "key.pem", home / "certificate.pem", "ferry_high", "ferry_console")


def test_a_key_that_wants_a_passphrase_is_refused_by_name(home: Path) -> None:
    key = serialization.load_pem_private_key((home / "key.pem").read_bytes(), None)
    locked = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"secret"),
    )
    (home / "key.pem").write_bytes(locked)
    with pytest.raises(SettingsError, match=r"key\.pem: "):
        signing_key(home / "key.pem", home / "certificate.pem", "ferry_low")


@pytest.mark.parametrize("data", [b"", b"no key at all", bytes(31)])
def test_what_is_no_key_is_refused_by_name(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "some.key"
    path.write_bytes(data)
    for read in (seal_key, public_seal_key):
        with pytest.raises(SettingsError, match=r"some\.key: "):
            read(path)
    with pytest.raises(SettingsError, match=r"some\.key: "):
        signing_key(path, path, "ferry_low")


def test_a_certificate_of_a_foreign_issuer_is_refused_by_name(tmp_path: Path, home: Path) -> None:
    FerryKit(tmp_path / "other").write_keys()
    foreign = tmp_path / "other" / "ferry_low" / "certificate.pem"
    with pytest.raises(SettingsError, match=r"certificate\.pem: no trusted issuer signed"):
        known_signers(home / "issuers.pem", foreign)


def test_a_missing_file_says_what_makes_it(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="none: No such file or directory; `ferrygate up` makes it"):
        read_own(tmp_path / "none")
