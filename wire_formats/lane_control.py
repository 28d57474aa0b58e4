"""What ferry halves say about their lanes: heartbeats, acknowledgements, progress.

Heartbeat (every second, in the direction of the lane): how far the sender has come.  A receiver that
has seen less knows that something was lost, the tail included.

    1 "heartbeat" · 2 direction · 3 lane · 4 epoch · 5 high-water mark · 6 last statement digest · 7 made

Acknowledgement (on the opposite lane): how far the receiver has come, and up to 32 gaps.

    1 "acknowledgement" · 2 direction · 3 lane · 4 epoch · 5 cumulative · 6 gaps · 7 made

Progress (low half to a worker): where a tracked bundle is.

    1 "progress" · 2 root of the bundle · 3 "taken" or "crossed" · 4 made

All are COSE_Sign1; none carries free text, so none is a channel for anything else.

Source: DESIGN invariant 4; research on learning of loss.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from wire_formats import cbor, cose, merkle
from wire_formats.bundle import CLOCK_SLACK_MS, DIRECTIONS, EPOCH_AHEAD_MS
from wire_formats.errors import Kind, PeerError
from wire_formats.header_reader import HeaderReader
from wire_formats.request import LANES
from wire_formats.suites import SigningKey
from wire_formats.trust import TrustStore

MAX_GAPS: Final = 32
MAX_CONTROL_BYTES: Final = 1024
PROGRESS_STATES: Final = ("taken", "crossed")
_MAX_SEQUENCE: Final = (1 << 48) - 1
_USE: Final = b"ferrygate lane control 1"


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """How far the sender of a lane has come."""

    direction: str
    lane: str
    epoch: int
    mark: int
    last_digest: bytes
    made_ms: int


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """How far the receiver of a lane has come: all up to ``cumulative`` except ``gaps`` beyond it."""

    direction: str
    lane: str
    epoch: int
    cumulative: int
    gaps: tuple[int, ...]
    made_ms: int


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a tracked bundle is."""

    root: bytes
    state: str
    made_ms: int


Control = Heartbeat | Acknowledgement | Progress


def sign_control(control: Control, key: SigningKey) -> bytes:
    """Sign a control message."""
    value: dict[int | str, cbor.Value]
    if isinstance(control, Heartbeat):
        value = {1: "heartbeat", 2: control.direction, 3: control.lane, 4: control.epoch, 5: control.mark}
        value |= {6: control.last_digest, 7: control.made_ms}
    elif isinstance(control, Acknowledgement):
        value = {1: "acknowledgement", 2: control.direction, 3: control.lane, 4: control.epoch}
        value |= {5: control.cumulative, 6: list(control.gaps), 7: control.made_ms}
    else:
        value = {1: "progress", 2: control.root, 3: control.state, 4: control.made_ms}
    return cose.sign1(cbor.encode(value), key, external=_USE)


def verify_control(message: bytes, trust: TrustStore, *, role: str | tuple[str, ...], now_ms: int) -> Control:
    """Verify and parse a control message.

    Raises:
        PeerError: malformed, bad signature, wrong role, made in the future, or of an epoch in another age.
    """
    if len(message) > MAX_CONTROL_BYTES:
        raise PeerError(Kind.TOO_LARGE, "control message too large")
    payload = cose.verify1(message, trust, role=role, now_ms=now_ms, external=_USE).payload
    control = parse_control(payload)
    if control.made_ms > now_ms + CLOCK_SLACK_MS:
        raise PeerError(Kind.FROM_THE_FUTURE, "control message was made in the future")
    if not isinstance(control, Progress) and control.epoch > now_ms + EPOCH_AHEAD_MS:
        raise PeerError(Kind.FROM_THE_FUTURE, "epoch of another age")
    return control


def parse_control(payload: bytes) -> Control:
    """Parse a control message's payload.

    Raises:
        PeerError: anything but the one form of one of the three messages.
    """
    value = cbor.decode(payload, max_depth=2)
    kind = value.get(1) if isinstance(value, dict) else None
    if kind == "progress":
        reader = HeaderReader(payload, keys=4, limit=MAX_CONTROL_BYTES, depth=2)
        return Progress(
            root=reader.exact_bytes(2, merkle.DIGEST_BYTES),
            state=reader.choice(3, PROGRESS_STATES),
            made_ms=reader.instant(4),
        )
    reader = HeaderReader(payload, keys=7, limit=MAX_CONTROL_BYTES, depth=2)
    direction, lane = reader.choice(2, DIRECTIONS), reader.choice(3, LANES)
    epoch, made_ms = reader.instant(4), reader.instant(7)
    reached = reader.integer(5, least=0, most=_MAX_SEQUENCE)
    if kind == "heartbeat":
        digest = reader.exact_bytes(6, merkle.DIGEST_BYTES)
        return Heartbeat(direction, lane, epoch, reached, digest, made_ms)
    if kind == "acknowledgement":
        gaps = reader.integers(6, most_items=MAX_GAPS, least=1, most=_MAX_SEQUENCE)
        return Acknowledgement(direction, lane, epoch, reached, tuple(gaps), made_ms)
    raise PeerError(Kind.MALFORMED, "unknown control message")
