"""A bundle: one file with 1..256 requests or answers, and the seals of all who passed it on.

    [ 1, direction, [ item, ... ], [ seal, ... ] ]
    item = [ header bytes, content bytes ]
    seal = COSE_Sign1 over a SealStatement

    statement map
    1 direction   "inbound" or "outbound"
    2 lane        "interactive" or "bulk"
    3 epoch       start of the sealer's current run, ms since 1970
    4 sequence    from 1, without gaps, per sealer, direction and lane
    5 previous    SHA-256 of the sealer's previous statement in this stream; zeros for the first
    6 count       number of items
    7 root        Merkle root over the items' headers (RFC 9162 leaves)
    8 made        ms since 1970
    9 tracked     whether the author wants Progress notices (bundles with transactions)

The author seals first (worker inbound, core outbound); each ferry half appends its own seal.  All
seals are over the same root: the headers never change on the road, and each header binds its
content by digest.  So content may be opened by the high half and every earlier seal still holds.

One signature for many requests is where throughput comes from; each request stays provable alone.

Source: DESIGN "Bundle"; RFC 9052; RFC 9162.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from wire_formats import cbor, cose, merkle
from wire_formats.errors import Kind, PeerError
from wire_formats.header_reader import HeaderReader
from wire_formats.instants import DAY_MS
from wire_formats.request import LANES
from wire_formats.suites import SigningKey
from wire_formats.trust import Signer, TrustStore

FORMAT: Final = 1
DIRECTIONS: Final = ("inbound", "outbound")
MAX_ITEMS: Final = 256
#: Natural bundling stops at 1 MiB; a single largest item still fits.
TARGET_BYTES: Final = 1 << 20
MAX_BUNDLE_BYTES: Final = 3 << 20
#: As its author puts it down: each half adds a seal, and whoever reads it then has the limit above.
MAX_FRESH_BYTES: Final = MAX_BUNDLE_BYTES - 1024
MAX_SEALS: Final = 4
MAX_STATEMENT_BYTES: Final = 256
FIRST: Final = bytes(32)
SEAL_USE: Final = b"ferrygate bundle seal 1"
_MAX_SEQUENCE: Final = (1 << 48) - 1
#: A seal made this far ahead of our clock is refused (the two sides keep their own time).
CLOCK_SLACK_MS: Final = 5 * 60_000
#: An epoch this far ahead of our clock is no mistake of a clock. Who has seen an epoch begins a newer one, so without a
#: bound a single message with the last epoch there is would close a lane for good. A century leaves room for any.
EPOCH_AHEAD_MS: Final = 100 * 366 * DAY_MS


class Item(NamedTuple):
    """One request or answer: encoded header, and content."""

    header: bytes
    content: bytes


@dataclass(frozen=True, slots=True)
class SealStatement:
    """What one sealer says about a bundle; see the module."""

    direction: str
    lane: str
    epoch: int
    sequence: int
    previous: bytes
    count: int
    root: bytes
    made_ms: int
    tracked: bool = False


@dataclass(frozen=True, slots=True)
class Bundle:
    """A parsed bundle; its seals are not yet verified."""

    direction: str
    items: tuple[Item, ...]
    seals: tuple[bytes, ...]
    #: Kept once computed; ``replace`` forgets it.
    _root: bytes = field(default=b"", init=False, repr=False, compare=False)

    def root(self) -> bytes:
        """Give the Merkle root over the headers."""
        if not self._root:
            self._keep(merkle.root([merkle.leaf_hash(item.header) for item in self.items]))
        return self._root

    def with_seal(self, seal: bytes) -> Bundle:
        """Give the bundle with one more seal."""
        sealed = replace(self, seals=(*self.seals, seal))
        sealed._keep(self._root)
        return sealed

    def _keep(self, root: bytes) -> None:
        object.__setattr__(self, "_root", root)


class CheckedSeal(NamedTuple):
    """A seal that held."""

    statement: SealStatement
    signer: Signer
    digest: bytes


@dataclass(slots=True)
class SealStream:
    """The numbering of one sealer in one direction and lane: epoch, sequence, hash chain.

    Attributes:
        direction: of everything in it.
        lane: the same.
        epoch: start of this run.
        sequence: of the last seal.
        previous: digest of its statement.
        said: that statement; None before the first seal.
    """

    direction: str
    lane: str
    epoch: int
    sequence: int = 0
    previous: bytes = FIRST
    said: SealStatement | None = None

    def seal(self, bundle: Bundle, key: SigningKey, *, now_ms: int, tracked: bool = False) -> Bundle:
        """Append this stream's next seal to a bundle."""
        statement = SealStatement(
            direction=self.direction,
            lane=self.lane,
            epoch=self.epoch,
            sequence=self.sequence + 1,
            previous=self.previous,
            count=len(bundle.items),
            root=bundle.root(),
            made_ms=now_ms,
            tracked=tracked,
        )
        payload = encode_statement(statement)
        sealed = bundle.with_seal(cose.sign1(payload, key, external=SEAL_USE))
        self.sequence += 1
        self.previous = hashlib.sha256(payload).digest()
        self.said = statement
        return sealed


