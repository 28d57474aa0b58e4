"""What the edge asks and tells the intrusion watch: a port, so that an edge also runs without one.

Source: catalogue E5; ``dmz.intrusion`` is what stands behind it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from dmz.edge.connection_limits import Gate
from dmz.edge.refusals import Reason


@dataclass(frozen=True, slots=True)
class Trace:
    """Where something was seen; nothing that the client typed.

    Attributes:
        address: the peer's IP address.
        certificate: fingerprint of the certificate that answers for it (``accountable``); None: only the address does.
        window: the entrance.
        request_id: the edge's name of the exchange; "" before there is one.
        foreign: whether another host's page has caused it (``is_foreign``); None: the fields that tell are not known.
    """

    address: str
    certificate: bytes | None
    window: str
    request_id: str = ""
    foreign: bool | None = False


#: The visitor's own doing: from a page of this window, or typed. Browsers that do not say (before 2023) are believed.
_HIS_OWN: Final = frozenset({"", "same-origin", "none"})


def is_foreign(fields: Mapping[str, str]) -> bool:
    """Tell whether a page of another site, or of another host of the same domain, has caused a request.

    Such a page can make a browser send what it likes, with the visitor's certificate, from his address. Browsers say so
    in Sec-Fetch-Site, and no page can take that away.

    Args:
        fields: the request's header fields.

    Source: W3C, Fetch Metadata Request Headers, section 2.2.
    """
    return fields.get("sec-fetch-site", "") not in _HIS_OWN


def is_link(method: str, fields: Mapping[str, str]) -> bool:
    """Tell whether a foreign request is what a person does there: to follow a link, and see our page instead of theirs.

    Pictures, frames, scripts, forms and what is fetched in advance are not. Who writes the fields himself gains a right
    to ask for pages, which everybody has.

    Source: W3C, Fetch Metadata Request Headers, sections 2.1, 2.3 and 4.1 (resource isolation).
    """
    opened = fields.get("sec-fetch-mode") == "navigate" and fields.get("sec-fetch-dest") == "document"
    return opened and method in {"GET", "HEAD"} and "sec-purpose" not in fields and "purpose" not in fields


def accountable(certificate: bytes | None, fields: Mapping[str, str]) -> bytes | None:
    """Give the certificate that answers for a request; None: nobody's, only its address does.

    Args:
        certificate: fingerprint of the connection's certificate.
        fields: the request's header fields; empty if they are not known.
    """
    return None if is_foreign(fields) else certificate


class EdgeWatch(Gate, Protocol):
    """Knows offenders; every call is quick and takes no input or output."""

    def check(self, address: str, certificate: bytes | None) -> None:
        """Let a request pass, or not.

        Raises:
            RefusalError: BANNED or THROTTLED, with the time to wait.
        """

    def welcome(self, address: str) -> None:
        """Hear that somebody with a valid certificate is at this address."""

    def refused(self, reason: Reason, trace: Trace) -> None:
        """Hear of a refusal by the edge."""


class Unwatched:
    """An edge that watches nobody: the parts of the edge by themselves, and comparisons of speed."""

    def may_connect(self, address: str) -> bool:
        """Let everybody connect."""
        return True

    def overran(self, address: str) -> None:
        """Forget it."""

    def check(self, address: str, certificate: bytes | None) -> None:
        """Let everybody pass."""

    def welcome(self, address: str) -> None:
        """Forget it."""

    def refused(self, reason: Reason, trace: Trace) -> None:
        """Forget it."""
