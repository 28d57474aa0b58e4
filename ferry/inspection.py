"""What the high half checks in every request before the core may see it.

Opens the HPKE seal, compares the digest the header names, and lets through only what the catalogue
declares: known service and version, allowed window, the service's own lane, and a body that is canonical
and fits every field's declaration.

The time is judged here for queries only.  A transaction may have been carried out before this copy of it
came, and only the core remembers that: it alone may say that one has expired.

Pure: bytes and an instant in, opened content or PeerError out.

Source: DESIGN invariants 2, 7 and 8; NCSC "safely importing data" (verify the simple form).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from wire_formats.bundle import Item
from wire_formats.canonical import JsonLimits, decode_object
from wire_formats.catalogue import Service, ServiceKind
from wire_formats.checking import check_body
from wire_formats.errors import Kind, PeerError
from wire_formats.instants import MINUTE_MS
from wire_formats.request import MAX_CONTENT_BYTES, RequestHeader, body_of, open_content
from wire_formats.seal import SealPrivateKey

#: The DMZ and the core keep their own time.
SLACK_MS: Final = 5 * MINUTE_MS
_LIMITS: Final = JsonLimits(size_bytes=MAX_CONTENT_BYTES)


class NotOpened(PeerError):
    """The content is not what its author sealed to this half."""


@dataclass(frozen=True, slots=True)
class Inspector:
    """The rules of one high half.

    Attributes:
        services: the catalogue, by code.
        key: opens what workers sealed to the high half.
    """

    services: Mapping[str, Service]
    key: SealPrivateKey

    def inspect(self, header: RequestHeader, item: Item, *, now_ms: int) -> bytes:
        """Check one request and give its opened content (salt and body).

        Args:
            header: the parsed header of the item.
            item: the request as it came.
            now_ms: the instant now.

        Raises:
            NotOpened: the content is damaged; another copy may be well.
            PeerError: with the public kind that the rejecting answer will carry.
        """
        service = self._service(header)
        if service.kind is ServiceKind.QUERY:
            _check_times(header, now_ms)
        try:
            content = open_content(item.content, item.header, self.key)
        except PeerError as error:
            raise NotOpened(error.kind, error.private) from None
        # Decoding encodes again and compares, so what the core reads is byte for byte what is checked.
        check_body(service, decode_object(body_of(header, content), limits=_LIMITS))
        return content

    def _service(self, header: RequestHeader) -> Service:
        service = self.services.get(header.service)
        if service is None or service.version != header.version:
            raise PeerError(Kind.UNKNOWN_SERVICE, "service or version is not in the catalogue")
        if header.window not in service.windows:
            raise PeerError(Kind.WRONG_WINDOW, "service is not offered in this window")
        if header.lane != service.lane:
            raise PeerError(Kind.WRONG_LANE, "service belongs to the other lane")
        return service


def _check_times(header: RequestHeader, now_ms: int) -> None:
    if header.created_ms > now_ms + SLACK_MS:
        raise PeerError(Kind.FROM_THE_FUTURE, "request was made in the future")
    if header.expires_ms < now_ms:
        raise PeerError(Kind.EXPIRED, "request has expired")
