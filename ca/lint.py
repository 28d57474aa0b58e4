"""The house lint: every rule a certificate must obey before anything real signs it.

It reads the certificate made with a throwaway key, so it judges the very bytes that would be
signed. General linters overlook most of what matters here (research/pki.md section 2: 8 of 13
planted faults passed); each of those faults has its rule below, and its test.

A rule yields texts (findings), the certificate passes when there are none.

Source: research/pki.md section 2 "Lint"; RFC 5280 section 4; F7.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, TypeVar

from cryptography import x509
from cryptography.x509.oid import ExtensionOID, NameOID

from ca.key_kinds import KEY_KINDS, kind_name_of
from ca.names import alternative_names, subject_of
from ca.oids import ANY_EXTENDED_KEY_USAGE, EXTENDED_KEY_USAGES, policy_oid
from ca.serials import is_house_serial
from ca.template import Template, authority_key_identifier, instant, key_usage, validity

COUNTRIES: Final = ("CN",)
MAX_SUBJECT_ATTRIBUTES: Final = 4
CLOCK_ALLOWANCE_MS: Final = 5_000
_E = TypeVar("_E", bound=x509.ExtensionType)


class LintError(ValueError):
    """The certificate would break a rule; nothing was signed.

    Args:
        findings: fixed texts, without personal data.
    """

    def __init__(self, findings: tuple[str, ...]) -> None:
        super().__init__("; ".join(findings))
        self.findings = findings


def check(certificate: x509.Certificate, template: Template, *, now_ms: int) -> None:
    """Hold a certificate against the house rules and its own profile.

    Args:
        certificate: signed by any key; the signature itself is not judged.
        template: what was ordered.
        now_ms: the instant of issue.

    Raises:
        LintError: with every finding.
    """
    found = tuple(findings(certificate, template, now_ms=now_ms))
    if found:
        raise LintError(found)


def findings(certificate: x509.Certificate, template: Template, *, now_ms: int) -> Iterator[str]:
    """Yield every broken rule, in the order of the certificate's fields."""
    try:
        list(certificate.extensions)
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        yield "extensions cannot be read or occur twice"
        return
    for rule in _RULES:
        yield from rule(certificate, template)
    yield from _dates(certificate, template, now_ms)


def _version_and_serial(certificate: x509.Certificate, template: Template) -> Iterator[str]:
    if certificate.version is not x509.Version.v3:
        yield "not X.509 v3"
    if not is_house_serial(certificate.serial_number):
        yield "serial number was not drawn by the house (120 random bits and a shard)"
    if certificate.serial_number != template.serial:
        yield "serial number differs from the reserved one"


def _signature_algorithm(certificate: x509.Certificate, template: Template) -> Iterator[str]:
    signer = template.issuer.public_key() if template.issuer else template.key
    kind = kind_name_of(signer)
    digest = certificate.signature_hash_algorithm
    if kind is None or digest is None or digest.name != KEY_KINDS[kind].digest().name:
        yield "signature algorithm is not the issuer's"


def _subject(certificate: x509.Certificate, template: Template) -> Iterator[str]:
    if len(list(certificate.subject)) == 0:
        yield "subject is empty"
    if certificate.subject != subject_of(template.profile, template.holder):
        yield "subject is not the profile's"
    if len(list(certificate.subject)) > MAX_SUBJECT_ATTRIBUTES:
        yield "subject has too many attributes"
    for country in certificate.subject.get_attributes_for_oid(NameOID.COUNTRY_NAME):
        if country.value not in COUNTRIES:
            yield "country is not one this authority serves"


def _issuer(certificate: x509.Certificate, template: Template) -> Iterator[str]:
    expected = template.issuer.subject if template.issuer else certificate.subject
    if certificate.issuer != expected:
        yield "issuer name is not the issuing certificate's subject"
    if template.issuer is None:
        if not template.profile.self_signed:
            yield "no issuing certificate"
        return
    constraints = _value(template.issuer, x509.BasicConstraints)
    if constraints is None or not constraints.ca:
        yield "issuing certificate is not an authority"
    elif template.profile.authority and (constraints.path_length or 0) <= template.profile.path_length:
        yield "issuing certificate's path length forbids this authority"


