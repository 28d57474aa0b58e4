"""Issuing: reserve, lint, record, sign, compare, store, log. Nothing is signed that was not recorded.

    reserve   draw a serial number
    lint      sign with a throwaway key, hold the result against the house rules
    record    write the bytes to be signed into the ledger, commit
    sign      with the issuing key
    compare   the signed bytes equal the recorded ones, the signature verifies
    store     the certificate, the log row and the caller's own rows in one commit

A crash at any point leaves a recorded row. `reconcile` gives such rows up: the serial goes on
the deny list (a signature may exist), the slip stays enabled and its holder asks again.

Source: research/pki.md section 7 point 3 (after boulder's ISSUANCE-CYCLE); F5; DESIGN invariant 9.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import Connection
from twisted.logger import Logger

from ca import certificate_rows, hash_log
from ca.authority_keys import AuthorityKey
from ca.key_kinds import KEY_KINDS, PrivateKey, PublicKey, kind_name_of, kind_of_private, spki_of
from ca.ledger import Ledger
from ca.lifecycle import RevocationReason
from ca.lint import LintError, check
from ca.metrics import CaMetrics
from ca.names import Holder
from ca.profile_table import Profile
from ca.serials import new_serial, serial_text
from ca.template import Template, builder_for, validity
from wire_formats.collaborators import Clock, Randomness
from wire_formats.errors import Bug, Kind, Refused
from wire_formats.instants import MINUTE_MS

RECONCILE_AGE_MS: Final = MINUTE_MS
RECONCILER: Final = "reconciler"


@dataclass(frozen=True, slots=True)
class Order:
    """A certificate somebody asked for.

    Attributes:
        profile: name of the profile.
        key: the public key; proof that the asker holds its private half is the caller's duty.
        key_number: the slip it comes from, if any.
        operator: who answers for it, for the log.
    """

    profile: str
    holder: Holder
    key: PublicKey
    operator: str
    key_number: str | None = None


@dataclass(frozen=True, slots=True)
class IssuedCertificate:
    """A certificate in force, with the way up to the root (root last)."""

    serial: str
    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]


@dataclass(frozen=True, slots=True)
class IssuingParts:
    """What issuing needs of its surroundings."""

    ledger: Ledger
    profiles: Mapping[str, Profile]
    authorities: Mapping[str, AuthorityKey]
    clock: Clock
    randomness: Randomness
    metrics: CaMetrics = field(repr=False)
    shards: int = 1


Also = Callable[[Connection, IssuedCertificate], None]


def sign_with(key: PrivateKey, builder: x509.CertificateBuilder) -> x509.Certificate:
    """Sign with the digest of the key's kind."""
    return builder.sign(key, kind_of_private(key).digest())


def throwaway_certificate(template: Template) -> x509.Certificate:
    """Sign a template with a fresh key of the issuer's kind, which is forgotten at once."""
    signer = template.issuer.public_key() if template.issuer else template.key
    name = kind_name_of(signer)
    if name is None:
        raise LintError(("issuer key is of a kind no row knows",))
    return sign_with(KEY_KINDS[name].generate(), builder_for(template))


def compare(signed: x509.Certificate, recorded: bytes, issuer: x509.Certificate) -> None:
    """Check that what was signed is what was recorded.

    Raises:
        Bug: other bytes, or a signature that does not verify.
    """
    if signed.tbs_certificate_bytes != recorded:
        raise Bug(Kind.BUG, "signed bytes differ from the recorded ones")
    try:
        signed.verify_directly_issued_by(issuer)
    except (InvalidSignature, ValueError, TypeError):
        raise Bug(Kind.BUG, "the new signature does not verify") from None


