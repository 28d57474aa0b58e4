"""Real SQLite on the simulated disk: an apsw VFS below, the interface of the standard ``sqlite3`` above.

What SQLite writes, syncs and deletes goes through ``ProcessDisk``, so that its commits are torn and lost as files are.
One process has one connection to a database; it holds the database alone (``locking_mode=EXCLUSIVE``), because shared
memory between connections is not simulated.

Source: https://rogerbinns.github.io/apsw/vfs.html; PEP 249.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import os
import random
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeVar

import apsw

from tests.simulation.disk import Inode
from tests.simulation.process_disk import ProcessDisk
from tests.simulation.scheduler import Killed

P = ParamSpec("P")
R = TypeVar("R")
VFS: Final = "simulated"
_POWERSAFE_OVERWRITE: Final = 0x1000
_SECTOR: Final = 4096


class _Stage:
    """Who opens files now: apsw has one VFS for all, SQLite one thread of ours."""

    disk: ProcessDisk | None = None
    chance = random.Random(0)


def _told(method: Callable[P, R]) -> Callable[P, R]:
    """Errors of the disk as SQLite knows them: any other kind it would not take for one, and go on."""

    @functools.wraps(method)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return method(*args, **kwargs)
        except OSError as error:
            raise (apsw.FullError if error.errno == errno.ENOSPC else apsw.IOError) from None
        except Killed:
            raise apsw.IOError from None

    return call


class _File:
    """An open file of SQLite."""

    def __init__(self, disk: ProcessDisk, path: str, flags: list[int]) -> None:
        self._disk = disk
        self._path = path
        # As the unix VFS does: the first sync of a log syncs its folder, too, even if an earlier life made the file.
        self._new = bool(flags[0] & (apsw.SQLITE_OPEN_WAL | apsw.SQLITE_OPEN_MAIN_JOURNAL))
        self._level = 0
        self._gone = bool(flags[0] & apsw.SQLITE_OPEN_DELETEONCLOSE)
        simulated = disk.mounts.under(path)
        try:
            self._inode: Inode = simulated.find(path)
        except FileNotFoundError:
            if not flags[0] & apsw.SQLITE_OPEN_CREATE:
                raise apsw.CantOpenError(path) from None
            disk.begin("create", path)
            self._inode = simulated.create(path)
            self._new = True

    @_told
    def xRead(self, amount: int, offset: int) -> bytes:  # noqa: N802
        if self._disk.process.alive:  # SQLite may go on for a moment in a process that has died
            self._disk.begin("db_read", self._path)
        return bytes(self._inode.content[offset : offset + amount])

    @_told
    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        if not self._disk.process.alive:
            return
        if self._disk.write_inode("db_write", self._inode, self._path, bytes(data), offset) < len(data):
            raise apsw.FullError

    @_told
    def xTruncate(self, size: int) -> None:  # noqa: N802
        if not self._disk.process.alive:
            return
        self._disk.begin("db_write", self._path)
        self._inode.truncate(size)

    @_told
    def xSync(self, _flags: int) -> None:  # noqa: N802
        if not self._disk.process.alive:
            return
        dies = self._disk.begin("db_sync", self._path)
        self._inode.sync()
        if self._new:
            self._disk.mounts.under(self._path).sync_folder(os.path.dirname(self._path))
            self._new = False
        self._disk.end("db_sync", self._path, dies=dies)

    def xFileSize(self) -> int:  # noqa: N802
        return len(self._inode.content)

    def xLock(self, level: int) -> None:  # noqa: N802
        self._level = level

    def xUnlock(self, level: int) -> None:  # noqa: N802
        self._level = level

    def xCheckReservedLock(self) -> bool:  # noqa: N802
        return False

    def xFileControl(self, _op: int, _pointer: int) -> bool:  # noqa: N802
        return False

    def xSectorSize(self) -> int:  # noqa: N802
        return _SECTOR

    def xDeviceCharacteristics(self) -> int:  # noqa: N802
        return _POWERSAFE_OVERWRITE

    def xClose(self) -> None:  # noqa: N802
        if self._gone and self._disk.process.alive:
            self._disk.mounts.under(self._path).unlink(self._path)

    def excepthook(self, *_error: object) -> None:
        """A process that died has no more to say."""


class _Vfs(apsw.VFS):
    """SQLite's files on the disk that stands on the stage."""

    def __init__(self) -> None:
        super().__init__(VFS, base="", makedefault=True)

    def xFullPathname(self, name: str) -> str:  # noqa: N802
        return name

    @_told
    def xOpen(self, name: Any, flags: list[int]) -> Any:  # noqa: N802
        assert _Stage.disk is not None
        path = name.filename() if isinstance(name, apsw.URIFilename) else str(name)
        return _File(_Stage.disk, path, flags)

    def xAccess(self, path: str, _flags: int) -> bool:  # noqa: N802
        assert _Stage.disk is not None
        try:
            _Stage.disk.mounts.under(path).find(path)
        except OSError:
            return False
        return True

    @_told
    def xDelete(self, path: str, sync_folder: bool) -> None:  # noqa: FBT001, N802
        if _Stage.disk is None or not _Stage.disk.process.alive:
            return
        with contextlib.suppress(FileNotFoundError):
            _Stage.disk.unlink(Path(path))
        if sync_folder:
            _Stage.disk.mounts.under(path).sync_folder(os.path.dirname(path))

    def xRandomness(self, count: int) -> bytes:  # noqa: N802
        return _Stage.chance.randbytes(count)

    def excepthook(self, *_error: object) -> bool:
        """A process that died has no more to say."""
        return True


