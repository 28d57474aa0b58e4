"""Service code → handler. Must equal the catalogue; a test and the constructor of intake check it.

Source: DESIGN "a new service is one declaration and one function".
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from core.services import account, cases, certificate, declaration, login, queries, registration
from core.services.handler import Handler
from wire_formats.catalogue import SERVICES
from wire_formats.errors import Bug, Kind

REGISTRY: Final[Mapping[str, Handler]] = MappingProxyType(
    {
        **login.HANDLERS,
        **account.HANDLERS,
        **certificate.HANDLERS,
        **queries.HANDLERS,
        **cases.HANDLERS,
        **registration.HANDLERS,
        **declaration.HANDLERS,
    }
)


def check_registry(registry: Mapping[str, Handler] = REGISTRY) -> None:
    """Check that every declared service has a handler and no handler is undeclared.

    Raises:
        Bug: naming the difference.
    """
    difference = set(registry) ^ set(SERVICES)
    if difference:
        raise Bug(Kind.BUG, f"handlers and catalogue differ: {', '.join(sorted(difference))}")
