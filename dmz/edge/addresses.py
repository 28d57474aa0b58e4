"""Whom an address stands for: what is counted, limited and banned by address goes by this.

An IPv6 address stands for its /64 network: that is what one customer gets, and he may use all of it.

Source: RFC 6177 section 2, RFC 4291 section 2.5.4.
"""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import Final

IPV6_NETWORK: Final = 64
_REMEMBERED: Final = 16_384


@lru_cache(maxsize=_REMEMBERED)
def address_subject(address: str) -> str:
    """Give the subject of a peer's address; a text that is no address stands for itself (Unix sockets, tests)."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, IPV6_NETWORK), strict=False))