_REGISTERED: Final = _Vfs()


def reseed(chance: random.Random) -> None:
    """Let SQLite's own random numbers begin anew."""
    _Stage.chance = chance
    apsw.randomness(0)


def leave() -> None:
    """Hold nothing of the schedule that ended."""
    _Stage.disk = None


class Connection:
    """As far as the product uses ``sqlite3.Connection``."""

    def __init__(self, disk: ProcessDisk, path: Path) -> None:
        self.disk = disk
        self.isolation_level: str | None = None
        self._described: dict[str, tuple[tuple[str, Any], ...] | None] = {}
        disk.closers.append(self.close)
        with self.guarded():
            self.real = apsw.Connection(str(path), vfs=VFS, statementcachesize=256)
            self.real.execute("PRAGMA locking_mode = EXCLUSIVE")

    @property
    def in_transaction(self) -> bool:
        return not self.real.get_autocommit()

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> Cursor:
        return self.cursor().execute(sql, parameters)

    def executemany(self, sql: str, rows: Iterable[Sequence[object]]) -> Cursor:
        return self.cursor().executemany(sql, rows)

    def executescript(self, sql: str) -> Cursor:
        return self.cursor().execute(sql)

    def cursor(self, *_factory: object) -> Cursor:
        return Cursor(self)

    def create_function(self, *_arguments: object, **_options: object) -> None:
        """SQLAlchemy offers a REGEXP that nobody here uses."""

    def commit(self) -> None:
        if self.in_transaction:
            self.execute("COMMIT")

    def rollback(self) -> None:
        if self.in_transaction:
            self.execute("ROLLBACK")

    def close(self) -> None:
        """Close; of a process that died only the memory is freed, and nothing on the disk is touched."""
        _Stage.disk = self.disk
        with contextlib.suppress(apsw.Error, AttributeError, Killed):
            self.real.close(True)

    def described(self, sql: str) -> dict[str, tuple[tuple[str, Any], ...] | None]:
        return self._described

    def guarded(self) -> _Guard:
        return _Guard(self.disk)


class Cursor:
    """As far as the product uses ``sqlite3.Cursor``; all rows are read at once."""

    arraysize = 1

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.description: list[tuple[Any, ...]] | None = None
        self.rowcount = -1
        self.lastrowid: int | None = None
        self._rows: Iterator[tuple[Any, ...]] = iter(())

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> Cursor:
        connection, real = self.connection, self.connection.real
        described = connection.described(sql)
        with connection.guarded():
            before = real.total_changes()
            cursor = real.cursor()
            if sql not in described:
                described[sql] = None
                cursor.exec_trace = _describe(described, sql)
            self._rows = iter(cursor.execute(sql, tuple(parameters)).fetchall())
            self._after(before, described[sql])
        return self

    def executemany(self, sql: str, rows: Iterable[Sequence[object]]) -> Cursor:
        real = self.connection.real
        with self.connection.guarded():
            before = real.total_changes()
            for _ in real.executemany(sql, [tuple(row) for row in rows]):
                pass
            self._after(before, None)
        return self

    def fetchone(self) -> tuple[Any, ...] | None:
        return next(self._rows, None)

    def fetchall(self) -> list[tuple[Any, ...]]:
        return list(self._rows)

    def fetchmany(self, size: int | None = None) -> list[tuple[Any, ...]]:
        return [row for row, _ in zip(self._rows, range(size or self.arraysize), strict=False)]

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return self._rows

    def close(self) -> None:
        self._rows = iter(())

    def _after(self, changes_before: int, described: tuple[tuple[str, Any], ...] | None) -> None:
        real = self.connection.real
        self.lastrowid = real.last_insert_rowid()
        if described:
            self.description = [(name, None, None, None, None, None, None) for name, _ in described]
            self.rowcount = -1
        else:
            self.description = None
            self.rowcount = real.total_changes() - changes_before


class _Guard:
    """Around everything SQLite does: its errors become those of ``sqlite3``, and a dead process stays dead."""

    __slots__ = ("_disk",)

    def __init__(self, disk: ProcessDisk) -> None:
        self._disk = disk

    def __enter__(self) -> None:
        if not self._disk.process.alive:
            raise Killed
        _Stage.disk = self._disk

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        if not self._disk.process.alive:
            raise Killed from None
        if error is None:
            return
        if isinstance(error, apsw.ConstraintError):
            raise sqlite3.IntegrityError(str(error)) from None
        if isinstance(error, apsw.FullError):
            raise sqlite3.OperationalError("database or disk is full") from None
        if isinstance(error, apsw.IOError | OSError):
            raise sqlite3.OperationalError("disk I/O error") from None
        if isinstance(error, apsw.Error):
            raise sqlite3.OperationalError(str(error)) from None


def _describe(described: dict[str, Any], sql: str) -> Callable[..., bool]:
    def trace(cursor: Any, _sql: str, _bindings: object) -> bool:
        described[sql] = cursor.get_description() or None
        return True

    return trace
