"""What the proof of one request needs beside the log's entry: the seals, and the items' digests.

Two files, each with one block per crossing in the order of the entries; integers are big-endian:

    u32  length of the rest
    u32  index of the entry in its log
    material:
    u16  length of the author's seal, the seal         (COSE_Sign1)
    u16  length of the crossing's seal, the seal
    u16  number of items, then for each
         16  request id          32  header digest (RFC 9162 leaf)
    headers:
    u16  length of the header, the header              for each item

Headers are kept by the high half only: nothing of a person's requests stays on the DMZ's side.  They hold a
grant (account, unit or person number) and no content; ``headers_kept`` of the settings says for how many logs.

Source: DESIGN invariants 5 and 10.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final, NamedTuple

from wire_formats import merkle
from wire_formats.bundle import MAX_ITEMS, Item
from wire_formats.cose import MAX_MESSAGE_BYTES
from wire_formats.errors import Kind, PeerError
from wire_formats.ids import ID_BYTES
from wire_formats.request import MAX_HEADER_BYTES

_U16: Final = struct.Struct(">H")
_HEAD: Final = struct.Struct(">II")
HEAD_BYTES: Final = _HEAD.size
_ITEM_BYTES: Final = ID_BYTES + merkle.DIGEST_BYTES
MAX_BLOCK_BYTES: Final = 2 * MAX_MESSAGE_BYTES + MAX_ITEMS * (_ITEM_BYTES + 2 + MAX_HEADER_BYTES) + 64
#: A header is a CBOR map whose first key is 1 and whose first value is the request's id, in one form only.
_ID_AT: Final = slice(3, 3 + ID_BYTES)


class Material(NamedTuple):
    """One crossing's seals, and id and header digest of every item."""

    seals: tuple[bytes, bytes]
    items: tuple[tuple[bytes, bytes], ...]


def material_of(seals: Sequence[bytes], items: Sequence[Item], *, items_hold: bool = True) -> bytes:
    """Write the body of a block of material; where the headers were refused, the ids are zeros."""
    pieces = []
    for seal in seals[:2]:
        pieces += [_U16.pack(len(seal)), seal]
    pieces.append(_U16.pack(len(items)))
    for item in items:
        pieces += [item.header[_ID_AT] if items_hold else bytes(ID_BYTES), merkle.leaf_hash(item.header)]
    return b"".join(pieces)


def headers_of(items: Sequence[Item]) -> bytes:
    """Write the body of a block of headers."""
    return b"".join(_U16.pack(len(item.header)) + item.header for item in items)


def block_of(index: int, body: bytes) -> bytes:
    """Put a block's head before its body."""
    return _HEAD.pack(4 + len(body), index) + body


def read_head(data: bytes) -> tuple[int, int]:
    """Give the length of a block with its head, and the index of its entry.

    Raises:
        PeerError: MALFORMED: no block begins here.
    """
    if len(data) < HEAD_BYTES:
        raise PeerError(Kind.MALFORMED, "a block ends within its head")
    length, index = _HEAD.unpack_from(data)
    if not 8 <= length <= MAX_BLOCK_BYTES:
        raise PeerError(Kind.MALFORMED, "no block begins here")
    return 4 + length, index


def parse_material(body: bytes) -> Material:
    """Read the body of a block of material.

    Raises:
        PeerError: MALFORMED: anything but the one form.
    """
    reader = _Reader(body)
    seals = reader.counted(), reader.counted()
    count = reader.number()
    if not 1 <= count <= MAX_ITEMS:
        raise PeerError(Kind.MALFORMED, "block of material without items")
    items = tuple((reader.take(ID_BYTES), reader.take(merkle.DIGEST_BYTES)) for _ in range(count))
    reader.end()
    return Material(seals, items)


def parse_headers(body: bytes, count: int) -> tuple[bytes, ...]:
    """Read the body of a block of headers.

    Raises:
        PeerError: MALFORMED: anything but this many headers.
    """
    reader = _Reader(body)
    headers = tuple(reader.counted() for _ in range(count))
    reader.end()
    return headers


class _Reader:
    """Takes pieces off a block."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, count: int) -> bytes:
        piece = self._data[self._at : self._at + count]
        if len(piece) != count:
            raise PeerError(Kind.MALFORMED, "a block ends within its parts")
        self._at += count
        return piece

    def end(self) -> None:
        if self._at != len(self._data):
            raise PeerError(Kind.MALFORMED, "a block with more than its parts")

    def number(self) -> int:
        return int(_U16.unpack(self.take(2))[0])

    def counted(self) -> bytes:
        return self.take(self.number())
