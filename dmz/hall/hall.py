"""What every page handler is given."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

from dmz.hall.backend_port import Backend
from dmz.hall.error_page import ErrorPages
from dmz.hall.hall_settings import HallSettings
from dmz.hall.renderer import Renderer
from dmz.hall.router import Router
from dmz.hall.visit import Visit
from dmz.hall.wording import say
from dmz.messages import HallResponse
from wire_formats.catalogue import SERVICES, Service
from wire_formats.collaborators import Clock, Randomness
from wire_formats.errors import Kind, Refused

_TOKEN_BYTES: Final = 16


@dataclass(frozen=True)
class Hall:
    """The parts that pages are made with."""

    backend: Backend
    renderer: Renderer
    errors: ErrorPages
    router: Router
    settings: HallSettings
    clock: Clock
    randomness: Randomness

    def form_token(self) -> str:
        """Draw the token that makes sending one form twice one transaction: 22 characters."""
        return base64.urlsafe_b64encode(self.randomness.bytes(_TOKEN_BYTES)).decode("ascii").rstrip("=")


PageHandler: TypeAlias = Callable[[Hall, Visit], Awaitable[HallResponse]]


def service_at(visit: Visit) -> Service:
    """Give the service of an address `/s/<code>` or `/b/<code>…` and make sure that this account may use it.

    Raises:
        Refused: NOT_FOUND or NO_RIGHT.
    """
    code = visit.request.path.split("/")[2]
    return allowed_service(visit, code)


def allowed_service(visit: Visit, code: str) -> Service:
    """Give a service that this account may use in this window.

    The core decides; this only spares the crossing.

    Raises:
        Refused: NOT_FOUND or NO_RIGHT.
    """
    service = SERVICES.get(code)
    if service is None or visit.window not in service.windows:
        raise Refused(Kind.NOT_FOUND, "no such service in this window")
    if code not in visit.signed_in.rights:
        raise Refused(Kind.NO_RIGHT, "service not among the account's rights")
    return service


def home_crumb(visit: Visit) -> tuple[tuple[str, str], ...]:
    """Give the crumb that leads home."""
    return (("/", say(visit.language, "home")),)
