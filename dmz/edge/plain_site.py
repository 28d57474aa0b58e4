"""What the plain-HTTP port answers: where the site is, and that this process lives. Nothing else is served in clear."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from dmz.edge.target import parse_host
from dmz.messages import HallRequest, HallResponse

HEALTH_PATH: Final = "/healthz"
_MOVED: Final = 308
_HTTPS_PORT: Final = 443


class PlainSite:
    """The handler of the plain port.

    Args:
        site_port: the TLS port to which browsers are sent.
    """

    def __init__(self, site_port: int) -> None:
        self._suffix = "" if site_port == _HTTPS_PORT else f":{site_port}"

    async def handle(self, request: HallRequest) -> HallResponse:
        """Answer health, or redirect to the same path of the site; parameters are not repeated."""
        if request.path == HEALTH_PATH:
            return HallResponse(200, (("Content-Type", "text/plain; charset=utf-8"),), b"ok\n")
        name = parse_host(request.headers["host"]).name
        return HallResponse(_MOVED, (("Location", f"https://{name}{self._suffix}{quote(request.path)}"),))
