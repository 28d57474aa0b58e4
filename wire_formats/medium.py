r"""A medium (光盘, U盘): files of one direction that people carry over the gap, and the manifest in front of them.

    manifest   "FGMEDIUM1\n" ‖ HPKE seal over [ 1, [ signature, signature ], [ page, ... ] ]
    signature  COSE_Sign1 by a gatekeeper operator over the statement; both carry the same statement
    page       [ entry, ... ], 4096 entries each, the last page fewer
    entry      byte string: [ lane, name, size, SHA-256 ], in strict order of lane and name
    content    all files one after the other, cut into chunks of 1 MiB, each chunk an HPKE seal of its own

    statement map
     1 direction       "inbound" or "outbound"
     2 sender          machine name of the half that gave the files
     3 recipient       machine name of the half they are for
     4 recipient key   SHA-256 of the seal key they are sealed to
     5 serial          of the medium, as its label says
     6 export          128 random bits: this filling of the medium
     7 epoch           start of the sender's media register, ms since 1970
     8 sequence        from 1, without gaps, per epoch: which medium in the row
     9 previous        SHA-256 of the statement of the medium before; zeros for the first
    10 files           number of files
    11 bytes           sum of their sizes
    12 root            Merkle root over the entries (RFC 9162 leaves)
    13 lanes           number of files per lane: [ interactive, bulk, control ]
    14 made            ms since 1970
    15 expires         ms since 1970

    image file         "FGIMAGE1" ‖ length of the manifest, 8 bytes big-endian ‖ manifest ‖ content

A chunk is bound to its export and its number, so that chunks cannot be taken from another medium, left out or
moved.  Who seals proves nothing of himself: what is believed is what two operators signed, and below it the seals
of the bundles themselves.

Limits: 16,384 files, 3 MiB a file, 4,000,000,000 bytes a medium (a file on FAT32 ends at 4 GiB).

Source: BSI and ISM on transfer media (accompanying data, two persons); RFC 9180; RFC 9052; RFC 9162.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from wire_formats import cbor, cose, merkle
from wire_formats.bundle import CLOCK_SLACK_MS, DIRECTIONS, EPOCH_AHEAD_MS, MAX_BUNDLE_BYTES
from wire_formats.certificate_names import SIGNER_NAME
from wire_formats.drop import DropName, parse_name
from wire_formats.errors import Kind, PeerError
from wire_formats.header_reader import HeaderReader
from wire_formats.seal import OVERHEAD_BYTES, SealPrivateKey, SealPublicKey
from wire_formats.suites import Signing
from wire_formats.trust import Signer, TrustStore

FORMAT: Final = 1
MAGIC: Final = b"FGMEDIUM1\n"
IMAGE_MAGIC: Final = b"FGIMAGE1"
IMAGE_HEAD_BYTES: Final = len(IMAGE_MAGIC) + 8
#: Lanes a medium carries; ``control`` holds heartbeats, acknowledgements and notices.
MEDIUM_LANES: Final = ("interactive", "bulk", "control")
OPERATOR_ROLE: Final = "gatekeeper"
CHUNK_BYTES: Final = 1 << 20
PAGE_ENTRIES: Final = 4096
MAX_FILES: Final = 4 * PAGE_ENTRIES
MAX_CONTENT_BYTES: Final = 4_000_000_000
MAX_MANIFEST_BYTES: Final = 3 << 20
MAX_STATEMENT_BYTES: Final = 512
MAX_LIFE_MS: Final = 366 * 86_400_000
EXPORT_BYTES: Final = 16
FIRST: Final = bytes(32)
_SIGNATURES: Final = 2
_MAX_SEQUENCE: Final = (1 << 48) - 1
_SIGNATURE_USE: Final = b"ferrygate media manifest 1"
_MANIFEST_INFO: Final = b"ferrygate media manifest 1"
_CHUNK_INFO: Final = b"ferrygate media chunk 1"
SERIAL: Final = re.compile(r"[A-Z0-9][A-Z0-9-]{2,30}[A-Z0-9]", re.ASCII)


class Entry(NamedTuple):
    """One file of a medium."""

    lane: str
    name: DropName
    size: int
    digest: bytes

    @property
    def order(self) -> tuple[int, str]:
        """Its place in the manifest, and in the content."""
        return MEDIUM_LANES.index(self.lane), str(self.name)


@dataclass(frozen=True, slots=True)
class MediumStatement:
    """What two operators sign; see the module."""

    direction: str
    sender: str
    recipient: str
    recipient_key: bytes
    serial: str
    export: bytes
    epoch: int
    sequence: int
    previous: bytes
    files: int
    size: int
    root: bytes
    lanes: tuple[int, ...]
    made_ms: int
    expires_ms: int

    def digest(self) -> bytes:
        """Give the SHA-256 that the next statement, the receipt and the slip name."""
        return hashlib.sha256(encode_statement(self)).digest()


@dataclass(frozen=True, slots=True)
class Manifest:
    """A parsed manifest; its signatures are not yet verified."""

    statement: MediumStatement
    signatures: tuple[bytes, bytes]
    entries: tuple[Entry, ...]


def check_serial(text: str) -> str:
    """Give a medium's serial back if it is one.

    Raises:
        PeerError: outside 4 to 32 of A-Z, 0-9 and inner hyphens.
    """
    if not SERIAL.fullmatch(text):
        raise PeerError(Kind.MALFORMED, "a medium's serial has 4 to 32 of A-Z, 0-9 and inner hyphens")
    return text


def content_size(size: int) -> int:
    """Give how many bytes the sealed content has for files of together ``size`` bytes."""
    return size + chunk_count(size) * OVERHEAD_BYTES


def chunk_count(size: int) -> int:
    """Give into how many chunks files of together ``size`` bytes are cut."""
    return -(-size // CHUNK_BYTES)


def entries_root(entries: Iterable[Entry]) -> bytes:
    """Give the Merkle root over the entries."""
    return merkle.root([merkle.leaf_hash(_encode_entry(entry)) for entry in entries])


def count_lanes(entries: Iterable[Entry]) -> tuple[int, ...]:
    """Give how many files each lane has, in the order of ``MEDIUM_LANES``."""
    counts = dict.fromkeys(MEDIUM_LANES, 0)
    for entry in entries:
        counts[entry.lane] += 1
    return tuple(counts.values())


def sign_statement(statement: MediumStatement, key: Signing) -> bytes:
    """Sign a statement as an operator."""
    return cose.sign1(encode_statement(statement), key, external=_SIGNATURE_USE)


def verify_signature(statement: MediumStatement, message: bytes, trust: TrustStore, *, now_ms: int) -> Signer:
    """Verify one operator's signature over this very statement.

    Raises:
        PeerError: malformed, unknown or invalid operator, wrong role, a signature that fails, or over another
            statement.
    """
    verified = cose.verify1(message, trust, role=OPERATOR_ROLE, now_ms=now_ms, external=_SIGNATURE_USE)
    if verified.payload != encode_statement(statement):
        raise PeerError(Kind.DIGEST_MISMATCH, "the signature is over another statement")
    return verified.signer


def encode_manifest(signatures: Sequence[bytes], entries: Sequence[Entry]) -> bytes:
    """Encode a manifest before it is sealed."""
    encoded = [_encode_entry(entry) for entry in entries]
    pages: list[cbor.Value] = [
        list[cbor.Value](encoded[at : at + PAGE_ENTRIES]) for at in range(0, len(encoded), PAGE_ENTRIES)
    ]
    return cbor.encode([FORMAT, list[cbor.Value](signatures), pages])


def seal_manifest(plain: bytes, key: SealPublicKey) -> bytes:
    """Seal an encoded manifest to the receiving half; gives the manifest as it lies on the medium."""
    return MAGIC + key.seal(plain, info=_MANIFEST_INFO, aad=MAGIC)


def open_manifest(data: bytes, key: SealPrivateKey) -> Manifest:
    """Open and parse a manifest; the signatures still have to be verified.

    Raises:
        PeerError: TOO_LARGE, MALFORMED or NOT_CANONICAL; BAD_SEAL: for another half, or damaged.
    """
    if len(data) > MAX_MANIFEST_BYTES:
        raise PeerError(Kind.TOO_LARGE, "manifest too large")
    if data[: len(MAGIC)] != MAGIC:
        raise PeerError(Kind.MALFORMED, "not a manifest of this format")
    return parse_manifest(key.open(data[len(MAGIC) :], info=_MANIFEST_INFO, aad=MAGIC))


def parse_manifest(plain: bytes) -> Manifest:
    """Parse an opened manifest.

    Raises:
        PeerError: anything but the one form of a manifest whose entries fit its statement.
    """
    parts = cbor.decode(plain, max_depth=3)
    if not isinstance(parts, list) or len(parts) != 3 or type(parts[0]) is not int or parts[0] != FORMAT:
        raise PeerError(Kind.MALFORMED, "not a manifest of this format")
    _, signatures, pages = parts
    if not isinstance(signatures, list) or len(signatures) != _SIGNATURES:
        raise PeerError(Kind.MALFORMED, "a manifest has two signatures")
    first, second = signatures
    if not isinstance(first, bytes) or not isinstance(second, bytes):
        raise PeerError(Kind.MALFORMED, "signature is not a byte string")
    payload = cose.parse_sign1(first).payload
    if cose.parse_sign1(second).payload != payload:
        raise PeerError(Kind.MALFORMED, "the operators signed different statements")
    statement = parse_statement(payload)
    entries = _parse_pages(pages)
    _check_fit(statement, entries)
    return Manifest(statement, (first, second), entries)


def verify_operators(manifest: Manifest, trust: TrustStore, *, now_ms: int) -> tuple[Signer, Signer]:
    """Verify both signatures, and that two different operators made them.

    Args:
        manifest: the manifest.
        trust: the operators this half knows.
        now_ms: the instant now.

    Raises:
        PeerError: unknown or invalid operator, wrong role, a signature that fails, the same operator twice,
            expired, or made in the future.
    """
    first, second = (
        cose.verify1(message, trust, role=OPERATOR_ROLE, now_ms=now_ms, external=_SIGNATURE_USE).signer
        for message in manifest.signatures
    )
    if first.name == second.name or first.kid == second.kid:
        raise PeerError(Kind.UNKNOWN_SIGNER, "one operator signed twice")
    statement = manifest.statement
    if statement.made_ms > now_ms + CLOCK_SLACK_MS or statement.epoch > now_ms + EPOCH_AHEAD_MS:
        raise PeerError(Kind.FROM_THE_FUTURE, "medium was made in the future")
    if statement.expires_ms <= now_ms:
        raise PeerError(Kind.REPLAYED, "medium has expired")
    return first, second


def seal_chunk(plain: bytes, key: SealPublicKey, export: bytes, index: int) -> bytes:
    """Seal one chunk of the content."""
    return key.seal(plain, info=_CHUNK_INFO, aad=_chunk_name(export, index))


def open_chunk(sealed: bytes, key: SealPrivateKey, export: bytes, index: int) -> bytes:
    """Open one chunk of the content.

    Raises:
        PeerError: BAD_SEAL: damaged, or another chunk than this one.
    """
    return key.open(sealed, info=_CHUNK_INFO, aad=_chunk_name(export, index))


def parse_statement(data: bytes) -> MediumStatement:
    """Parse a statement.

    Raises:
        PeerError: anything but the one form of a statement.
    """
    reader = HeaderReader(data, keys=15, limit=MAX_STATEMENT_BYTES, depth=2)
    lanes = reader.integers(13, most_items=len(MEDIUM_LANES), least=0, most=MAX_FILES)
    made_ms, expires_ms = reader.instant(14), reader.instant(15)
    if len(lanes) != len(MEDIUM_LANES) or not made_ms < expires_ms <= made_ms + MAX_LIFE_MS:
        raise PeerError(Kind.MALFORMED, "statement with impossible lanes or life")
    return MediumStatement(
        direction=reader.choice(1, DIRECTIONS),
        sender=reader.text(2, SIGNER_NAME),
        recipient=reader.text(3, SIGNER_NAME),
        recipient_key=reader.exact_bytes(4, merkle.DIGEST_BYTES),
        serial=reader.text(5, SERIAL),
        export=reader.exact_bytes(6, EXPORT_BYTES),
        epoch=reader.instant(7),
        sequence=reader.integer(8, least=1, most=_MAX_SEQUENCE),
        previous=reader.exact_bytes(9, merkle.DIGEST_BYTES),
        files=reader.integer(10, least=1, most=MAX_FILES),
        size=reader.integer(11, least=0, most=MAX_CONTENT_BYTES),
        root=reader.exact_bytes(12, merkle.DIGEST_BYTES),
        lanes=tuple(lanes),
        made_ms=made_ms,
        expires_ms=expires_ms,
    )


def encode_statement(statement: MediumStatement) -> bytes:
    """Encode a statement in its one form."""
    return cbor.encode(
        {
            1: statement.direction,
            2: statement.sender,
            3: statement.recipient,
            4: statement.recipient_key,
            5: statement.serial,
            6: statement.export,
            7: statement.epoch,
            8: statement.sequence,
            9: statement.previous,
            10: statement.files,
            11: statement.size,
            12: statement.root,
            13: list(statement.lanes),
            14: statement.made_ms,
            15: statement.expires_ms,
        }
    )


def _parse_pages(pages: cbor.Value) -> tuple[Entry, ...]:
    if not isinstance(pages, list) or not 1 <= len(pages) <= MAX_FILES // PAGE_ENTRIES:
        raise PeerError(Kind.MALFORMED, "manifest without pages, or with too many")
    entries: list[Entry] = []
    for number, page in enumerate(pages, start=1):
        if not isinstance(page, list) or not page or (number < len(pages) and len(page) != PAGE_ENTRIES):
            raise PeerError(Kind.NOT_CANONICAL, "a page that is not full")
        entries += [_parse_entry(item) for item in page]
    if any(before.order >= after.order for before, after in itertools.pairwise(entries)):
        raise PeerError(Kind.NOT_CANONICAL, "entries out of order or doubled")
    return tuple(entries)


def _parse_entry(item: cbor.Value) -> Entry:
    parts = cbor.decode(item, max_depth=1) if isinstance(item, bytes) else None
    if not isinstance(parts, list) or len(parts) != 4:
        raise PeerError(Kind.MALFORMED, "entry has four parts")
    lane, text, size, digest = parts
    if not isinstance(lane, str) or lane not in MEDIUM_LANES or not isinstance(text, str):
        raise PeerError(Kind.MALFORMED, "entry without lane or name")
    name = parse_name(text)
    if type(size) is not int or not 0 <= size <= MAX_BUNDLE_BYTES:
        raise PeerError(Kind.TOO_LARGE, "a file on the medium is too large")
    if not isinstance(digest, bytes) or len(digest) != merkle.DIGEST_BYTES:
        raise PeerError(Kind.MALFORMED, "entry without digest")
    return Entry(lane, name, size, digest)


def _check_fit(statement: MediumStatement, entries: tuple[Entry, ...]) -> None:
    told = statement.files, statement.size, statement.lanes
    if told != (len(entries), sum(entry.size for entry in entries), count_lanes(entries)):
        raise PeerError(Kind.DIGEST_MISMATCH, "the statement counts other files")
    if statement.root != entries_root(entries):
        raise PeerError(Kind.DIGEST_MISMATCH, "the statement is over other files")


def _encode_entry(entry: Entry) -> bytes:
    return cbor.encode([entry.lane, str(entry.name), entry.size, entry.digest])


def _chunk_name(export: bytes, index: int) -> bytes:
    return export + index.to_bytes(8, "big")
