"""Addresses that an inner web server may bind: none that the internet may reach, unless somebody says so."""

from __future__ import annotations

import ipaddress


def check_listen(listen: str, *, allow_public_address: bool) -> None:
    """Check the setting ``listen``.

    Raises:
        ValueError: it is no IP address, or a wildcard or public one that is not allowed.
    """
    try:
        address = ipaddress.ip_address(listen)
    except ValueError:
        raise ValueError(f"setting 'listen' must be an IP address, not '{listen[:40]}'") from None
    if (address.is_unspecified or address.is_global) and not allow_public_address:
        raise ValueError(
            f"setting 'listen' = '{listen}' may be reached from outside; "
            "name an intranet address, or set allow_public_address = true"
        )
