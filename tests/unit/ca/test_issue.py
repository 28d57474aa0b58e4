from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from cryptography.x509.verification import PolicyBuilder, Store
from sqlalchemy import select

from ca import certificate_rows, hash_log
from ca.issue import RECONCILE_AGE_MS, Order, compare
from ca.key_kinds import KEY_KINDS
from ca.ledger_tables import CERTIFICATE, REVOCATION
from ca.lifecycle import KeyState
from ca.names import Holder
from ca.requests import issue_for_csr
from ca.template import moment
from tests.support.authority import enabled_slip
from tests.support.machines import NOW_MS
from wire_formats.certificate_names import account_of, machine_of
from wire_formats.errors import Bug, Kind, PeerError, Refused

REPOSITORY = Path(__file__).parents[3]


def fresh(kind="ec-p256"):
    return KEY_KINDS[kind].generate()


def order(key=None, profile="client_unit", holder=None):
    return Order(profile, holder or Holder(name="10023456"), (key or fresh()).public_key(), "counter")


def certificates(authority):
    with authority.ledger.transaction() as connection:
        return connection.execute(select(CERTIFICATE)).all()


def states(authority):
    return {row.serial: row.state for row in certificates(authority)}


def test_a_client_certificate_verifies_as_a_client_and_as_nothing_else(authority, rig):
    issued = authority.issuer.issue(order())
    root = x509.load_pem_x509_certificate(rig.files.trust("dmz", "root.pem").read_bytes())
    policy = PolicyBuilder().store(Store([root])).time(moment(NOW_MS))
    verified = policy.build_client_verifier().verify(issued.certificate, [issued.chain[0]])
    assert [name.value for name in verified.subjects] == ["urn:ferrygate:account:unit:10023456"]
    assert account_of(issued.certificate) == ("unit", "10023456")
    with pytest.raises(x509.verification.VerificationError):
        policy.build_server_verifier(x509.DNSName("hall.example")).verify(issued.certificate, [issued.chain[0]])


