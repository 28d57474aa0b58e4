"""Opens an authority from its settings: ledger, profiles, issuing keys, pepper, deny key.

The running role and the command line use the same one, on the same ledger.

Source: DESIGN "Zones and packages".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ca.authority_keys import AuthorityKey, load_authority, read_passphrase, read_private
from ca.issue import Issuer, IssuingParts
from ca.ledger import Ledger
from ca.metrics import CaMetrics
from ca.profile_table import load_profiles
from ca.revoke import Revoker
from ca.settings import CaSettings
from ca.slip_codes import MIN_PEPPER_OCTETS
from ca.slips import Slips
from wire_formats.collaborators import Clock, Randomness
from wire_formats.settings_reader import SettingsError
from wire_formats.suites import SigningKey, load_signing_key


@dataclass(frozen=True, slots=True)
class Authority:
    """Everything that acts on one ledger."""

    ledger: Ledger
    authorities: Mapping[str, AuthorityKey]
    issuer: Issuer
    slips: Slips
    revoker: Revoker
    deny_key: SigningKey = field(repr=False)


def open_authority(settings: CaSettings, *, clock: Clock, randomness: Randomness, metrics: CaMetrics) -> Authority:
    """Open ledger and keys.

    Raises:
        SettingsError: a file is missing, open to others, or wrong.
        Unavailable: the ledger does not answer.
    """
    pepper = read_private(settings.pepper_file, "pepper_file")
    if len(pepper) < MIN_PEPPER_OCTETS:
        raise SettingsError(f"{settings.pepper_file}: the pepper needs at least {MIN_PEPPER_OCTETS} octets")
    authorities = load_authorities(settings)
    try:
        deny_key = load_signing_key(read_private(settings.deny_key, "deny_key"), settings.deny_certificate.read_bytes())
    except (OSError, ValueError):
        raise SettingsError(
            f"{settings.deny_certificate}: the deny list's key and certificate cannot be used"
        ) from None
    ledger = Ledger.open(settings.database)
    parts = IssuingParts(
        ledger=ledger,
        profiles=load_profiles(),
        authorities=authorities,
        clock=clock,
        randomness=randomness,
        metrics=metrics,
        shards=settings.shards,
    )
    issuer = Issuer(parts)
    slips = Slips(parts, issuer, pepper=pepper, code_days=settings.code_days)
    return Authority(ledger, authorities, issuer, slips, Revoker(ledger, clock), deny_key)


def load_authorities(settings: CaSettings) -> dict[str, AuthorityKey]:
    """Load the issuing keys named by the settings.

    Raises:
        SettingsError: a file is missing or wrong.
    """
    passphrase = read_passphrase(settings.issuing_passphrase_file, "issuing_passphrase_file")
    return {
        name: load_authority(
            name,
            key_file=settings.issuing_folder / f"{name}.key.pem",
            chain_file=settings.issuing_folder / f"{name}.chain.pem",
            passphrase=passphrase,
        )
        for name in settings.issuing
    }
