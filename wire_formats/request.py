"""A request: what a worker asks of the core for one user.

    header   deterministic CBOR map with integer keys (below)
    content  salt (16 bytes) || body (canonical JSON of the service's fields)

    1 id            16 bytes; the key of exactly-once
    2 service       code in the catalogue
    3 version       of the service's declaration
    4 lane          "interactive" or "bulk"
    5 window        "unit", "community", "person" or "site"
    6 created       ms since 1970
    7 expires       ms since 1970; after it the core refuses
    8 certificate   SHA-256 of the client certificate, or empty on the site
    9 grant         COSE_Sign1 of the core, or empty before login
    10 reply_to     worker name
    11 reply_key    32 bytes X25519; the answer is sealed to it
    12 body_digest  SHA-256 of the content; salted, so the header betrays nothing of the body
    13 batch        [batch id 16 bytes, chunk number from 1, number of chunks], or null

The header's SHA-256 leaf is what seals sign, so header, salt, body and one inclusion proof show for
ever what was asked.  Content crosses the DMZ sealed (``seal.REQUEST_INFO``, bound to the header).

Source: DESIGN "Wire formats"; catalogue F11.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Final, NamedTuple

from wire_formats import cbor, merkle
from wire_formats.errors import Kind, PeerError
from wire_formats.header_reader import HeaderReader
from wire_formats.ids import ID_BYTES
from wire_formats.instants import HOUR_MS
from wire_formats.seal import KEY_BYTES, OVERHEAD_BYTES, REQUEST_INFO, SealPrivateKey, SealPublicKey

SALT_BYTES: Final = 16
FINGERPRINT_BYTES: Final = 32
MAX_HEADER_BYTES: Final = 4096
MAX_GRANT_BYTES: Final = 2048
#: One chunk of a batch: 500 rows of at most 1 KiB, with room.
MAX_CONTENT_BYTES: Final = 512 * 1024
MAX_CHUNKS: Final = 1000
MAX_LIFE_MS: Final = 72 * HOUR_MS
LANES: Final = ("interactive", "bulk")
WINDOWS: Final = ("unit", "community", "person", "site")
SERVICE_CODE: Final = re.compile(r"[a-z]{2,16}\.[a-z_]{2,24}", re.ASCII)
WORKER_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,31}", re.ASCII)


class Batch(NamedTuple):
    """Which part of a batch a request is."""

    batch_id: bytes
    chunk: int
    chunks: int


@dataclass(frozen=True, slots=True)
class RequestHeader:
    """The header of a request; see the module for each field."""

    id: bytes
    service: str
    version: int
    lane: str
    window: str
    created_ms: int
    expires_ms: int
    certificate: bytes
    grant: bytes
    reply_to: str
    reply_key: bytes
    body_digest: bytes
    batch: Batch | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """A header with its content; the content is plain on the inner side, sealed on the outer."""

    header: RequestHeader
    header_bytes: bytes
    content: bytes


def encode_header(header: RequestHeader) -> bytes:
    """Encode a header in its one form."""
    return cbor.encode(
        {
            1: header.id,
            2: header.service,
            3: header.version,
            4: header.lane,
            5: header.window,
            6: header.created_ms,
            7: header.expires_ms,
            8: header.certificate,
            9: header.grant,
            10: header.reply_to,
            11: header.reply_key,
            12: header.body_digest,
            13: list(header.batch) if header.batch else None,
        }
    )


def parse_header(data: bytes) -> RequestHeader:
    """Parse a header.

    Raises:
        PeerError: anything but the one form of a header inside its limits.
    """
    reader = HeaderReader(data, keys=13, limit=MAX_HEADER_BYTES)
    header = RequestHeader(
        id=reader.exact_bytes(1, ID_BYTES),
        service=reader.text(2, SERVICE_CODE),
        version=reader.integer(3, least=1, most=9999),
        lane=reader.choice(4, LANES),
        window=reader.choice(5, WINDOWS),
        created_ms=reader.instant(6),
        expires_ms=reader.instant(7),
        certificate=reader.bytes_up_to(8, FINGERPRINT_BYTES),
        grant=reader.bytes_up_to(9, MAX_GRANT_BYTES),
        reply_to=reader.text(10, WORKER_NAME),
        reply_key=reader.exact_bytes(11, KEY_BYTES),
        body_digest=reader.exact_bytes(12, merkle.DIGEST_BYTES),
        batch=_batch(reader.raw(13)),
    )
    if len(header.certificate) not in (0, FINGERPRINT_BYTES):
        raise PeerError(Kind.MALFORMED, "certificate digest of a wrong length")
    if not 0 < header.expires_ms - header.created_ms <= MAX_LIFE_MS:
        raise PeerError(Kind.MALFORMED, "request lives too long or not at all")
    return header


def _batch(value: cbor.Value) -> Batch | None:
    if value is None:
        return None
    if not isinstance(value, list) or len(value) != 3:
        raise PeerError(Kind.MALFORMED, "batch is not a triple")
    batch_id, chunk, chunks = value
    if not isinstance(batch_id, bytes) or len(batch_id) != ID_BYTES:
        raise PeerError(Kind.MALFORMED, "batch id has 16 bytes")
    if type(chunk) is not int or type(chunks) is not int or not 1 <= chunk <= chunks <= MAX_CHUNKS:
        raise PeerError(Kind.MALFORMED, "batch chunk out of range")
    return Batch(batch_id, chunk, chunks)


def make_content(body: bytes, salt: bytes) -> tuple[bytes, bytes]:
    """Give content and its digest for a canonical body and 16 fresh random bytes."""
    if len(salt) != SALT_BYTES:
        raise ValueError("the salt has 16 bytes")
    content = salt + body
    return content, hashlib.sha256(content).digest()


def body_of(header: RequestHeader, content: bytes) -> bytes:
    """Give the body of an opened content after checking its digest.

    Raises:
        PeerError: TOO_LARGE, MALFORMED or DIGEST_MISMATCH.
    """
    if len(content) > MAX_CONTENT_BYTES:
        raise PeerError(Kind.TOO_LARGE, "request content too large")
    if len(content) < SALT_BYTES:
        raise PeerError(Kind.MALFORMED, "request content cut short")
    if hashlib.sha256(content).digest() != header.body_digest:
        raise PeerError(Kind.DIGEST_MISMATCH, "content is not the one the header names")
    return content[SALT_BYTES:]


def seal_content(content: bytes, header_bytes: bytes, high_half: SealPublicKey) -> bytes:
    """Seal content to the ferry's high half, bound to its header."""
    return high_half.seal(content, info=REQUEST_INFO, aad=header_bytes)


def open_content(sealed: bytes, header_bytes: bytes, high_half: SealPrivateKey) -> bytes:
    """Open sealed content.

    Raises:
        PeerError: TOO_LARGE or BAD_SEAL.
    """
    if len(sealed) > MAX_CONTENT_BYTES + OVERHEAD_BYTES:
        raise PeerError(Kind.TOO_LARGE, "request content too large")
    return high_half.open(sealed, info=REQUEST_INFO, aad=header_bytes)


def header_digest(header_bytes: bytes) -> bytes:
    """Give the Merkle leaf of a header; two requests with one id must agree in it."""
    return merkle.leaf_hash(header_bytes)
