"""The thirteen planted faults of research/pki.md (seven it names, six of the same kinds), and then some."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ca.issue import throwaway_certificate
from ca.key_kinds import KEY_KINDS
from ca.lint import LintError, check, findings
from ca.names import Holder
from ca.profile_table import load_profiles
from ca.serials import new_serial
from ca.template import Template, builder_for, moment, validity
from tests.support.authority import OsRandomness, make_authority
from tests.support.machines import NOW_MS

PROFILES = load_profiles()


@pytest.fixture(scope="module")
def issuer(tmp_path_factory):
    rig = make_authority(tmp_path_factory.mktemp("lint"))
    authority = rig.open()
    yield authority.authorities["issuing_persons"]
    authority.ledger.close()


@pytest.fixture
def template(issuer):
    start, end = validity(PROFILES["client_unit"], issuer.certificate, NOW_MS)
    return Template(
        profile=PROFILES["client_unit"],
        holder=Holder(name="10023456"),
        key=KEY_KINDS["ec-p256"].generate().public_key(),
        issuer=issuer.certificate,
        serial=new_serial(OsRandomness()),
        not_before_ms=start,
        not_after_ms=end,
    )


def extensions(template):
    """Everything the right certificate has, as (extension, critical)."""
    good = throwaway_certificate(template)
    return [(extension.value, extension.critical) for extension in good.extensions]


def bent(template, *, drop=(), add=(), digest=None, **fields):
    """The right certificate, with some of its parts bent."""
    good = throwaway_certificate(template)
    values = {
        "subject": good.subject,
        "issuer": good.issuer,
        "key": template.key,
        "serial": template.serial,
        "start": good.not_valid_before_utc,
        "end": good.not_valid_after_utc,
        **fields,
    }
    builder = (
        x509.CertificateBuilder()
        .subject_name(values["subject"])
        .issuer_name(values["issuer"])
        .public_key(values["key"])
        .serial_number(values["serial"])
        .not_valid_before(values["start"])
        .not_valid_after(values["end"])
    )
    kept = [(value, critical) for value, critical in extensions(template) if not isinstance(value, tuple(drop))]
    for value, critical in [*kept, *add]:
        builder = builder.add_extension(value, critical=critical)
    return builder.sign(ec.generate_private_key(ec.SECP256R1()), digest or hashes.SHA256())


def subject(*pairs):
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in pairs])


GOOD = [
    (NameOID.COUNTRY_NAME, "CN"),
    (NameOID.ORGANIZATION_NAME, "武汉市人力资源和社会保障局"),
    (NameOID.ORGANIZATIONAL_UNIT_NAME, "Units"),
    (NameOID.COMMON_NAME, "10023456"),
]
NO_USAGE = dict.fromkeys(
    ("content_commitment", "data_encipherment", "key_agreement", "crl_sign", "encipher_only", "decipher_only"), False
)
DAY = dt.timedelta(days=1)

FAULTS = {
    # the seven that a general linter let pass
    "1 serial 1": lambda t: bent(t, serial=1),
    "2 no keyUsage": lambda t: bent(t, drop=[x509.KeyUsage]),
    "3 anyExtendedKeyUsage": lambda t: bent(
        t,
        drop=[x509.ExtendedKeyUsage],
        add=[
            (
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE]),
                False,
            )
        ],
    ),
    "4 RSA-1024": lambda t: bent(t, key=rsa.generate_private_key(65537, 1024).public_key()),
    "5 empty subject": lambda t: bent(t, subject=subject()),
    "6 country ZZ": lambda t: bent(t, subject=subject((NameOID.COUNTRY_NAME, "ZZ"), *GOOD[1:])),
    "7 expired": lambda t: bent(t, start=moment(NOW_MS) - 9 * DAY, end=moment(NOW_MS) - DAY),
    # and six more
    "8 leaf is an authority": lambda t: bent(
        t, drop=[x509.BasicConstraints], add=[(x509.BasicConstraints(ca=True, path_length=None), True)]
    ),
    "9 basicConstraints not critical": lambda t: bent(
        t, drop=[x509.BasicConstraints], add=[(x509.BasicConstraints(ca=False, path_length=None), False)]
    ),
    "10 no authorityKeyIdentifier": lambda t: bent(t, drop=[x509.AuthorityKeyIdentifier]),
    "11 no subjectAltName": lambda t: bent(t, drop=[x509.SubjectAlternativeName]),
    "12 lives too long": lambda t: bent(t, end=moment(NOW_MS) + 1200 * DAY),
    "13 leaf may sign certificates": lambda t: bent(
        t,
        drop=[x509.KeyUsage],
        add=[(x509.KeyUsage(digital_signature=True, key_encipherment=False, key_cert_sign=True, **NO_USAGE), True)],
    ),
    # what else can go wrong here
    "another serial": lambda t: bent(t, serial=new_serial(OsRandomness())),
    "another issuer": lambda t: bent(t, issuer=subject((NameOID.COMMON_NAME, "Somebody"))),
    "another digest": lambda t: bent(t, digest=hashes.SHA512()),
    "another subject": lambda t: bent(t, subject=subject(*GOOD[:3], (NameOID.COMMON_NAME, "99999999"))),
    "five attributes": lambda t: bent(t, subject=subject(*GOOD, (NameOID.LOCALITY_NAME, "武汉"))),
    "another purpose": lambda t: bent(
        t, drop=[x509.ExtendedKeyUsage], add=[(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False)]
    ),
    "another account": lambda t: bent(
        t,
        drop=[x509.SubjectAlternativeName],
        add=[
            (
                x509.SubjectAlternativeName([x509.UniformResourceIdentifier("urn:ferrygate:account:unit:1")]),
                False,
            )
        ],
    ),
    "no policy": lambda t: bent(t, drop=[x509.CertificatePolicies]),
    "another key's identifier": lambda t: bent(
        t,
        drop=[x509.SubjectKeyIdentifier],
        add=[(x509.SubjectKeyIdentifier.from_public_key(KEY_KINDS["ec-p256"].generate().public_key()), False)],
    ),
    "an extension nobody ordered": lambda t: bent(t, add=[(x509.OCSPNoCheck(), False)]),
    "P-384 in a client": lambda t: bent(t, key=KEY_KINDS["ec-p384"].generate().public_key()),
    "begins tomorrow": lambda t: bent(t, start=moment(NOW_MS) + DAY),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_caught(template, fault):
    with pytest.raises(LintError) as caught:
        check(FAULTS[fault](template), template, now_ms=NOW_MS)
    assert caught.value.findings


def test_the_right_certificate_has_no_findings(template):
    assert list(findings(throwaway_certificate(template), template, now_ms=NOW_MS)) == []


def test_a_template_may_not_outlive_its_issuer(template):
    longer = replace(template, not_after_ms=template.not_after_ms + 86_400_000)
    with pytest.raises(LintError):
        check(throwaway_certificate(longer), longer, now_ms=NOW_MS)


def test_the_throwaway_certificate_has_the_bytes_the_issuer_would_sign(template, issuer):
    from ca.issue import sign_with

    signed = sign_with(issuer.key, builder_for(template))
    assert signed.tbs_certificate_bytes == throwaway_certificate(template).tbs_certificate_bytes
    assert signed.signature != throwaway_certificate(template).signature


def test_a_leaf_cannot_issue(template, issuer):
    leaf = throwaway_certificate(template)
    wrong = replace(template, issuer=leaf)
    assert any("not an authority" in text for text in findings(throwaway_certificate(wrong), wrong, now_ms=NOW_MS))
