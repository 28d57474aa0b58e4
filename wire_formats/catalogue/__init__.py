"""The catalogue: every service, declared once.

``SERVICES`` maps a code to its entry; the core's registry, the firewall's routes and the hall's pages are
tested to equal it.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from wire_formats.catalogue.accounts import ACCOUNT_SERVICES
from wire_formats.catalogue.declaration import DECLARATION_SERVICES
from wire_formats.catalogue.entry import Page, Service, ServiceKind
from wire_formats.catalogue.queries import QUERY_SERVICES
from wire_formats.catalogue.registration import REGISTRATION_SERVICES
from wire_formats.errors import Kind, PeerError

__all__ = ["SERVICES", "Page", "Service", "ServiceKind", "service", "services_of"]

SERVICES: Final[Mapping[str, Service]] = MappingProxyType(
    {entry.code: entry for entry in (*ACCOUNT_SERVICES, *QUERY_SERVICES, *REGISTRATION_SERVICES, *DECLARATION_SERVICES)}
)


def service(code: str, version: int | None = None) -> Service:
    """Give the entry of a service.

    Args:
        code: ``group.name``.
        version: if given, the declaration must have it.

    Raises:
        PeerError: UNKNOWN_SERVICE.
    """
    entry = SERVICES.get(code)
    if entry is None or (version is not None and version != entry.version):
        raise PeerError(Kind.UNKNOWN_SERVICE, "no service of this code and version")
    return entry


def services_of(window: str) -> tuple[Service, ...]:
    """Give the services a window offers, in catalogue order."""
    return tuple(entry for entry in SERVICES.values() if window in entry.windows)
