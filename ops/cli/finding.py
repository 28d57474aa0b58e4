"""One line of `ferrygate doctor`."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Verdict(StrEnum):
    """How a finding is to be taken."""

    GOOD = "ok"
    NOTE = "--"
    BROKEN = "!!"


class Finding(NamedTuple):
    """What was looked at, and what was found, with the remedy."""

    verdict: Verdict
    what: str
    told: str
