"""One datagram, byte by byte.  Every datagram of a link has the same size.

All numbers are unsigned, most significant byte first.

    offset  bytes  field
         0      3  magic, "FGD"
         3      1  version, 1
         4      1  lane: 0 control, 1 interactive, 2 bulk
         5      1  scheme: 0 filler, 1 copies, 2 RaptorQ
         6      2  size of the datagram in bytes, tag included
         8      8  run: drawn by the sender at its start
        16      8  number: from 1, of every datagram made in this run; the nonce of the tag
        24      4  object: from 1, of every object of this run; 0 in a filler
        28      4  object size in bytes; 0 in a filler
        32      2  largest block in symbols (RaptorQ); 0 otherwise
        34      2  block, from 0 (RaptorQ); 0 otherwise
        36      4  symbol: fragment from 0 (copies), encoding symbol id (RaptorQ); 0 in a filler
        40      n  payload: one symbol of size - 56 bytes, padded with zeros at an object's end
    size-16     16  tag

Object size, largest block and symbol size are what RFC 6330 calls the object transmission information: from them
both ends compute the same blocks (``coding``).  An object is ``1 byte n · n bytes file name · file``.

The payload of a filler begins with 8 bytes: how many datagrams of this run were sent before it, which is how the
receiver measures loss.

The tag is AES-256-GCM over everything before it, with an empty message (GMAC), under a key of this run and direction
and the number as nonce (4 zero bytes before it).  It guards the memory of reassembly and catches broken bytes; who may
say what is decided by the bundles' signatures.

Source: RFC 6330 (RaptorQ), NIST SP 800-38D (GMAC), RFC 5869 (HKDF).
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from wire_formats.errors import Kind, PeerError

MAGIC: Final = b"FGD"
VERSION: Final = 1
FILLER: Final = 0
COPIES: Final = 1
RAPTORQ: Final = 2
LANE_CODES: Final = {"control": 0, "interactive": 1, "bulk": 2}
LANE_NAMES: Final = tuple(LANE_CODES)

_HEADER: Final = struct.Struct(">3sBBBHQQIIHHI")
HEADER_BYTES: Final = _HEADER.size
TAG_BYTES: Final = 16
OVERHEAD_BYTES: Final = HEADER_BYTES + TAG_BYTES
#: IPv4 and UDP headers around a datagram, counted by the rate.
IP_UDP_BYTES: Final = 28
#: RaptorQ of this library wants symbols of whole 8 bytes; header and tag are 56.
SIZE_STEP: Final = 8
LEAST_SIZE: Final = 256
MOST_SIZE: Final = 65_504
KEY_BYTES: Final = 32
#: Beyond it no object is taken apart or put together.
MOST_OBJECT_BYTES: Final = 16 << 20
#: A larger block would hold the receiver for too long.
MOST_BLOCK_SYMBOLS: Final = 512
#: Encoding symbol ids of a block: source symbols and as many repair symbols as any honest sender makes.
MOST_SYMBOL_ID: Final = (1 << 16) - 1
_METER: Final = struct.Struct(">Q")


class Header(NamedTuple):
    """What a datagram says about itself."""

    lane: int
    scheme: int
    run: int
    number: int
    object: int
    object_bytes: int
    largest_block: int
    block: int
    symbol: int


def parse(datagram: memoryview, *, size: int) -> Header:
    """Read a datagram's header; says nothing about its tag.

    Args:
        datagram: the bytes as they came.
        size: of every datagram of this link.

    Raises:
        PeerError: anything but the layout above.
    """
    if len(datagram) != size:
        raise PeerError(Kind.MALFORMED, "datagram of another size")
    magic, version, lane, scheme, told, *rest = _HEADER.unpack_from(datagram)
    if magic != MAGIC or version != VERSION:
        raise PeerError(Kind.MALFORMED, "not a datagram of this version")
    if told != size or lane >= len(LANE_NAMES):
        raise PeerError(Kind.MALFORMED, "size or lane of a datagram")
    header = Header(lane, scheme, *rest)
    _check(header, size - OVERHEAD_BYTES)
    return header


def _check(header: Header, symbol_bytes: int) -> None:
    if header.number == 0:
        raise PeerError(Kind.MALFORMED, "datagram without a number")
    if header.scheme == FILLER:
        if header[4:] != (0, 0, 0, 0, 0):
            raise PeerError(Kind.MALFORMED, "filler with content")
        return
    if header.object == 0 or not 2 <= header.object_bytes <= MOST_OBJECT_BYTES:
        raise PeerError(Kind.MALFORMED, "object of a datagram")
    symbols = -(-header.object_bytes // symbol_bytes)
    if header.scheme == COPIES:
        if header.largest_block or header.block or header.symbol >= symbols:
            raise PeerError(Kind.MALFORMED, "fragment of a datagram")
        return
    if header.scheme != RAPTORQ:
        raise PeerError(Kind.MALFORMED, "unknown scheme")
    if not 1 <= header.largest_block <= MOST_BLOCK_SYMBOLS:
        raise PeerError(Kind.MALFORMED, "block size of a datagram")
    if header.block >= -(-symbols // header.largest_block) or header.symbol > MOST_SYMBOL_ID:
        raise PeerError(Kind.MALFORMED, "block or symbol of a datagram")


class Sealer:
    """Makes the datagrams of one run.

    Args:
        key: 32 bytes, shared by both ends.
        direction: inbound or outbound.
        run: 64 random bits.
        size: of every datagram.
    """

    def __init__(self, key: bytes, direction: str, run: int, *, size: int) -> None:
        self._aead = AESGCM(run_key(key, direction, run))
        self._run = run
        self._size = size
        self._number = 0
        self.symbol_bytes = size - OVERHEAD_BYTES

    def seal(self, header: tuple[int, int, int, int, int, int, int], payload: bytes) -> bytes:
        """Make a datagram.

        Args:
            header: lane, scheme, object, object size, largest block, block, symbol.
            payload: at most one symbol; padded with zeros.
        """
        self._number += 1
        lane, scheme, *rest = header
        body = _HEADER.pack(MAGIC, VERSION, lane, scheme, self._size, self._run, self._number, *rest) + payload
        if len(payload) < self.symbol_bytes:
            body += bytes(self.symbol_bytes - len(payload))
        return body + self._aead.encrypt(_nonce(self._number), b"", body)

    def filler(self, sent: int) -> bytes:
        """Make a filler that tells how many datagrams were sent before it."""
        return self.seal((0, FILLER, 0, 0, 0, 0, 0), _METER.pack(sent))


class Opener:
    """Checks the tags of one run's datagrams.

    Args:
        key: 32 bytes, shared by both ends.
        direction: inbound or outbound.
        run: as the datagrams name it.
    """

    def __init__(self, key: bytes, direction: str, run: int) -> None:
        self._aead = AESGCM(run_key(key, direction, run))

    def payload(self, header: Header, datagram: memoryview) -> memoryview:
        """Give the payload of a datagram whose tag holds.

        Raises:
            PeerError: the tag does not hold.
        """
        end = len(datagram) - TAG_BYTES
        try:
            self._aead.decrypt(_nonce(header.number), datagram[end:], datagram[:end])
        except InvalidTag:
            raise PeerError(Kind.BAD_SIGNATURE, "tag of a datagram") from None
        return datagram[HEADER_BYTES:end]


def meter(payload: memoryview) -> int:
    """Read how many datagrams were sent before a filler."""
    (sent,) = _METER.unpack_from(payload)
    return int(sent)


def run_key(key: bytes, direction: str, run: int) -> bytes:
    """Give the key of one run: HKDF-SHA256(key, salt = run, info = "ferrygate diode 1 " + direction)."""
    info = b"ferrygate diode 1 " + direction.encode("ascii")
    return HKDF(SHA256(), KEY_BYTES, salt=run.to_bytes(8, "big"), info=info).derive(key)


def _nonce(number: int) -> bytes:
    return number.to_bytes(12, "big")
