"""The control lane: heartbeats, acknowledgements and checkpoints of the log between the two halves.

Each message is small, signed and worth nothing when old, so it is sent under one of 64 names in turn
and a later one may replace it: a control lane that nobody reads stays bounded.

    epoch 0, sequence = (slot << 8) + turn, sender = this half
    slot 0, 1  heartbeat of interactive, bulk        slot 2, 3  acknowledgement of interactive, bulk
    slot 4     checkpoint of the log of crossings    slot 5, 6  cosignature, refusal of the other half's
    slot 7, 8  manifest of interactive, bulk, where there is no way back

Source: DESIGN invariants 4 and 10.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from twisted.logger import Logger

from ferry.parts import HalfParts
from ferry.seldom import Seldom
from ferry.transports.port import Outlet
from wire_formats.drop import DropName
from wire_formats.errors import PeerError, Unavailable
from wire_formats.lane_control import (
    Acknowledgement,
    Control,
    Cosignature,
    Heartbeat,
    LogControl,
    TreeHead,
    TreeRefused,
    sign_control,
    verify_control,
)
from wire_formats.lane_manifest import Manifest, sign_manifest
from wire_formats.request import LANES

CONTROL: Final = "control"
CONTROL_EPOCH: Final = 0
_TURNS: Final = 64
_LOG_KINDS: Final[tuple[type[LogControl], ...]] = (TreeHead, Cosignature, TreeRefused)
_LOG_SLOT: Final = 2 * len(LANES)
MANIFEST_SLOT: Final = _LOG_SLOT + len(_LOG_KINDS)


class ControlPost:
    """Sends this half's control messages.

    Args:
        parts: the half's collaborators.
        outlet: the transport away from this half.
    """

    log = Logger()

    def __init__(self, parts: HalfParts, outlet: Outlet) -> None:
        self._parts = parts
        self._outlet = outlet
        self._turn = 0
        self._silent = False

    def send(self, message: Heartbeat | Acknowledgement | LogControl) -> None:
        """Sign and send; a full transport loses the message, the next one repeats it."""
        self._put(_slot(message), sign_control(message, self._parts.key))

    def tell(self, manifest: Manifest) -> None:
        """Sign a manifest and send it; a full transport loses it, and its portion's turn comes again."""
        self._put(MANIFEST_SLOT + LANES.index(manifest.lane), sign_manifest(manifest, self._parts.key))

    def _put(self, slot: int, data: bytes) -> None:
        self._turn = (self._turn + 1) % _TURNS
        name = DropName(CONTROL_EPOCH, (slot << 8) + self._turn, self._parts.name, "notice")
        try:
            self._outlet.put(CONTROL, name, data)
        except Unavailable as error:
            if not self._silent:
                self.log.warn("control_lane_blocked", lane=CONTROL, reason=error.private)
            self._silent = True
            return
        if self._silent:
            self.log.info("control_lane_goes_on", lane=CONTROL)
            self._silent = False


def is_manifest(name: DropName) -> bool:
    """Whether a control file's name says that it holds a manifest."""
    return name.epoch == CONTROL_EPOCH and name.sequence >> 8 >= MANIFEST_SLOT


def _slot(message: Heartbeat | Acknowledgement | LogControl) -> int:
    if isinstance(message, Heartbeat | Acknowledgement):
        return LANES.index(message.lane) + (0 if isinstance(message, Heartbeat) else len(LANES))
    return _LOG_SLOT + _LOG_KINDS.index(type(message))


class ControlReader:
    """Reads the other half's control messages.

    Args:
        parts: the half's collaborators.
        peer_role: role the other half's certificate must have.
        take: called with each message whose signature holds.
    """

    log = Logger()

    def __init__(self, parts: HalfParts, peer_role: str, take: Callable[[Control], None]) -> None:
        self._parts = parts
        self._peer_role = peer_role
        self._take = take
        self._seldom = Seldom(parts.clock)

    def read(self, data: bytes) -> None:
        """Take in one file; what cannot be believed is counted and dropped."""
        try:
            message = verify_control(
                data, self._parts.signers.trust, role=self._peer_role, now_ms=self._parts.clock.now_ms()
            )
        except PeerError as error:
            self.refuse(error)
            return
        self._take(message)

    def refuse(self, error: PeerError) -> None:
        """Count something on the control lane that cannot be believed, and tell of it, not too often."""
        self._parts.metrics.bad_control.inc()
        if count := self._seldom.count():
            self.log.warn("control_refused", code=error.code, reason=error.private, count=count)
