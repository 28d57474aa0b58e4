"""The CA's word on a server's certificate: good, revoked, and not for certificates of others."""

from __future__ import annotations

import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import ocsp

from ca import cli
from ca.ocsp import NEXT_UPDATE_DAYS, is_fresh, make_response
from ca.template import moment
from tests.support.test_ca import HallAuthority
from wire_formats.errors import Refused
from wire_formats.instants import DAY_MS


@pytest.fixture
def server(rig):
    return x509.load_pem_x509_certificate(rig.files.certificate("dmz", "server").read_bytes())


def test_set_up_puts_a_response_beside_the_servers_certificate(rig, server):
    response = ocsp.load_der_ocsp_response(rig.files.staple.read_bytes())
    assert response.certificate_status is ocsp.OCSPCertStatus.GOOD
    assert response.serial_number == server.serial_number
    assert rig.files.staple.stat().st_mode & 0o044 == 0o044


def test_a_good_certificate(authority, rig, server):
    now = rig.clock.now_ms()
    issuer = authority.authorities["issuing_machines"]
    response = ocsp.load_der_ocsp_response(make_response(authority.ledger, issuer, server, now_ms=now))
    assert response.response_status is ocsp.OCSPResponseStatus.SUCCESSFUL
    assert response.certificate_status is ocsp.OCSPCertStatus.GOOD
    assert response.this_update_utc == moment(now).replace(microsecond=0)
    assert response.next_update_utc == moment(now + NEXT_UPDATE_DAYS * DAY_MS).replace(microsecond=0)
    assert response.signature_hash_algorithm is not None
    issuer.certificate.public_key().verify(
        response.signature, response.tbs_response_bytes, ec.ECDSA(response.signature_hash_algorithm)
    )


def test_a_revoked_certificate(authority, rig, server):
    authority.revoker.revoke(f"{server.serial_number:032x}", reason="key_compromise", operator="x")
    issuer = authority.authorities["issuing_machines"]
    data = make_response(authority.ledger, issuer, server, now_ms=rig.clock.now_ms())
    response = ocsp.load_der_ocsp_response(data)
    assert response.certificate_status is ocsp.OCSPCertStatus.REVOKED
    assert response.revocation_reason is x509.ReasonFlags.key_compromise


def test_it_is_fresh_for_half_of_its_life_and_for_its_own_certificate(rig, server, tmp_path):
    now, half = rig.clock.now_ms(), NEXT_UPDATE_DAYS * DAY_MS // 2
    assert is_fresh(rig.files.staple, server, now_ms=now)
    assert is_fresh(rig.files.staple, server, now_ms=now + half - DAY_MS)
    assert not is_fresh(rig.files.staple, server, now_ms=now + half)
    assert not is_fresh(rig.files.staple, HallAuthority().server().certificate, now_ms=now)
    assert not is_fresh(tmp_path / "none", server, now_ms=now)
    (tmp_path / "bad").write_bytes(b"no response")
    assert not is_fresh(tmp_path / "bad", server, now_ms=now)


def test_openssl_accepts_it(authority, rig, server, tmp_path):
    path = tmp_path / "server.ocsp"
    certificate = rig.files.certificate("dmz", "server")
    lines = cli.write_staple(authority, certificate, path, clock=rig.clock)
    assert lines == [f"wrote {path}, good for 7 days"]
    issuers = rig.files.trust("dmz", "machine_issuers.pem")
    command = ["openssl", "ocsp", "-respin", path, "-issuer", issuers, "-cert", certificate, "-CAfile", issuers]
    told = subprocess.run(
        [*command, "-attime", str(rig.clock.now_ms() // 1000)], capture_output=True, text=True, check=False
    )
    assert "Response verify OK" in told.stderr, told.stderr


def test_certificates_of_others_and_of_nobody(authority, rig, tmp_path):
    issuer = authority.authorities["issuing_machines"]
    foreign = HallAuthority().server().certificate
    with pytest.raises(Refused):
        make_response(authority.ledger, issuer, foreign, now_ms=rig.clock.now_ms())
    other = authority.authorities["issuing_persons"]
    ours = x509.load_pem_x509_certificate(rig.files.certificate("dmz", "server").read_bytes())
    with pytest.raises(Refused):
        make_response(authority.ledger, other, ours, now_ms=rig.clock.now_ms())
    for text in (HallAuthority().server().chain_pem, b"no certificate"):
        path = tmp_path / "other.pem"
        path.write_bytes(text)
        with pytest.raises(Refused):
            cli.write_staple(authority, path, tmp_path / "out", clock=rig.clock)
    assert not (tmp_path / "out").exists()
