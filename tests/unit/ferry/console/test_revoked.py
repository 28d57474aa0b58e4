"""Operators on the authority's revocation list are refused; a forged, older or missing list changes nothing."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ferry.console.door import RevokedOperators
from wire_formats.errors import Kind, PeerError, Refused
from wire_formats.inner_web.revocation import RevocationList

NOW = datetime.datetime(2026, 1, 15, tzinfo=datetime.UTC)
NAME = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Persons")])


class Authority:
    """An authority of persons and its lists."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        builder = x509.CertificateBuilder(NAME, NAME, self.key.public_key(), x509.random_serial_number())
        builder = builder.not_valid_before(NOW).not_valid_after(NOW + datetime.timedelta(days=9))
        self.certificate = builder.sign(self.key, hashes.SHA256())

    def list(self, number: int, *serials: int) -> bytes:
        builder = x509.CertificateRevocationListBuilder(NAME, NOW, NOW + datetime.timedelta(days=1))
        builder = builder.add_extension(x509.CRLNumber(number), critical=False)
        for serial in serials:
            revoked = x509.RevokedCertificateBuilder(serial, NOW).build()
            builder = builder.add_revoked_certificate(revoked)
        return builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


@pytest.fixture
def authority() -> Authority:
    return Authority()


def is_out(revoked: RevokedOperators, serial: int) -> bool:
    try:
        revoked.check(serial)
    except Refused as error:
        assert error.kind is Kind.CERTIFICATE_REVOKED
        return True
    return False


def test_who_is_on_the_list_is_out_from_the_next_request_on(tmp_path: Path, authority: Authority) -> None:
    path = tmp_path / "persons.crl"
    revoked = RevokedOperators(path, [authority.certificate])
    assert not is_out(revoked, 7), "no list yet"
    path.write_bytes(authority.list(1, 7))
    assert is_out(revoked, 7)
    assert not is_out(revoked, 8)
    path.write_bytes(authority.list(2, 7, 8))
    assert is_out(revoked, 8)


def test_a_forged_older_broken_or_missing_list_lets_nobody_in_again(tmp_path: Path, authority: Authority) -> None:
    path = tmp_path / "persons.crl"
    path.write_bytes(authority.list(5, 7))
    revoked = RevokedOperators(path, [authority.certificate])
    assert is_out(revoked, 7)
    for data in (Authority().list(9), authority.list(4), b"no list at all", b""):
        path.write_bytes(data)
        assert is_out(revoked, 7), data[:20]
    path.unlink()
    assert is_out(revoked, 7)


def test_without_a_file_only_the_list_of_operators_decides(authority: Authority) -> None:
    assert not is_out(RevokedOperators(None, [authority.certificate]), 7)


def test_a_list_that_cannot_be_used_is_complained_of_until_another_one_comes(
    tmp_path: Path, authority: Authority
) -> None:
    path = tmp_path / "persons.crl"
    found = RevocationList(path, [authority.certificate])
    found.refresh()
    path.write_bytes(authority.list(5, 7))
    found.refresh()
    for data in (b"no list at all", authority.list(4)):
        path.write_bytes(data)
        for _ in range(2):
            with pytest.raises(PeerError):
                found.refresh()
        with pytest.raises(Refused):
            found.check(7)
    path.write_bytes(authority.list(6, 8, 9))
    found.refresh()
    found.check(7)
    path.unlink()
    path.mkdir()
    with pytest.raises(PeerError, match="cannot be read: Is a directory"):
        found.refresh()
    with pytest.raises(Refused):
        found.check(8)
