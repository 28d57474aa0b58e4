"""Client certificates without a slip, for trial installations and load drivers.

The same profiles, lint, ledger and log as for everybody; only the slip is left out, because
nobody carries it to a counter. Keys are handed to the caller and kept nowhere here.

Source: E21, E22 (trial and test), F4.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from cryptography.hazmat.primitives.serialization import Encoding

from ca.authority_keys import certificates_pem, key_pem
from ca.issue import Issuer, Order
from ca.key_kinds import KEY_KINDS
from ca.names import Holder
from ca.pkcs12 import make_pkcs12
from ca.profile_table import load_profiles, profile_for_account, profile_for_operator
from ca.slip_codes import new_slip
from ca.template import instant
from wire_formats.collaborators import Randomness

OPERATOR: Final = "trial"
KEY_KIND: Final = "ec-p256"


@dataclass(frozen=True, slots=True)
class TrialAccount:
    """Whose certificate to make."""

    window: str
    account: str
    display: str = ""


@dataclass(frozen=True, slots=True)
class TrialCertificate:
    """A key with its certificate, both ways a client can take them.

    Attributes:
        password: opens the PKCS#12; 12 symbols.
        chain_pem: the certificate, its issuer, the root.
        fingerprint: SHA-256 of the certificate, what an account is bound to (F9).
    """

    account: TrialAccount
    pkcs12: bytes = field(repr=False)
    password: str = field(repr=False)
    key_pem: bytes = field(repr=False)
    chain_pem: bytes
    fingerprint: bytes
    serial: str
    issuer: str
    not_after_ms: int


def issue_operator_certificate(
    issuer: Issuer, role: str, name: str, *, display: str, randomness: Randomness
) -> TrialCertificate:
    """Issue the certificate of a trial operator who signs.

    Raises:
        Refused: RULE, a name outside the grammar.
    """
    profile = profile_for_operator(load_profiles(), role).name
    return _issue(issuer, TrialAccount(role, name, display), profile, randomness)


def issue_trial_certificates(
    issuer: Issuer, accounts: Iterable[TrialAccount], *, randomness: Randomness
) -> Iterator[TrialCertificate]:
    """Issue one certificate per account, lazily.

    Args:
        issuer: of an opened authority.
        accounts: any number; about 50 per second.
        randomness: for the passwords.

    Raises:
        Refused: RULE, an account outside the grammar.
    """
    profiles = load_profiles()
    for account in accounts:
        yield _issue(issuer, account, profile_for_account(profiles, account.window).name, randomness)


def _issue(issuer: Issuer, account: TrialAccount, profile: str, randomness: Randomness) -> TrialCertificate:
    key = KEY_KINDS[KEY_KIND].generate()
    order = Order(
        profile=profile,
        holder=Holder(name=account.account, display=account.display),
        key=key.public_key(),
        operator=OPERATOR,
    )
    issued = issuer.issue(order)
    certificate = issued.certificate
    password = new_slip(randomness).password
    name = f"Ferrygate {account.window} {account.account}"
    return TrialCertificate(
        account=account,
        pkcs12=make_pkcs12(key, certificate, issued.chain, password=password, friendly_name=name),
        password=password,
        key_pem=key_pem(key, None),
        chain_pem=certificate.public_bytes(Encoding.PEM) + certificates_pem(issued.chain),
        fingerprint=hashlib.sha256(certificate.public_bytes(Encoding.DER)).digest(),
        serial=issued.serial,
        issuer=certificate.issuer.rfc4514_string(),
        not_after_ms=instant(certificate.not_valid_after_utc),
    )
