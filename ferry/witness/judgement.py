"""Whether a tree continues the one that was cosigned last.  Pure.

    nothing known yet              taken on trust, if it begins at nothing
    same log, larger               cosigned if the proof holds; else the log was forked: SPLIT_VIEW
    same log, same size            cosigned again if the root is the same; else SPLIT_VIEW
    same log, smaller              an old message; told which size is known
    the next log, standing on the last root known    cosigned; it continues the history
    the next log, on another root  told which size is known: the end of the log before is missing
    an older log, or one later     told which log and size are known
    another log under this number, or another half's    SPLIT_VIEW, OTHER_LOG

Source: C2SP tlog-witness v1.0.0; DESIGN invariant 10.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence

from wire_formats.errors import PeerError
from wire_formats.tlog.checkpoint import Checkpoint
from wire_formats.tlog.tree import verify_consistency


class Judgement(enum.Enum):
    """What a witness does with a checkpoint whose signature holds."""

    COSIGN = "cosign"
    OLD_SIZE = "old_size"
    """Says which log and size are known; nothing is wrong."""
    SPLIT_VIEW = "split_view"
    """The other half has shown two histories."""
    OTHER_LOG = "other_log"
    """A log that has nothing to do with the one known."""


def judge(known: Checkpoint | None, offered: Checkpoint, old: int, proof: Sequence[bytes]) -> Judgement:
    """Judge a checkpoint.

    Args:
        known: the last one cosigned.
        offered: the new one.
        old: the size from which the proof starts.
        proof: consistency proof.
    """
    if known is None:
        return Judgement.COSIGN if old == 0 and not proof else Judgement.OLD_SIZE
    before, after = known.origin, offered.origin
    if (before.role, before.name) != (after.role, after.name):
        return Judgement.OTHER_LOG
    if after.number != before.number:
        continued = after.number == before.number + 1 and after.base == known.root
        return Judgement.COSIGN if continued and old == 0 and not proof else Judgement.OLD_SIZE
    if after.base != before.base:
        return Judgement.SPLIT_VIEW
    if offered.size < known.size or (offered.size > known.size and old != known.size):
        return Judgement.OLD_SIZE
    return Judgement.COSIGN if _continues(known, offered, proof) else Judgement.SPLIT_VIEW


def _continues(known: Checkpoint, offered: Checkpoint, proof: Sequence[bytes]) -> bool:
    if offered.size == known.size:
        return offered.root == known.root
    try:
        verify_consistency(old=known.size, size=offered.size, old_root=known.root, root=offered.root, proof=proof)
    except PeerError:
        return False
    return True
