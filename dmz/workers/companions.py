"""Whether another process of this worker's name lives: at a replacement the new one serves beside the old one.

Both read the same inbox, so neither may remove what is for the other. Each holds a read lock on one file for as long
as it lives, and whoever wants to know asks for the write lock, which nobody gets while another one reads. The kernel
takes a dead process's lock away; a forked reader of workbooks does not inherit it.

Source: fcntl(2), record locks.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Protocol


class Presence(Protocol):
    """Knows whether other processes of this worker's name live."""

    def alone(self) -> bool:
        """Whether no other one lives now."""


class Companions:
    """This process's place among those of its name; held until the process ends.

    Args:
        path: of the lock file; made if missing.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        fcntl.lockf(self._descriptor, fcntl.LOCK_SH)  # waits at most for the instant in which another one asks

    def alone(self) -> bool:
        """Whether no other process of this name lives now."""
        try:
            fcntl.lockf(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        fcntl.lockf(self._descriptor, fcntl.LOCK_SH)
        return True
