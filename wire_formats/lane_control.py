"""What ferry halves say about their lanes: heartbeats, acknowledgements, progress.

Heartbeat (every second, in the direction of the lane): how far the sender has come.  A receiver that
has seen less knows that something was lost, the tail included.

    1 "heartbeat" · 2 direction · 3 lane · 4 epoch · 5 high-water mark · 6 last statement digest · 7 made

Acknowledgement (on the opposite lane): how far the receiver has come, and up to 32 gaps.

    1 "acknowledgement" · 2 direction · 3 lane · 4 epoch · 5 cumulative · 6 gaps · 7 made

Progress (low half to a worker): where a tracked bundle is.

    1 "progress" · 2 root of the bundle · 3 "taken" or "crossed" · 4 made

Tree head (every second of activity, to the other half): the log of crossings of the sender has grown.

    1 "tree_head" · 2 number of the log · 3 what it stands on · 4 size · 5 root · 6 signature of the note
    7 size the other half knows · 8 consistency proof from there · 9 made

Cosignature (on the opposite lane): the other half found it consistent.

    1 "cosignature" · 2 number · 3 what it stands on · 4 size · 5 root · 6 second · 7 signature · 8 made

Tree refused (on the opposite lane): it did not, or knows another size.

    1 "tree_refused" · 2 number · 3 size it knows · 4 reason · 5 made

All are COSE_Sign1 and none carries free text: an honest half says nothing else by them. One that was taken over has
room in digests, proofs, gaps and the random part of its signatures (some hundred bytes a message, some ten messages a
second), as it has in the answers it may write: what leaves the core's side is bounded by what that half can
see, not by these formats.

Source: DESIGN invariants 4 and 10; research on learning of loss; C2SP tlog-witness v1.0.0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from wire_formats import cbor, cose, merkle
from wire_formats.bundle import CLOCK_SLACK_MS, DIRECTIONS, EPOCH_AHEAD_MS
from wire_formats.errors import Kind, PeerError
from wire_formats.header_reader import HeaderReader
from wire_formats.instants import LATEST_MS, SECOND_MS
from wire_formats.request import LANES
from wire_formats.suites import SigningKey
from wire_formats.tlog.checkpoint import MOST_LEAVES, MOST_LOGS
from wire_formats.trust import TrustStore

MAX_GAPS: Final = 32
MAX_CONTROL_BYTES: Final = 1024
PROGRESS_STATES: Final = ("taken", "crossed")
#: Why a witness does not sign: it knows another size; another tree; another log.
REFUSALS: Final = ("old_size", "split_view", "other_log")
#: Steps of a consistency proof of a log of at most 2**20 leaves.
MAX_STEPS: Final = 21
SIGNATURE_BYTES: Final = 64
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


@dataclass(frozen=True, slots=True)
class TreeHead:
    """A checkpoint of the sender's log of crossings, for the other half to witness.

    Attributes:
        number: of the log, from 1.
        base: what the log stands on, see ``tlog.checkpoint``.
        size: leaves.
        root: of the tree.
        signature: over the text of the checkpoint's note.
        old: size from which the proof starts.
        proof: consistency proof.
        made_ms: when.
    """

    number: int
    base: bytes
    size: int
    root: bytes
    signature: bytes
    old: int
    proof: tuple[bytes, ...]
    made_ms: int


@dataclass(frozen=True, slots=True)
class Cosignature:
    """What a witness signed: the largest tree it knows of the other half's log."""

    number: int
    base: bytes
    size: int
    root: bytes
    at_s: int
    signature: bytes
    made_ms: int


@dataclass(frozen=True, slots=True)
class TreeRefused:
    """Why a witness did not sign, and the log and size it knows."""

    number: int
    size: int
    reason: str
    made_ms: int


LaneControl = Heartbeat | Acknowledgement | Progress
LogControl = TreeHead | Cosignature | TreeRefused
Control = LaneControl | LogControl


