"""Who offends: an address (text) or a client certificate (its SHA-256 fingerprint, 32 bytes).

An IPv6 address stands for its /64 network: that is what one customer gets, and he may use all of it. Both kinds are
plain values, so that a lookup costs no more than a dictionary's; text and bytes never compare equal.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from typing import Final, TypeAlias

from dmz.edge.addresses import IPV6_NETWORK, address_subject
from wire_formats.errors import Kind, PeerError

Subject: TypeAlias = str | bytes
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

CERTIFICATE_PREFIX: Final = "sha256:"
_FINGERPRINT: Final = re.compile(r"(?:sha256:)?([0-9a-f]{64})", re.ASCII)


def subject_text(subject: Subject) -> str:
    """Write a subject for files, logs and operators."""
    return subject if isinstance(subject, str) else f"{CERTIFICATE_PREFIX}{subject.hex()}"


def parse_subject(text: str) -> Subject:
    """Read an address, an IPv6 /64 network or a fingerprint, as ``subject_text`` or an operator writes it.

    Colons between the fingerprint's bytes and capital letters are taken, as openssl prints them.

    Raises:
        PeerError: none of them.
    """
    lowered = text.strip().lower()
    match = _FINGERPRINT.fullmatch(lowered) or _FINGERPRINT.fullmatch(lowered.replace(":", ""))
    if match is not None:
        return bytes.fromhex(match[1])
    address, slash, prefix = lowered.partition("/")
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        raise PeerError(Kind.MALFORMED, "neither an address nor a SHA-256 fingerprint") from None
    if getattr(found, "scope_id", None) or (slash and (found.version, prefix) != (6, str(IPV6_NETWORK))):
        raise PeerError(Kind.MALFORMED, "a single IPv4 address or an IPv6 /64 network, no other network")
    return address_subject(str(found))


def parse_networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Read networks in CIDR notation.

    Raises:
        ValueError: one is not.
    """
    return tuple(ipaddress.ip_network(text, strict=True) for text in texts)


def lies_in(subject: Subject, networks: Iterable[Network]) -> bool:
    """Tell whether a subject is an address in one of the networks; certificates lie in none."""
    if isinstance(subject, bytes):
        return False
    try:
        own = ipaddress.ip_network(subject)
    except ValueError:
        return False
    return any(own.version == network.version and own.overlaps(network) for network in networks)
