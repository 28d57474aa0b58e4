"""What the ends of a lane without a way back tell each other: manifests over the lane, resend lists by hand.

Manifest (sender to receiver, again and again): what was sent and is still kept, in portions.

    1 "manifest" · 2 direction · 3 lane · 4 epoch · 5 oldest number kept · 6 first number of the portion
    7 statement digests from there on, 1 to 256 · 8 high-water mark · 9 made

Resend list (receiver to sender, in a file that a person carries): for each lane how far everything has arrived, and
what is missing beyond.

    1 "resend list" · 2 direction · 3 lanes: array of [lane, epoch, cumulative, [missing ...]] · 4 made

Both are COSE_Sign1; neither carries free text.  A resend list confirms as much as it asks for.

Source: research, section 4, "learning of loss" (e); RFC 9052.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from wire_formats import cbor, cose, merkle
from wire_formats.bundle import CLOCK_SLACK_MS, DIRECTIONS, EPOCH_AHEAD_MS
from wire_formats.errors import Kind, PeerError
from wire_formats.header_reader import HeaderReader
from wire_formats.request import LANES
from wire_formats.suites import SigningKey
from wire_formats.trust import TrustStore

MAX_DIGESTS: Final = 256
MAX_MANIFEST_BYTES: Final = 12_288
#: Numbers that one list asks for, of each lane; a longer gap needs a second list.
MAX_MISSING: Final = 2048
MAX_LIST_BYTES: Final = 65_536
_MAX_SEQUENCE: Final = (1 << 48) - 1
_MANIFEST_USE: Final = b"ferrygate lane manifest 1"
_LIST_USE: Final = b"ferrygate resend list 1"
_ENTRY_PARTS: Final = 4


@dataclass(frozen=True, slots=True)
class Manifest:
    """A portion of what a lane's sender has sent and keeps.

    Attributes:
        direction: inbound or outbound.
        lane: interactive or bulk.
        epoch: of the sender.
        kept: the oldest number that can still be sent again.
        first: number of the first digest.
        digests: of the crossings' statements, without gaps.
        mark: the highest number sent.
        made_ms: when.
    """

    direction: str
    lane: str
    epoch: int
    kept: int
    first: int
    digests: tuple[bytes, ...]
    mark: int
    made_ms: int


@dataclass(frozen=True, slots=True)
class LaneGaps:
    """How far one lane has come at its receiver."""

    lane: str
    epoch: int
    cumulative: int
    missing: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ResendList:
    """What the receiver of a direction has, and misses."""

    direction: str
    lanes: tuple[LaneGaps, ...]
    made_ms: int

    @property
    def missing(self) -> int:
        """How many crossings it asks for."""
        return sum(len(lane.missing) for lane in self.lanes)


def sign_manifest(manifest: Manifest, key: SigningKey) -> bytes:
    """Sign a manifest."""
    value: dict[int | str, cbor.Value] = {
        1: "manifest", 2: manifest.direction, 3: manifest.lane, 4: manifest.epoch, 5: manifest.kept,
        6: manifest.first, 7: list(manifest.digests), 8: manifest.mark, 9: manifest.made_ms,
    }  # fmt: skip
    return cose.sign1(cbor.encode(value), key, external=_MANIFEST_USE)


def verify_manifest(message: bytes, trust: TrustStore, *, role: str, now_ms: int) -> Manifest:
    """Verify and parse a manifest.

    Raises:
        PeerError: malformed, bad signature, wrong role, made in the future, or of an epoch in another age.
    """
    if len(message) > MAX_MANIFEST_BYTES:
        raise PeerError(Kind.TOO_LARGE, "manifest too large")
    payload = cose.verify1(message, trust, role=role, now_ms=now_ms, external=_MANIFEST_USE).payload
    manifest = parse_manifest(payload)
    _check_age(manifest.made_ms, (manifest.epoch,), now_ms)
    return manifest


def parse_manifest(payload: bytes) -> Manifest:
    """Parse a manifest's payload.

    Raises:
        PeerError: anything but the one form.
    """
    reader = HeaderReader(payload, keys=9, limit=MAX_MANIFEST_BYTES, depth=2)
    reader.choice(1, ("manifest",))
    digests = _array(reader.raw(7))
    if not 1 <= len(digests) <= MAX_DIGESTS:
        raise PeerError(Kind.MALFORMED, "digests of a manifest")
    manifest = Manifest(
        direction=reader.choice(2, DIRECTIONS),
        lane=reader.choice(3, LANES),
        epoch=reader.instant(4),
        kept=reader.integer(5, least=1, most=_MAX_SEQUENCE),
        first=reader.integer(6, least=1, most=_MAX_SEQUENCE),
        digests=tuple(_digest(digest) for digest in digests),
        mark=reader.integer(8, least=1, most=_MAX_SEQUENCE),
        made_ms=reader.instant(9),
    )
    if not manifest.kept <= manifest.first <= manifest.first + len(digests) - 1 <= manifest.mark:
        raise PeerError(Kind.MALFORMED, "numbers of a manifest")
    return manifest


def sign_resend_list(found: ResendList, key: SigningKey) -> bytes:
    """Sign a resend list."""
    lanes: list[cbor.Value] = [
        [lane.lane, lane.epoch, lane.cumulative, list[cbor.Value](lane.missing)] for lane in found.lanes
    ]
    value: dict[int | str, cbor.Value] = {1: "resend list", 2: found.direction, 3: lanes, 4: found.made_ms}
    return cose.sign1(cbor.encode(value), key, external=_LIST_USE)


def verify_resend_list(message: bytes, trust: TrustStore, *, role: str, now_ms: int) -> ResendList:
    """Verify and parse a resend list.

    Raises:
        PeerError: malformed, bad signature, wrong role, or made in the future.
    """
    if len(message) > MAX_LIST_BYTES:
        raise PeerError(Kind.TOO_LARGE, "resend list too large")
    payload = cose.verify1(message, trust, role=role, now_ms=now_ms, external=_LIST_USE).payload
    found = parse_resend_list(payload)
    _check_age(found.made_ms, tuple(lane.epoch for lane in found.lanes), now_ms)
    return found


def peek_resend_list(message: bytes) -> ResendList:
    """Read a resend list for a person, without checking who signed it.

    Raises:
        PeerError: it is none.
    """
    if len(message) > MAX_LIST_BYTES:
        raise PeerError(Kind.TOO_LARGE, "resend list too large")
    return parse_resend_list(cose.parse_sign1(message).payload)


def parse_resend_list(payload: bytes) -> ResendList:
    """Parse a resend list's payload.

    Raises:
        PeerError: anything but the one form.
    """
    reader = HeaderReader(payload, keys=4, limit=MAX_LIST_BYTES, depth=4)
    reader.choice(1, ("resend list",))
    entries = _array(reader.raw(3))
    lanes = tuple(_lane_gaps(entry) for entry in entries)
    names = [lane.lane for lane in lanes]
    if names != sorted(set(names), key=LANES.index):
        raise PeerError(Kind.MALFORMED, "lanes of a resend list")
    return ResendList(reader.choice(2, DIRECTIONS), lanes, reader.instant(4))


def _array(value: cbor.Value) -> list[cbor.Value]:
    if not isinstance(value, list):
        raise PeerError(Kind.MALFORMED, "an array is missing")
    return value


def _digest(value: cbor.Value) -> bytes:
    if not isinstance(value, bytes) or len(value) != merkle.DIGEST_BYTES:
        raise PeerError(Kind.MALFORMED, "digest of a manifest")
    return value


def _lane_gaps(entry: cbor.Value) -> LaneGaps:
    if not isinstance(entry, list) or len(entry) != _ENTRY_PARTS:
        raise PeerError(Kind.MALFORMED, "lane of a resend list")
    lane, epoch, cumulative, missing = entry
    if not isinstance(lane, str) or lane not in LANES or not isinstance(missing, list) or len(missing) > MAX_MISSING:
        raise PeerError(Kind.MALFORMED, "lane of a resend list")
    reached = _sequence(cumulative, least=0)
    numbers = [_sequence(number, least=reached + 1) for number in missing]
    if any(later <= before for before, later in pairwise(numbers)):
        raise PeerError(Kind.MALFORMED, "numbers of a resend list")
    return LaneGaps(lane, _sequence(epoch, least=1), reached, tuple(numbers))


def _sequence(value: cbor.Value, *, least: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= _MAX_SEQUENCE:
        raise PeerError(Kind.MALFORMED, "number of a resend list")
    return value


def _check_age(made_ms: int, epochs: tuple[int, ...], now_ms: int) -> None:
    if made_ms > now_ms + CLOCK_SLACK_MS:
        raise PeerError(Kind.FROM_THE_FUTURE, "made in the future")
    if any(epoch > now_ms + EPOCH_AHEAD_MS for epoch in epochs):
        raise PeerError(Kind.FROM_THE_FUTURE, "epoch of another age")
