"""The certificate before it is signed: one builder from profile, holder, key, issuer and dates.

Whoever signs it (the throwaway key for the lint, then the issuing key), the part to be signed
has the same bytes: issuer name, authority key identifier and algorithm come from the real
issuer, never from the key that happens to sign.

Source: RFC 5280 section 4; research/pki.md section 7 point 3.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

from cryptography import x509

from ca.key_kinds import PublicKey
from ca.names import Holder, alternative_names, subject_of
from ca.oids import EXTENDED_KEY_USAGES, policy_oid
from ca.profile_table import KEY_USAGES, Profile
from wire_formats.instants import DAY_MS, MINUTE_MS, SECOND_MS

_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class Template:
    """All that decides a certificate's bytes, except the signature.

    Attributes:
        issuer: the issuing certificate; None for a certificate that signs itself.
        not_before_ms: whole seconds, as milliseconds since 1970.
        not_after_ms: the same.
    """

    profile: Profile
    holder: Holder
    key: PublicKey
    issuer: x509.Certificate | None
    serial: int
    not_before_ms: int
    not_after_ms: int


def moment(instant_ms: int) -> dt.datetime:
    """Return an instant as the datetime that X.509 builders take."""
    return _EPOCH + dt.timedelta(milliseconds=instant_ms)


def instant(when: dt.datetime) -> int:
    """Return a datetime as milliseconds since 1970."""
    return (when - _EPOCH) // dt.timedelta(milliseconds=1)


def validity(profile: Profile, issuer: x509.Certificate | None, now_ms: int) -> tuple[int, int]:
    """Return not-before and not-after, in whole seconds, within the issuer's own life."""
    start = (now_ms - profile.backdate_minutes * MINUTE_MS) // SECOND_MS * SECOND_MS
    end = now_ms // SECOND_MS * SECOND_MS + profile.validity_days * DAY_MS
    if issuer is not None:
        start = max(start, instant(issuer.not_valid_before_utc))
        end = min(end, instant(issuer.not_valid_after_utc))
    return start, end


def builder_for(template: Template) -> x509.CertificateBuilder:
    """Return the builder of a template's certificate.

    Raises:
        Refused: RULE, when the holder's names are outside the grammar.
    """
    profile = template.profile
    subject = subject_of(profile, template.holder)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(template.issuer.subject if template.issuer else subject)
        .public_key(template.key)
        .serial_number(template.serial)
        .not_valid_before(moment(template.not_before_ms))
        .not_valid_after(moment(template.not_after_ms))
    )
    for extension, critical in _extensions(template):
        builder = builder.add_extension(extension, critical=critical)
    return builder


def key_usage(profile: Profile) -> x509.KeyUsage:
    """Return the key usage extension of a profile."""
    wanted = {name: name in profile.key_usage for name in KEY_USAGES}
    return x509.KeyUsage(
        digital_signature=wanted["digital_signature"],
        content_commitment=False,
        key_encipherment=wanted["key_encipherment"],
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=wanted["key_cert_sign"],
        crl_sign=wanted["crl_sign"],
        encipher_only=False,
        decipher_only=False,
    )


def authority_key_identifier(issuer: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    """Return the identifier that names an issuer's key."""
    own = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own)


def _extensions(template: Template) -> list[tuple[x509.ExtensionType, bool]]:
    profile = template.profile
    path = profile.path_length if profile.authority else None
    out: list[tuple[x509.ExtensionType, bool]] = [
        (x509.BasicConstraints(ca=profile.authority, path_length=path), True),
        (key_usage(profile), True),
        (x509.SubjectKeyIdentifier.from_public_key(template.key), False),
    ]
    if template.issuer is not None:
        out.append((authority_key_identifier(template.issuer), False))
    if profile.extended_key_usage:
        usages = [EXTENDED_KEY_USAGES[name] for name in profile.extended_key_usage]
        out.append((x509.ExtendedKeyUsage(usages), False))
    if profile.policies:
        policies = [x509.PolicyInformation(policy_oid(number), None) for number in profile.policies]
        out.append((x509.CertificatePolicies(policies), False))
    names = alternative_names(profile, template.holder)
    if names:
        out.append((x509.SubjectAlternativeName(list(names)), False))
    return out
