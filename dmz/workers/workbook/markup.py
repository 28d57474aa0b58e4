"""Strict streaming XML: expat with every door closed.

No document type, no entity declaration, no external reference, no processing instruction beyond the XML
declaration, UTF-8 only, bounded elements and nesting. OOXML needs none of what is refused.
"""

from __future__ import annotations

from typing import Protocol
from xml.parsers import expat

from dmz.workers.workbook.container import PartStream
from dmz.workers.workbook.limits import WorkbookLimits
from wire_formats.errors import Kind, PeerError

CHUNK_BYTES = 64 * 1024


class Events(Protocol):
    """What a reader of one part implements. Names are local names of accepted namespaces."""

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """An element opened."""

    def end(self, name: str) -> None:
        """An element closed."""

    def text(self, data: str) -> None:
        """Character data inside the current element; may come in pieces."""


class _Feeder:
    """Counts and translates expat's events; one per part."""

    def __init__(self, events: Events, limits: WorkbookLimits) -> None:
        self._events = events
        self._limits = limits
        self._depth = 0
        self._elements = 0

    def bind(self, parser: expat.XMLParserType) -> None:
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._events.text
        parser.StartDoctypeDeclHandler = self._refuse
        parser.EntityDeclHandler = self._refuse
        parser.NotationDeclHandler = self._refuse
        parser.ExternalEntityRefHandler = self._refuse_reference
        parser.ProcessingInstructionHandler = self._refuse

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        self._elements += 1
        if self._depth > self._limits.depth:
            raise PeerError(Kind.TOO_LARGE, "workbook: XML nested too deeply")
        if self._elements > self._limits.elements:
            raise PeerError(Kind.TOO_LARGE, "workbook: too many XML elements")
        self._events.start(_local(name), attributes)

    def _end(self, name: str) -> None:
        self._depth -= 1
        self._events.end(_local(name))

    def _refuse(self, *_: object) -> None:
        raise PeerError(Kind.MALFORMED, "workbook: document type, entity or instruction in XML")

    def _refuse_reference(self, *_: object) -> int:
        raise PeerError(Kind.MALFORMED, "workbook: external entity in XML")


def parse_part(stream: PartStream, events: Events, limits: WorkbookLimits) -> None:
    """Feed one part of the workbook through the strict parser.

    Raises:
        PeerError: not well-formed, not UTF-8, or beyond a limit.
    """
    parser = expat.ParserCreate("UTF-8", namespace_separator=" ")
    _Feeder(events, limits).bind(parser)
    try:
        while chunk := stream.read(CHUNK_BYTES):
            parser.Parse(chunk, False)
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise PeerError(Kind.MALFORMED, "workbook: XML is not well-formed") from error


def attribute(attributes: dict[str, str], local: str) -> str | None:
    """An attribute by its local name, whatever its namespace (relationship ids have one)."""
    if local in attributes:
        return attributes[local]
    ending = " " + local
    return next((value for name, value in attributes.items() if name.endswith(ending)), None)


def _local(name: str) -> str:
    return name.rpartition(" ")[2]
