"""Blocks of an object: how both ends cut it, and RaptorQ over one block.

An object of S symbols is cut into ceil(S / largest) blocks as RFC 6330 partitions (section 4.4.1.2): the first
``S mod blocks`` of them one symbol longer than the rest.  Each block is an RFC 6330 object of its own: one source
block, no sub-blocks, so its payload id is the byte 0 and the encoding symbol id in three bytes.

Why blocks: with up to 184 symbols the library takes under 1 ms to encode or decode (260-460 MB/s measured, one core);
from 250 on it falls to 80 MB/s, and 4 MiB at once would hold the reactor for 65 ms.

Source: RFC 6330, sections 3.2, 4.4.1.2, 5.
"""

from __future__ import annotations

from typing import Final, NamedTuple, Protocol

try:
    import raptorq
except ImportError:  # everything goes in copies then, and the link says so
    raptorq = None

#: Symbols of a block; see above.
LARGEST_BLOCK: Final = 180
#: Symbols beyond K that a decoder is fed before the block counts as hopeless.
MOST_SURPLUS: Final = 16


class Block(NamedTuple):
    """One block: its first byte in the object, its bytes, its source symbols."""

    offset: int
    size: int
    symbols: int


class _Encoder(Protocol):
    def get_encoded_packets(self, repair_packets_per_block: int) -> list[bytes]: ...


class _Decoder(Protocol):
    def decode(self, packet: bytes) -> bytes | None: ...


def raptorq_found() -> bool:
    """Whether RaptorQ can be used here; without it everything is sent in copies."""
    return raptorq is not None


def block_of(object_bytes: int, symbol_bytes: int, largest: int, block: int) -> Block:
    """Give one block of an object."""
    symbols = -(-object_bytes // symbol_bytes)
    blocks = -(-symbols // largest)
    short, longer = divmod(symbols, blocks)
    first = block * short + min(block, longer)
    count = short + (block < longer)
    offset = first * symbol_bytes
    return Block(offset, min(count * symbol_bytes, object_bytes - offset), count)


def block_count(object_bytes: int, symbol_bytes: int, largest: int) -> int:
    """Give how many blocks an object has."""
    symbols = -(-object_bytes // symbol_bytes)
    return -(-symbols // largest)


def encode_block(data: bytes, symbol_bytes: int, repair: int) -> list[bytes]:
    """Give the source symbols of a block, in order, and after them its repair symbols."""
    encoder: _Encoder = raptorq.Encoder.with_defaults(data, symbol_bytes)
    return [packet[_PAYLOAD_ID_BYTES:] for packet in encoder.get_encoded_packets(repair)]


class BlockDecoder:
    """Puts one block together.

    Args:
        size: bytes of the block.
        symbols: source symbols of the block.
        symbol_bytes: bytes of a symbol.
    """

    def __init__(self, size: int, symbols: int, symbol_bytes: int) -> None:
        self._decoder: _Decoder = raptorq.Decoder.with_defaults(size, symbol_bytes)
        self._symbols = symbols
        self._seen: set[int] = set()
        self.repaired = False

    @property
    def hopeless(self) -> bool:
        """Whether so much was fed that no honest block can still be incomplete."""
        return len(self._seen) >= self._symbols + MOST_SURPLUS

    def feed(self, symbol: int, payload: bytes) -> bytes | None:
        """Take in one symbol of the right size; gives the block when it is whole."""
        if symbol in self._seen or self.hopeless:
            return None
        self._seen.add(symbol)
        self.repaired |= symbol >= self._symbols
        return self._decoder.decode(symbol.to_bytes(_PAYLOAD_ID_BYTES, "big") + payload)


_PAYLOAD_ID_BYTES: Final = 4
