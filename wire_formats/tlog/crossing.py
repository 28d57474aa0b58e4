"""What one crossing says in the log: 240 bytes, and no more than both halves know from the bundle's seals.

    offset bytes
         0     1   format, 1
         1     1   direction: 1 inbound, 2 outbound
         2     1   lane: 1 interactive, 2 bulk
         3     1   tracked, as the half's seal says: 0 or 1
         4     4   items in the bundle
         8     8   epoch                      of the half that sent it over the gap
        16     8   sequence
        24     8   made, ms since 1970
        32     8   author's epoch             of the worker, core or half that made the bundle
        40     8   author's sequence
        48    32   root over the items' headers
        80    32   previous: digest of the half's statement before
       112    32   key id of the half that sealed the crossing
       144    32   key id of the author
       176    32   SHA-256 of the crossing's seal (COSE_Sign1)
       208    32   SHA-256 of the author's seal

Integers are big-endian.  There is no name, no number of a person and no content in it.  Both halves write
the same bytes for one crossing, so either side's log can be held against the other's.

The statement under the crossing's seal can be written again from the entry; its digest is what the entry
after it names as ``previous``, so a stream of one epoch is a chain of its own inside the log.

Source: DESIGN invariant 10; catalogue F11.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from wire_formats import cbor, merkle
from wire_formats.bundle import DIRECTIONS, MAX_ITEMS, SealStatement
from wire_formats.errors import Kind, PeerError
from wire_formats.instants import LATEST_MS
from wire_formats.request import LANES

FORMAT: Final = 1
ENTRY_BYTES: Final = 240
_LAYOUT: Final = struct.Struct(">BBBBIQQQQQ32s32s32s32s32s32s")
_MAX_SEQUENCE: Final = (1 << 48) - 1


class AuthorNumber(NamedTuple):
    """Who made a bundle, and under which number."""

    kid: bytes
    epoch: int
    sequence: int


@dataclass(frozen=True, slots=True)
class CrossingEntry:
    """One crossing; see the module.

    Attributes:
        statement: what the half that sent it over the gap sealed.
        sealer: key id of that half.
        author: who made the bundle.
        seal_digest: SHA-256 of the crossing's seal.
        author_seal_digest: SHA-256 of the author's seal.
    """

    statement: SealStatement
    sealer: bytes
    author: AuthorNumber
    seal_digest: bytes
    author_seal_digest: bytes


def crossing_entry(
    statement: SealStatement, sealer: bytes, author: AuthorNumber, *, seals: Sequence[bytes]
) -> CrossingEntry:
    """Make the entry of a crossing whose seals hold.

    Args:
        statement: of the crossing's seal.
        sealer: key id of the half that sent it over the gap.
        author: who made the bundle.
        seals: the author's seal and the crossing's, as they stand in the bundle.
    """
    author_seal, seal = seals
    return CrossingEntry(statement, sealer, author, hashlib.sha256(seal).digest(), hashlib.sha256(author_seal).digest())


def encode_entry(entry: CrossingEntry) -> bytes:
    """Write an entry in its one form."""
    said, author = entry.statement, entry.author
    return _LAYOUT.pack(
        FORMAT, DIRECTIONS.index(said.direction) + 1, LANES.index(said.lane) + 1, said.tracked, said.count, said.epoch,
        said.sequence, said.made_ms, author.epoch, author.sequence, said.root, said.previous, entry.sealer, author.kid,
        entry.seal_digest, entry.author_seal_digest,
    )  # fmt: skip


def parse_entry(data: bytes) -> CrossingEntry:
    """Read an entry.

    Raises:
        PeerError: MALFORMED: anything but the one form.
    """
    if len(data) != ENTRY_BYTES:
        raise PeerError(Kind.MALFORMED, "an entry of the log has 240 bytes")
    (
        form, way, lane, tracked, count, epoch, sequence, made, author_epoch, author_sequence, root, previous, sealer,
        author, seal, author_seal,
    ) = _LAYOUT.unpack(data)  # fmt: skip
    known = form == FORMAT and 1 <= way <= len(DIRECTIONS) and 1 <= lane <= len(LANES) and tracked <= 1
    if not known or not 1 <= count <= MAX_ITEMS or max(epoch, made, author_epoch) > LATEST_MS:
        raise PeerError(Kind.MALFORMED, "entry of the log with a field out of range")
    if not (1 <= sequence <= _MAX_SEQUENCE and 1 <= author_sequence <= _MAX_SEQUENCE):
        raise PeerError(Kind.MALFORMED, "entry of the log with a number out of range")
    statement = SealStatement(
        DIRECTIONS[way - 1], LANES[lane - 1], epoch, sequence, previous, count, root, made, tracked=tracked == 1
    )
    return CrossingEntry(statement, sealer, AuthorNumber(author, author_epoch, author_sequence), seal, author_seal)


def entry_leaf(entry: bytes) -> bytes:
    """Give the leaf hash of an encoded entry."""
    return merkle.leaf_hash(entry)


def statement_digest(said: SealStatement) -> bytes:
    """Give the digest that the next statement of the stream names as ``previous``.

    Written out, since an audit makes a million of them: the bytes are those of ``encode_statement``.
    """
    return hashlib.sha256(
        b"".join(
            (
                _HEADS[said.direction, said.lane], _integer(said.epoch), b"\x04", _integer(said.sequence),
                b"\x05\x58\x20", said.previous, b"\x06", _integer(said.count), b"\x07\x58\x20", said.root, b"\x08",
                _integer(said.made_ms), b"\x09\xf5" if said.tracked else b"\x09\xf4",
            )
        )
    ).digest()  # fmt: skip


def _integer(value: int) -> bytes:
    """Encode a CBOR integer, shortest form."""
    if value < 24:
        return bytes((value,))
    for size, head in ((1, b"\x18"), (2, b"\x19"), (4, b"\x1a")):
        if value < 1 << 8 * size:
            return head + value.to_bytes(size, "big")
    return b"\x1b" + value.to_bytes(8, "big")


def _head(direction: str, lane: str) -> bytes:
    texts = [cbor.encode(text) for text in (direction, lane)]
    return b"\xa9\x01" + texts[0] + b"\x02" + texts[1] + b"\x03"


_HEADS: Final = {(direction, lane): _head(direction, lane) for direction in DIRECTIONS for lane in LANES}
