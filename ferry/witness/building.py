"""Builds the log's station of a half from what its parts share."""

from __future__ import annotations

from ferry.lane.checks import HIGH_ROLE, LOW_ROLE
from ferry.parts import HalfParts
from ferry.witness.keeper import LogKeeper
from ferry.witness.own_log import OwnLog
from ferry.witness.peer import PeerLog
from ferry.witness.station import Around, Send, WitnessStation


def build_witness(parts: HalfParts, send: Send) -> WitnessStation:
    """Build the station; nothing is opened before its ``start``.

    Args:
        parts: the half's collaborators.
        send: sends a control message to the other half.
    """
    role = parts.key_role
    peer = HIGH_ROLE if role == LOW_ROLE else LOW_ROLE
    keeper = LogKeeper(role, parts.name, parts.key, parts.signers.trust, peer)
    crossings, limits = parts.crossings, parts.limits
    own = OwnLog(
        keeper, crossings.queue, crossings.folder, parts.disk,
        most_leaves=limits.log_leaves, headers_kept=limits.headers_kept,
    )  # fmt: skip
    witnessed = PeerLog(keeper, crossings.folder, parts.disk)
    around = Around(parts.clock, parts.seconds, parts.metrics, parts.aside)
    return WitnessStation(own, witnessed, around, send)
