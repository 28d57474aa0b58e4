"""Writers of one folder take turns: the first file of each, then the second of each, and so on. Pure.

The four workers drop into one folder, and a name begins with the start of its writer's run: by name alone whatever the
worker that started first has waiting would go before a single file of the last.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

_WRITER_AT: Final = 30
"""Where the writer stands in a name: after 16 digits of epoch and 12 of sequence, each with a hyphen."""


def by_turns(names: Iterable[str]) -> list[str]:
    """Order file names so that writers take turns and each one's files keep their order."""
    turns: Counter[str] = Counter()
    ordered = []
    for name in sorted(names):
        writer = name[_WRITER_AT:]
        ordered.append((turns[writer], name))
        turns[writer] += 1
    return [name for _, name in sorted(ordered)]