@pytest.mark.parametrize(
    ("purpose", "accepted"), [("sslclient", True), ("sslserver", False), ("smimesign", False), ("timestampsign", False)]
)
def test_openssl_accepts_it_for_clients_only(authority, rig, tmp_path, purpose, accepted):
    issued = authority.issuer.issue(order())
    leaf = tmp_path / "leaf.pem"
    leaf.write_bytes(issued.certificate.public_bytes(Encoding.PEM))
    done = subprocess.run(
        ["openssl", "verify", "-purpose", purpose, "-x509_strict", "-attime", str(NOW_MS // 1000)]
        + [
            "-CAfile",
            rig.files.trust("dmz", "root.pem"),
            "-untrusted",
            rig.files.trust("dmz", "client_issuers.pem"),
            leaf,
        ],
        capture_output=True,
        check=False,
        timeout=100,
    )
    assert (done.returncode == 0) == accepted, done.stderr


def test_an_rsa_client_is_accepted_and_a_weak_one_is_not(authority):
    assert authority.issuer.issue(order(fresh("rsa-2048"))).serial
    with pytest.raises(Refused) as refused:
        authority.issuer.issue(order(rsa.generate_private_key(65537, 1024)))
    assert refused.value.kind is Kind.RULE


def test_a_key_has_one_certificate_in_its_life(authority):
    key = fresh()
    first = authority.issuer.issue(order(key))
    with pytest.raises(Refused):
        authority.issuer.issue(order(key, holder=Holder(name="other")))
    authority.revoker.revoke(first.serial, reason="superseded", operator="counter")
    with pytest.raises(Refused):
        authority.issuer.issue(order(key))


@pytest.mark.parametrize("profile", ["root", "issuing_persons", "nonsense", ""])
def test_authorities_are_not_issued_here(authority, profile):
    with pytest.raises(Refused):
        authority.issuer.issue(order(profile=profile))


def test_names_outside_the_profile_leave_no_trace(authority):
    before = len(certificates(authority))
    with pytest.raises(Refused):
        authority.issuer.issue(order(holder=Holder(name="a:b")))
    assert len(certificates(authority)) == before


def test_the_recorded_bytes_are_the_signed_bytes(authority):
    issued = authority.issuer.issue(order())
    row = next(row for row in certificates(authority) if row.serial == issued.serial)
    assert row.tbs == issued.certificate.tbs_certificate_bytes
    assert x509.load_der_x509_certificate(row.der) == issued.certificate


def test_other_bytes_or_another_signer_are_noticed(authority):
    one, two = authority.issuer.issue(order()), authority.issuer.issue(order())
    with pytest.raises(Bug):
        compare(one.certificate, two.certificate.tbs_certificate_bytes, one.chain[0])
    with pytest.raises(Bug):
        compare(one.certificate, one.certificate.tbs_certificate_bytes, one.chain[1])


def test_what_the_caller_adds_fails_with_the_certificate(authority):
    def fails(connection, issued):
        raise Refused(Kind.CONFLICT, "no")

    with pytest.raises(Refused):
        authority.issuer.issue(order(), also=fails)
    assert [state for state in states(authority).values() if state != "issued"] == ["recorded"]


@pytest.mark.parametrize("where", ["sign", "store"])
def test_a_process_killed_while_issuing_leaves_a_record_that_is_given_up(authority, rig, where):
    number, code, _ = enabled_slip(authority)
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.dying_authority", rig.root, number, code, where],
        cwd=REPOSITORY,
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == -9, done.stderr
    waiting = [serial for serial, state in states(authority).items() if state == "recorded"]
    assert len(waiting) == 1
    assert authority.issuer.reconcile() == 0, "a minute must pass: another process may still be at it"
    rig.clock.pass_ms(RECONCILE_AGE_MS)
    assert authority.issuer.reconcile() == 1
    assert authority.issuer.reconcile() == 0
    assert states(authority)[waiting[0]] == "abandoned"
    with authority.ledger.transaction() as connection:
        assert connection.execute(select(REVOCATION.c.serial)).scalars().all() == waiting
        assert hash_log.verify(connection).position > 0
    assert authority.slips.status(number).state is KeyState.ENABLED
    assert authority.slips.download(number, code).issued.serial != waiting[0]


def test_a_late_signer_cannot_complete_what_was_given_up(authority, rig):
    def slow(connection, issued):
        raise Refused(Kind.CONFLICT, "slow")

    with pytest.raises(Refused):
        authority.issuer.issue(order(), also=slow)
    rig.clock.pass_ms(RECONCILE_AGE_MS)
    assert authority.issuer.reconcile() == 1
    (serial,) = [serial for serial, state in states(authority).items() if state == "abandoned"]
    with pytest.raises(Bug), authority.ledger.transaction() as connection:
        certificate_rows.complete(connection, serial, der=b"late", now_ms=rig.clock.now_ms())


def request(key, name="ignored", san=()):
    builder = x509.CertificateSigningRequestBuilder().subject_name(
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    )
    if san:
        builder = builder.add_extension(x509.SubjectAlternativeName(list(san)), critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


def test_a_machine_renews_with_a_signing_request(authority):
    pem = request(fresh(), san=[x509.UniformResourceIdentifier("urn:ferrygate:machine:core:core")])
    issued = issue_for_csr(
        authority.issuer, pem, profile="machine_worker", holder=Holder(name="worker-9"), operator="admin"
    )
    assert machine_of(issued.certificate) == ("worker", "worker-9"), "the request's own names count for nothing"


def test_a_server_certificate_verifies_for_its_hosts(authority, rig):
    hosts = Holder(hosts=("hall.example", "127.0.0.1"))
    issued = issue_for_csr(authority.issuer, request(fresh()), profile="server", holder=hosts, operator="admin")
    root = x509.load_pem_x509_certificate(rig.files.trust("dmz", "root.pem").read_bytes())
    verifier = PolicyBuilder().store(Store([root])).time(moment(NOW_MS))
    assert verifier.build_server_verifier(x509.DNSName("hall.example")).verify(issued.certificate, [issued.chain[0]])


def test_a_request_that_proves_nothing_is_refused(authority):
    good = x509.load_pem_x509_csr(request(fresh()))
    der = bytearray(good.public_bytes(Encoding.DER))
    der[-1] ^= 1
    broken = x509.load_der_x509_csr(bytes(der)).public_bytes(Encoding.PEM)
    weak = request(ec.generate_private_key(ec.SECP521R1()))
    for pem, kind in (
        (broken, Kind.BAD_SIGNATURE),
        (b"nonsense", Kind.MALFORMED),
        (b"x" * 9000, Kind.TOO_LARGE),
        (weak, Kind.MALFORMED),
    ):
        with pytest.raises(PeerError) as refused:
            issue_for_csr(authority.issuer, pem, profile="server", holder=Holder(hosts=("a.example",)), operator="x")
        assert refused.value.kind is kind


def test_signatures_are_counted_by_profile(authority, rig):
    before = rig.figure("ca_signatures_total", profile="client_unit")
    authority.issuer.issue(order())
    assert rig.figure("ca_signatures_total", profile="client_unit") == before + 1
