"""The status file of one half, for ``ferrygate status``.

One JSON object, replaced whole every two seconds:

    {"half": name, "at_ms": n, "quarantined": n, "held": n,
     "lanes": [{"way", "lane", "role": "sender"|"receiver", "epoch", "mark", "acknowledged",
                "gaps", "waiting", "unacknowledged", "oldest_s", "heard_s", "link", "blocked", "paused",
                "credits", "credits_used"}],
     "transport": {"out"|"in": {"kind", "figures": {name: value}, "lanes": {lane: {name: value}}, "troubles": [text]}},
     "log": {"number", "leaves", "waiting", "uncosigned", "state", "peer_number", "peer_leaves", "peer_state"},
     "one_way": {"asked": n, "lost": n, "unconfirmed": n, "list": text}}          empty where there is a way back
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from ferry.transports.port import LinkReport
from ferry.witness.station import LogStatus
from wire_formats.collaborators import Disk
from wire_formats.disk import DISK
from wire_formats.drop import write_whole

#: The link of a sender that nobody answers, and the links that are well.
ONE_WAY: Final = "one_way"
WELL: Final = ("alive", "lagging", ONE_WAY)


@dataclass(frozen=True, slots=True)
class LaneStatus:
    """One lane as one half sees it.

    Attributes:
        way: inbound or outbound.
        lane: interactive or bulk.
        role: "sender" or "receiver".
        epoch: epoch of the lane.
        mark: highest number sent, or known to have been sent.
        acknowledged: highest number up to which everything has arrived.
        gaps: how many numbers are missing now.
        waiting: files that wait to be taken.
        unacknowledged: bundles in the spool (sender).
        oldest_s: age of the oldest of them, in seconds.
        heard_s: seconds since the other half was heard on this lane.
        link: state of the connection, see ``lane.session``.
        blocked: why the lane cannot go on, or empty.
        paused: whether operators paused it at this end (it takes nothing more: what is not sent waits with its author,
            what was sent waits on the transport).
        credits: how many bundles may be unacknowledged (sender; 0 at a receiver).
        credits_used: how many are: in the spool, and carried by people.
    """

    way: str
    lane: str
    role: str
    epoch: int
    mark: int
    acknowledged: int
    gaps: int
    waiting: int
    unacknowledged: int
    oldest_s: float
    heard_s: float
    link: str
    blocked: str
    paused: bool = False
    credits: int = 0
    credits_used: int = 0


@dataclass(frozen=True, slots=True)
class HalfStatus:
    """One half."""

    half: str
    at_ms: int
    quarantined: int
    held: int
    lanes: Sequence[LaneStatus]
    transport: Mapping[str, LinkReport]
    log: LogStatus | None = None
    one_way: Mapping[str, int | str] = field(default_factory=dict)

    @property
    def well(self) -> bool:
        """Whether no lane is in trouble and the logs of both halves are one history."""
        return not self.troubled() and not (self.log is not None and self.log.troubles)

    def troubled(self) -> list[LaneStatus]:
        """Give the lanes that are blocked, or whose other half is not heard (where people carry, it rarely is)."""
        by_hand = any(report.kind == "media" for report in self.transport.values())
        return [lane for lane in self.lanes if lane.blocked or not (by_hand or lane.link in WELL)]


def write_status(path: Path, status: HalfStatus, *, disk: Disk = DISK) -> bool:
    """Replace the status file; gives False when the disk refuses (the next one will do)."""
    return replace_file(path, json.dumps(asdict(status), indent=1).encode(), disk=disk)


def replace_file(path: Path, data: bytes, *, disk: Disk = DISK) -> bool:
    """Replace a file whole; gives False when the disk refuses, and leaves it as it was."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        write_whole(unfinished, data, disk=disk)
        disk.rename(unfinished, path)
    except OSError:
        with contextlib.suppress(OSError):
            disk.unlink(unfinished)
        return False
    return True
