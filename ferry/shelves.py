"""The shelves of a half's quarantine, and the notice that lies beside each bundle on them.

    quarantined   wrong; never released          held   unclear; two people may release it
    rejected      what two people rejected for good

A notice is JSON of strings, {"reason", "direction", "lane", "bytes", "sha256", "at_ms"}: fixed words and numbers, no
bodies.  Of what could not be read, or is empty, there are no bytes to tell one from another: its digest is that of
reason and file name, and a name in the grammar of drops stands in the notice as "file".  What acts and pages call a
bundle is its digest and the instant at which it was set aside.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

from ferry.folders import read_file
from ferry.lane.checks import INBOUND, OUTBOUND, LaneId
from ferry.lane.reasons import Reason
from wire_formats.collaborators import Disk
from wire_formats.disk import DISK
from wire_formats.drop import DropName, parse_name
from wire_formats.request import LANES

QUARANTINED_FOLDER: Final = "quarantined"
HELD_FOLDER: Final = "held"
REJECTED_FOLDER: Final = "rejected"
#: What names a bundle on a shelf: its digest, and the instant it was set aside.
SUBJECT: Final = re.compile(r"[0-9a-f]{64}-[0-9]{1,15}", re.ASCII)
_DIGEST: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_MOST_BYTES: Final = 4096
#: Control: what is no bundle, such as a notice that cannot be believed.
_LANES: Final = (*LANES, "control")


class Notice(NamedTuple):
    """Why a bundle lies on a shelf.

    Attributes:
        reason: why it was set aside.
        lane: the lane it came on; control for what is no bundle.
        size: bytes.
        digest: SHA-256 of its bytes, hex; of its reason and file name where there were none to read.
        at_ms: since when.
        file: what it was called, where it had no bytes and a name in the grammar of drops.
    """

    reason: Reason
    lane: LaneId
    size: int
    digest: str
    at_ms: int
    file: str = ""

    def encode(self) -> bytes:
        """Write it as it lies beside the bundle."""
        note = {"reason": self.reason.value, "direction": self.lane.direction, "lane": self.lane.lane}
        note |= {"bytes": str(self.size), "sha256": self.digest, "at_ms": str(self.at_ms)}
        if self.file:
            note["file"] = self.file
        return json.dumps(note).encode()


def notice_of(name: DropName) -> DropName:
    """Give the name of a bundle's notice."""
    return replace(name, kind="notice")


def read_notice(folder: Path, name: DropName, *, disk: Disk = DISK) -> Notice:
    """Read the notice of a bundle.

    Args:
        folder: the shelf.
        name: of the bundle, or of the notice itself.
        disk: where the shelf lies.

    Raises:
        PeerError, Unavailable, OSError: it cannot be read.
        ValueError, KeyError, TypeError: it is none of ours.
    """
    note = json.loads(read_file(folder, notice_of(name), limit=_MOST_BYTES, disk=disk))
    lane, digest = LaneId(note["direction"], note["lane"]), note["sha256"]
    if lane.direction not in (INBOUND, OUTBOUND) or lane.lane not in _LANES or not _DIGEST.fullmatch(digest):
        raise ValueError("no notice of a bundle that was set aside")
    file = str(parse_name(note["file"])) if "file" in note else ""
    return Notice(Reason(note["reason"]), lane, int(note["bytes"]), digest, int(note["at_ms"]), file)
