"""One request as the firewall sees it: immutable, every text with its place, in the order in which it is judged."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass

from dmz.messages import HallRequest


class Place(enum.Enum):
    """Where in a request a text stands."""

    PATH = "path"
    TEXT = "text"
    AGENT = "agent"
    HEADER = "header"
    FILE_NAME = "file_name"


@dataclass(frozen=True, slots=True)
class Inspected:
    """A text for the negative rules.

    Attributes:
        place: where it stands.
        name: the declared name of the field, or the header's.
        text: what was sent.
    """

    place: Place
    name: str
    text: str


#: Headers whose text comes from the outside and is nobody's fixed word.
_FREE_HEADERS = ("referer", "accept-language", "accept", "x-requested-with")


@dataclass(frozen=True)
class RequestView:
    """A request to be judged.

    Args:
        request: as the edge parsed it; nothing is decoded again.
    """

    request: HallRequest

    @property
    def method(self) -> str:
        """The method by which routes are found: HEAD goes with GET."""
        return "GET" if self.request.method == "HEAD" else self.request.method

    @property
    def content_type(self) -> str:
        """The media type in lower case, without parameters; "" if none was sent."""
        return self.request.headers.get("content-type", "").partition(";")[0].strip().lower()

    def surroundings(self) -> Iterator[Inspected]:
        """Give the texts that every request has: path and headers."""
        headers = self.request.headers
        yield Inspected(Place.PATH, "path", self.request.path)
        agent = headers.get("user-agent")
        if agent is not None:
            yield Inspected(Place.AGENT, "user-agent", agent)
        for name in _FREE_HEADERS:
            value = headers.get(name)
            if value is not None:
                yield Inspected(Place.HEADER, name, value)
