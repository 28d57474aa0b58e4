"""Object identifiers of the authority.

The arc is `2.25.<UUID as an integer>`, which needs no registration (ITU-T X.667). Under it:

    .1.1   extended key usage: signs bundles, seals, grants or deny lists (machine signing keys)
    .2.n   certificate policies, one per profile of end entity; n stands in the profile file

Source: ITU-T X.667; RFC 5280 sections 4.2.1.4 and 4.2.1.12.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

if TYPE_CHECKING:
    from collections.abc import Mapping

HOUSE_ARC: Final = "2.25.123691533088811623917330064382006277206"
MACHINE_SIGNING: Final = x509.ObjectIdentifier(f"{HOUSE_ARC}.1.1")
ANY_EXTENDED_KEY_USAGE: Final = ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE

EXTENDED_KEY_USAGES: Final[Mapping[str, x509.ObjectIdentifier]] = {
    "client_auth": ExtendedKeyUsageOID.CLIENT_AUTH,
    "server_auth": ExtendedKeyUsageOID.SERVER_AUTH,
    "machine_signing": MACHINE_SIGNING,
}


def policy_oid(number: int) -> x509.ObjectIdentifier:
    """Return the object identifier of certificate policy `number`."""
    return x509.ObjectIdentifier(f"{HOUSE_ARC}.2.{number}")