def sign_control(control: Control, key: SigningKey) -> bytes:
    """Sign a control message."""
    value: dict[int | str, cbor.Value]
    if isinstance(control, Heartbeat):
        value = {1: "heartbeat", 2: control.direction, 3: control.lane, 4: control.epoch, 5: control.mark}
        value |= {6: control.last_digest, 7: control.made_ms}
    elif isinstance(control, Acknowledgement):
        value = {1: "acknowledgement", 2: control.direction, 3: control.lane, 4: control.epoch}
        value |= {5: control.cumulative, 6: list(control.gaps), 7: control.made_ms}
    elif isinstance(control, Progress):
        value = {1: "progress", 2: control.root, 3: control.state, 4: control.made_ms}
    else:
        value = _log_value(control)
    return cose.sign1(cbor.encode(value), key, external=_USE)


def _log_value(control: LogControl) -> dict[int | str, cbor.Value]:
    if isinstance(control, TreeHead):
        return {
            1: "tree_head", 2: control.number, 3: control.base, 4: control.size, 5: control.root,
            6: control.signature, 7: control.old, 8: list(control.proof), 9: control.made_ms,
        }  # fmt: skip
    if isinstance(control, Cosignature):
        return {
            1: "cosignature", 2: control.number, 3: control.base, 4: control.size, 5: control.root,
            6: control.at_s, 7: control.signature, 8: control.made_ms,
        }  # fmt: skip
    return {1: "tree_refused", 2: control.number, 3: control.size, 4: control.reason, 5: control.made_ms}


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
    if isinstance(control, Heartbeat | Acknowledgement) and control.epoch > now_ms + EPOCH_AHEAD_MS:
        raise PeerError(Kind.FROM_THE_FUTURE, "epoch of another age")
    return control


def parse_control(payload: bytes) -> Control:
    """Parse a control message's payload.

    Raises:
        PeerError: anything but the one form of one of the messages.
    """
    value = cbor.decode(payload, max_depth=2)
    kind = value.get(1) if isinstance(value, dict) else None
    if isinstance(kind, str) and kind in _LOG_PARSERS:
        return _LOG_PARSERS[kind](payload)
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


def _tree_head(payload: bytes) -> TreeHead:
    reader = HeaderReader(payload, keys=9, limit=MAX_CONTROL_BYTES, depth=2)
    return TreeHead(
        number=reader.integer(2, least=1, most=MOST_LOGS),
        base=reader.exact_bytes(3, merkle.DIGEST_BYTES),
        size=reader.integer(4, least=1, most=MOST_LEAVES),
        root=reader.exact_bytes(5, merkle.DIGEST_BYTES),
        signature=reader.exact_bytes(6, SIGNATURE_BYTES),
        old=reader.integer(7, least=0, most=MOST_LEAVES),
        proof=reader.digests(8, most_items=MAX_STEPS, length=merkle.DIGEST_BYTES),
        made_ms=reader.instant(9),
    )


def _cosignature(payload: bytes) -> Cosignature:
    reader = HeaderReader(payload, keys=8, limit=MAX_CONTROL_BYTES, depth=1)
    return Cosignature(
        number=reader.integer(2, least=1, most=MOST_LOGS),
        base=reader.exact_bytes(3, merkle.DIGEST_BYTES),
        size=reader.integer(4, least=1, most=MOST_LEAVES),
        root=reader.exact_bytes(5, merkle.DIGEST_BYTES),
        at_s=reader.integer(6, least=0, most=LATEST_MS // SECOND_MS),
        signature=reader.exact_bytes(7, SIGNATURE_BYTES),
        made_ms=reader.instant(8),
    )


def _tree_refused(payload: bytes) -> TreeRefused:
    reader = HeaderReader(payload, keys=5, limit=MAX_CONTROL_BYTES, depth=1)
    return TreeRefused(
        number=reader.integer(2, least=0, most=MOST_LOGS),
        size=reader.integer(3, least=0, most=MOST_LEAVES),
        reason=reader.choice(4, REFUSALS),
        made_ms=reader.instant(5),
    )


_LOG_PARSERS: Final[dict[str, Callable[[bytes], LogControl]]] = {
    "tree_head": _tree_head,
    "cosignature": _cosignature,
    "tree_refused": _tree_refused,
}
