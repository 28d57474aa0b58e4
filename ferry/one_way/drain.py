"""Takes away what could only leave where there is no way: answers and notices of the core, at the high half.

They are not lost to the core, which stores its answers; only nobody outside will ever read them over this gap.
"""

from __future__ import annotations

from typing import Final

from twisted.logger import Logger

from ferry.intake import Over
from ferry.ports import FolderPort
from wire_formats.drop import DropName
from wire_formats.errors import Unavailable

_AT_ONCE: Final = 64


class Drain:
    """Empties one folder (a station of the pump).

    Args:
        source: the folder.
    """

    log = Logger()

    def __init__(self, source: FolderPort) -> None:
        self.source = source
        self._told = False

    def step(self, over: Over) -> bool:
        """Remove some files; gives whether there were any."""
        try:
            found = self.source.waiting(most=_AT_ONCE)
        except Unavailable as error:
            self.log.debug("drain_delayed", reason=error.private)
            return False
        names: list[DropName | str] = [*found.names, *found.strange]
        if names and not self._told:
            self._told = True
            self.log.info("no_way_back", count=len(names))
        gone = [self.source.remove(name) for name in names]
        return any(gone) and not over()

    def abandon(self) -> None:
        """Nothing is held between steps."""