def new_bundle(direction: str, items: Sequence[Item]) -> Bundle:
    """Make an unsealed bundle.

    Raises:
        ValueError: no items, or too many.
    """
    if not 1 <= len(items) <= MAX_ITEMS:
        raise ValueError("a bundle has 1 to 256 items")
    return Bundle(direction, tuple(items), ())


def encode_bundle(bundle: Bundle) -> bytes:
    """Encode a bundle in its one form."""
    items: list[cbor.Value] = [[item.header, item.content] for item in bundle.items]
    return cbor.encode([FORMAT, bundle.direction, items, list(bundle.seals)])


def parse_bundle(data: bytes) -> Bundle:
    """Parse a bundle; the seals still have to be verified.

    Raises:
        PeerError: TOO_LARGE, MALFORMED or NOT_CANONICAL.
    """
    if len(data) > MAX_BUNDLE_BYTES:
        raise PeerError(Kind.TOO_LARGE, "bundle too large")
    parts = cbor.decode(data, max_depth=3)
    if not isinstance(parts, list) or len(parts) != 4 or type(parts[0]) is not int or parts[0] != FORMAT:
        raise PeerError(Kind.MALFORMED, "not a bundle of this format")
    _, direction, items, seals = parts
    if not isinstance(direction, str) or direction not in DIRECTIONS:
        raise PeerError(Kind.MALFORMED, "bundle without direction")
    if not isinstance(items, list) or not 1 <= len(items) <= MAX_ITEMS:
        raise PeerError(Kind.MALFORMED, "bundle has no items, or too many")
    if not isinstance(seals, list) or not 1 <= len(seals) <= MAX_SEALS:
        raise PeerError(Kind.MALFORMED, "bundle has no seals, or too many")
    checked = [seal for seal in seals if isinstance(seal, bytes)]
    if len(checked) != len(seals):
        raise PeerError(Kind.MALFORMED, "seal is not a byte string")
    return Bundle(direction, tuple(_item(item) for item in items), tuple(checked))


def _item(value: cbor.Value) -> Item:
    if not isinstance(value, list) or len(value) != 2:
        raise PeerError(Kind.MALFORMED, "item is not a pair")
    header, content = value
    if not isinstance(header, bytes) or not isinstance(content, bytes):
        raise PeerError(Kind.MALFORMED, "item is not a pair of byte strings")
    return Item(header, content)


def verify_seal(
    bundle: Bundle, index: int, trust: TrustStore, *, role: str | tuple[str, ...], now_ms: int
) -> CheckedSeal:
    """Verify one seal of a bundle.

    Args:
        bundle: the bundle.
        index: which seal; 0 is the author's, negative numbers count from the last.
        trust: the signers this process knows.
        role: the role or roles the sealer must have.
        now_ms: the instant now.

    Raises:
        PeerError: no such seal, signature, role, validity, or a statement about other items.
    """
    try:
        seal = bundle.seals[index]
    except IndexError:
        raise PeerError(Kind.BAD_SIGNATURE, "a seal is missing") from None
    verified = cose.verify1(seal, trust, role=role, now_ms=now_ms, external=SEAL_USE)
    statement = parse_statement(verified.payload)
    if statement.direction != bundle.direction:
        raise PeerError(Kind.WRONG_LANE, "seal is for the other direction")
    if statement.count != len(bundle.items) or statement.root != bundle.root():
        raise PeerError(Kind.DIGEST_MISMATCH, "seal is over other items")
    if statement.made_ms > now_ms + CLOCK_SLACK_MS or statement.epoch > now_ms + EPOCH_AHEAD_MS:
        raise PeerError(Kind.FROM_THE_FUTURE, "seal was made in the future")
    return CheckedSeal(statement, verified.signer, hashlib.sha256(verified.payload).digest())


def parse_statement(data: bytes) -> SealStatement:
    """Parse a statement.

    Raises:
        PeerError: anything but the one form of a statement.
    """
    reader = HeaderReader(data, keys=9, limit=MAX_STATEMENT_BYTES, depth=1)
    return SealStatement(
        direction=reader.choice(1, DIRECTIONS),
        lane=reader.choice(2, LANES),
        epoch=reader.instant(3),
        sequence=reader.integer(4, least=1, most=_MAX_SEQUENCE),
        previous=reader.exact_bytes(5, merkle.DIGEST_BYTES),
        count=reader.integer(6, least=1, most=MAX_ITEMS),
        root=reader.exact_bytes(7, merkle.DIGEST_BYTES),
        made_ms=reader.instant(8),
        tracked=reader.flag(9),
    )


def peek_statement(seal: bytes) -> SealStatement:
    """Read a seal's statement without verifying it (for hop times of a bundle already verified).

    Raises:
        PeerError: malformed.
    """
    return parse_statement(cose.parse_sign1(seal).payload)


def encode_statement(statement: SealStatement) -> bytes:
    """Encode a statement in its one form."""
    return cbor.encode(
        {
            1: statement.direction,
            2: statement.lane,
            3: statement.epoch,
            4: statement.sequence,
            5: statement.previous,
            6: statement.count,
            7: statement.root,
            8: statement.made_ms,
            9: statement.tracked,
        }
    )