class Issuer:
    """Issues end-entity certificates under the authorities it holds."""

    log = Logger()

    def __init__(self, parts: IssuingParts) -> None:
        self._parts = parts

    def issue(self, order: Order, also: Also | None = None) -> IssuedCertificate:
        """Issue one certificate.

        Args:
            order: what was asked for.
            also: run inside the transaction that stores the certificate; if it raises, the
                certificate is given up.

        Raises:
            Refused: RULE, names or key outside the profile, or a key that was used before.
            Unavailable: the ledger does not answer.
            Bug: what was signed is not what was recorded.
        """
        profile, authority = self._profile(order.profile)
        template = self._template(order, profile, authority)
        tbs = self._lint(template)
        serial = self._record(order, template, tbs)
        certificate = sign_with(authority.key, builder_for(template))
        compare(certificate, tbs, authority.certificate)
        issued = IssuedCertificate(serial, certificate, authority.chain)
        self._store(order, issued, also)
        self._parts.metrics.signed(order.profile)
        self.log.info("certificate_issued", profile=order.profile, serial=serial)
        return issued

    def reconcile(self) -> int:
        """Give up certificates that were recorded a minute ago and never completed.

        Returns:
            How many there were.
        """
        parts = self._parts
        now = parts.clock.now_ms()
        with parts.ledger.transaction() as connection:
            waiting = certificate_rows.waiting_since(connection, now - RECONCILE_AGE_MS)
            end = certificate_rows.Revocation(RevocationReason.CESSATION_OF_OPERATION, now, RECONCILER)
            for serial in waiting:
                hash_log.append(connection, now, "certificate_abandoned", serial=serial)
                certificate_rows.abandon(connection, serial, end)
        if waiting:
            self.log.warn("certificates_abandoned", count=len(waiting))
        return len(waiting)

    def _profile(self, name: str) -> tuple[Profile, AuthorityKey]:
        profile = self._parts.profiles.get(name)
        authority = self._parts.authorities.get(profile.issuer) if profile else None
        if profile is None or authority is None or profile.authority:
            raise Refused(Kind.RULE, "no such profile at this desk")
        return profile, authority

    def _template(self, order: Order, profile: Profile, authority: AuthorityKey) -> Template:
        start, end = validity(profile, authority.certificate, self._parts.clock.now_ms())
        return Template(
            profile=profile,
            holder=order.holder,
            key=order.key,
            issuer=authority.certificate,
            serial=new_serial(self._parts.randomness, shards=self._parts.shards),
            not_before_ms=start,
            not_after_ms=end,
        )

    def _lint(self, template: Template) -> bytes:
        certificate = throwaway_certificate(template)
        try:
            check(certificate, template, now_ms=self._parts.clock.now_ms())
        except LintError as error:
            self._parts.metrics.lint_refused()
            raise Refused(Kind.RULE, f"lint: {error}") from None
        return certificate.tbs_certificate_bytes

    def _record(self, order: Order, template: Template, tbs: bytes) -> str:
        serial = serial_text(template.serial)
        spki = spki_of(order.key)
        now = self._parts.clock.now_ms()
        intent = certificate_rows.Intent(
            serial=serial,
            issuer=template.profile.issuer,
            profile=order.profile,
            holder=holder_text(template.profile, order.holder),
            spki=spki,
            tbs=tbs,
            not_before_ms=template.not_before_ms,
            not_after_ms=template.not_after_ms,
            key_number=order.key_number,
        )
        with self._parts.ledger.transaction() as connection:
            if certificate_rows.spki_known(connection, spki):
                raise Refused(Kind.RULE, "this key already had a certificate; make a new one")
            certificate_rows.record(connection, intent, now)
        return serial

    def _store(self, order: Order, issued: IssuedCertificate, also: Also | None) -> None:
        now = self._parts.clock.now_ms()
        der = issued.certificate.public_bytes(Encoding.DER)
        with self._parts.ledger.transaction() as connection:
            hash_log.append(
                connection,
                now,
                "certificate_issued",
                serial=issued.serial,
                profile=order.profile,
                operator=order.operator,
                number=order.key_number,
            )
            certificate_rows.complete(connection, issued.serial, der=der, now_ms=now)
            if also is not None:
                also(connection, issued)


def holder_text(profile: Profile, holder: Holder) -> str:
    """Return how the ledger names a holder: `unit:10023456`, `worker:worker-1`, `host:hall.example`."""
    if profile.names == "host":
        return f"host:{holder.hosts[0]}"
    return f"{profile.names_of}:{holder.name}"
