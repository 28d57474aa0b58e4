"""Databases that two processes share: the half's and those of the commands of media, which come and go.

Shared memory between connections is not simulated, and a command runs between two calls of its half.  So whoever lives
long opens the register anew for each statement, and whoever only looks at another's journal looks at a copy of its files
as they are at that instant: both see what was committed, and nothing of what was not, as with SQLite's write-ahead log.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from tests.simulation.disk import Inode
from tests.simulation.process_disk import ProcessDisk, device

Connect = Callable[[ProcessDisk, Path], Any]
_PARTS: Final = ("", "-wal")


class Momentary:
    """A connection that holds nothing between its statements (as far as ``RegisterStore`` uses a connection).

    Args:
        disk: of the process.
        path: the database.
        connect: opens it.
    """

    in_transaction = False

    def __init__(self, disk: ProcessDisk, path: Path, connect: Connect) -> None:
        self._disk, self._path, self._connect = disk, path, connect
        self._seen: tuple[object, ...] = ()
        self._version = 0

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> _Rows:
        if sql == "PRAGMA data_version":
            return _Rows([(self._changes(),)])
        connection = self._connect(self._disk, self._path)
        try:
            rows = connection.execute(sql, parameters).fetchall()
        finally:
            connection.close()
            self._disk.closers.remove(connection.close)
        return _Rows(rows)

    def executescript(self, sql: str) -> _Rows:
        return self.execute(sql)

    def close(self) -> None:
        """Nothing is open."""

    def _changes(self) -> int:
        """Count how often somebody was seen to have changed the files."""
        inodes = [_inode(self._disk, f"{self._path}{part}") for part in _PARTS]
        seen = tuple(one and (id(one), one.version) for one in inodes)
        if seen != self._seen:
            self._seen, self._version = seen, self._version + 1
        return self._version


class _Rows:
    """What a statement gave."""

    def __init__(self, rows: Iterable[tuple[Any, ...]]) -> None:
        self._rows = list(rows)

    def fetchone(self) -> tuple[Any, ...] | None:
        return self._rows.pop(0) if self._rows else None

    def fetchall(self) -> list[tuple[Any, ...]]:
        rows, self._rows = self._rows, []
        return rows


def copied(disk: ProcessDisk, path: Path, connect: Connect) -> Any:
    """Open a copy of a database that another process writes, as its files are now."""
    folder = f"/proc/sim/{device(str(path))}/copies"
    simulated = disk.mounts.under(folder)
    simulated.make_folder(folder)
    files = {f"{path.name}{part}": _inode(disk, f"{path}{part}") for part in _PARTS}
    simulated.folders[folder].clear()
    simulated.folders[folder].update(
        {name: Inode(bytes(inode.content)) for name, inode in files.items() if inode is not None}
    )
    return connect(disk, Path(folder) / path.name)


def _inode(disk: ProcessDisk, path: str) -> Inode | None:
    folder, name = os.path.split(path)
    return disk.mounts.under(path).folders.get(folder, {}).get(name)
