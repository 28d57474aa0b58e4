"""Every metric of every role: name -> type, labels, meaning.

A name is ``<zone>_<noun>_<unit|total>``.  Labels have few, known values: never a name, a number of a
person, an address or an id.  A test compares this table with what the zones register.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Metric(NamedTuple):
    """One metric."""

    kind: str
    labels: tuple[str, ...]
    meaning: str


METRICS: Final[dict[str, Metric]] = {}
