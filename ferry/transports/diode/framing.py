"""Makes the datagrams of an object: small ones in spaced copies, large ones as RaptorQ blocks.

Copies are spaced, and a block's repair symbols follow its source symbols after the same gap, so that a short burst of
loss does not take both.

Source: research, section 4.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ferry.transports.diode.coding import LARGEST_BLOCK, block_count, block_of, encode_block
from ferry.transports.diode.datagram import COPIES, RAPTORQ, Sealer
from ferry.transports.diode.redundancy import OBJECT_FAILURE, copies_needed, repair_symbols
from ferry.transports.diode.schedule import Portion
from wire_formats.drop import DropName, parse_name
from wire_formats.errors import Kind, PeerError

#: Objects of at most so many fragments are sent in copies; a coder pays from there on (docs/diode.md has the figures).
COPIED_FRAGMENTS: Final = 8


class ObjectFraming:
    """Frames objects for one run (implements ``schedule.Framing``).

    Args:
        sealer: makes the datagrams.
        loss: share of datagrams that may be lost.
        gap_s: seconds between copies.
        coded: whether large objects go through RaptorQ, or in copies like small ones.
    """

    def __init__(self, sealer: Sealer, *, loss: float, gap_s: float, coded: bool) -> None:
        self._sealer = sealer
        self._loss = loss
        self._gap_s = gap_s
        self._object = 0
        self._coded = coded

    def portions(self, lane: int, data: bytes) -> Iterator[Portion]:
        """Frame one object, portion by portion; every call is a new object."""
        self._object += 1
        size = self._sealer.symbol_bytes
        if not self._coded or len(data) <= COPIED_FRAGMENTS * size:
            return self._copied(lane, data, self._object)
        return self._blocks(lane, data, self._object)

    def _copied(self, lane: int, data: bytes, number: int) -> Iterator[Portion]:
        size = self._sealer.symbol_bytes
        fragments = [
            self._sealer.seal((lane, COPIES, number, len(data), 0, 0, at // size), data[at : at + size])
            for at in range(0, len(data), size)
        ]
        copies = copies_needed(len(fragments), self._loss)
        yield Portion(fragments, [(self._gap_s * copy, fragments) for copy in range(1, copies)])

    def _blocks(self, lane: int, data: bytes, number: int) -> Iterator[Portion]:
        size = self._sealer.symbol_bytes
        count = block_count(len(data), size, LARGEST_BLOCK)
        for index in range(count):
            block = block_of(len(data), size, LARGEST_BLOCK, index)
            repair = repair_symbols(block.symbols, self._loss, OBJECT_FAILURE / count)
            symbols = encode_block(data[block.offset : block.offset + block.size], size, repair)
            made = [
                self._sealer.seal((lane, RAPTORQ, number, len(data), LARGEST_BLOCK, index, at), symbol)
                for at, symbol in enumerate(symbols)
            ]
            later = [(self._gap_s, made[block.symbols :])] if repair else []
            yield Portion(made[: block.symbols], later)


def pack_object(name: DropName, data: bytes) -> bytes:
    """Put a file and its name into an object."""
    text = str(name).encode("ascii")
    return bytes([len(text)]) + text + data


def unpack_object(data: bytes) -> tuple[DropName, bytes]:
    """Take a file and its name out of an object.

    Raises:
        PeerError: no name of the grammar.
    """
    if not data:
        raise PeerError(Kind.MALFORMED, "object without a name")
    end = 1 + data[0]
    try:
        name = parse_name(data[1:end].decode("ascii"))
    except UnicodeDecodeError:
        raise PeerError(Kind.MALFORMED, "file name outside the grammar") from None
    return name, data[end:]