def _key(certificate: x509.Certificate, template: Template) -> Iterator[str]:
    try:
        kind = kind_name_of(certificate.public_key())
    except (ValueError, TypeError):
        kind = None
    if kind not in template.profile.key_kinds:
        yield "public key is too weak or of a kind the profile does not allow"


def _basic_constraints(certificate: x509.Certificate, template: Template) -> Iterator[str]:
    profile = template.profile
    found = _extension(certificate, ExtensionOID.BASIC_CONSTRAINTS)
    path = profile.path_length if profile.authority else None
    if found is None or not found.critical:
        yield "basicConstraints missing or not critical"
    elif found.value != x509.BasicConstraints(ca=profile.authority, path_length=path):
        yield "basicConstraints are not the profile's"


def _key_usage(certificate: x509.Certificate, template: Template) -> Iterator[str]:
    found = _extension(certificate, ExtensionOID.KEY_USAGE)
    if found is None or not found.critical:
        yield "keyUsage missing or not critical"
    elif found.value != key_usage(template.profile):
        yield "keyUsage is not the profile's"


def _extended_key_usage(certificate: x509.Certificate, template: Template) -> Iterator[str]:
    value = _value(certificate, x509.ExtendedKeyUsage)
    given = set(value) if value is not None else set()
    if ANY_EXTENDED_KEY_USAGE in given:
        yield "anyExtendedKeyUsage is never issued"
    if given != {EXTENDED_KEY_USAGES[name] for name in template.profile.extended_key_usage}:
        yield "extendedKeyUsage is not the profile's"


def _identifiers(certificate: x509.Certificate, template: Template) -> Iterator[str]:
    own = _value(certificate, x509.SubjectKeyIdentifier)
    if own != x509.SubjectKeyIdentifier.from_public_key(template.key):
        yield "subjectKeyIdentifier missing or not of this key"
    authority = _value(certificate, x509.AuthorityKeyIdentifier)
    expected = authority_key_identifier(template.issuer) if template.issuer else None
    if authority != expected:
        yield "authorityKeyIdentifier missing or not the issuer's"


def _names(certificate: x509.Certificate, template: Template) -> Iterator[str]:
    value = _value(certificate, x509.SubjectAlternativeName)
    given = tuple(value) if value is not None else ()
    if given != alternative_names(template.profile, template.holder):
        yield "subjectAltName missing or not the holder's"


def _policies(certificate: x509.Certificate, template: Template) -> Iterator[str]:
    value = _value(certificate, x509.CertificatePolicies)
    given = {policy.policy_identifier for policy in value} if value is not None else set()
    if given != {policy_oid(number) for number in template.profile.policies}:
        yield "certificatePolicies are not the profile's"


def _no_other_extension(certificate: x509.Certificate, _template: Template) -> Iterator[str]:
    for extension in certificate.extensions:
        if extension.oid not in _KNOWN:
            yield "an extension no profile has"


def _dates(certificate: x509.Certificate, template: Template, now_ms: int) -> Iterator[str]:
    start, end = instant(certificate.not_valid_before_utc), instant(certificate.not_valid_after_utc)
    earliest, latest = validity(template.profile, template.issuer, now_ms)
    if end <= now_ms:
        yield "certificate is already expired"
    if start > now_ms:
        yield "certificate begins in the future"
    if end <= start:
        yield "certificate ends before it begins"
    if start < earliest - CLOCK_ALLOWANCE_MS or end > latest + CLOCK_ALLOWANCE_MS:
        yield "certificate lives longer than its profile or its issuer allows"


def _extension(certificate: x509.Certificate, oid: x509.ObjectIdentifier) -> x509.Extension[x509.ExtensionType] | None:
    try:
        return certificate.extensions.get_extension_for_oid(oid)
    except x509.ExtensionNotFound:
        return None


def _value(certificate: x509.Certificate, kind: type[_E]) -> _E | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


_KNOWN: Final = frozenset(
    (
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.SUBJECT_KEY_IDENTIFIER,
        ExtensionOID.AUTHORITY_KEY_IDENTIFIER,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.CERTIFICATE_POLICIES,
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
    )
)
_RULES: Final[tuple[Callable[[x509.Certificate, Template], Iterator[str]], ...]] = (
    _version_and_serial,
    _signature_algorithm,
    _subject,
    _issuer,
    _key,
    _basic_constraints,
    _key_usage,
    _extended_key_usage,
    _identifiers,
    _names,
    _policies,
    _no_other_extension,
)
