"""A disk that dies or loses its power where a test says so: for the log's files."""

from __future__ import annotations

from pathlib import Path

from wire_formats.collaborators import FilePath
from wire_formats.disk import OsDisk


class DiedError(Exception):
    """The process is dead; nothing below catches this."""


class QuickDisk(OsDisk):
    """Waits for nothing: for tests that cut no power."""

    def sync(self, handle: int) -> None:
        """Nothing to wait for."""

    def sync_folder(self, folder: Path) -> None:
        """Nothing to wait for."""


class DyingDisk(QuickDisk):
    """Counts what changes the disk; dies at the step that was asked for, before or in the middle of it.

    Args:
        die_at: the step at which the process dies, counted from 1; 0 never.
        power: whether what was not synced since is lost with it.
        journal: the journal's file; at a power cut it goes back to its last sync, too.
    """

    def __init__(self, die_at: int = 0, *, power: bool = False, journal: Path | None = None) -> None:
        self._journal = journal
        self._journal_synced = self._journal_now()
        self.steps = 0
        self._die_at = die_at
        self._power = power
        self._paths: dict[int, Path] = {}
        self._logs: set[int] = set()
        self._synced: dict[Path, bytes] = {}

    def create(self, path: FilePath, *, keep: bool = False) -> int:
        self._step()
        handle = super().create(path, keep=keep)
        self._paths[handle] = Path(path)
        self._synced.setdefault(Path(path), Path(path).read_bytes())
        return handle

    def write(self, handle: int, data: bytes | memoryview, at: int) -> int:
        if self._is_now():
            super().write(handle, data[: len(data) // 2], at)  # half of it reaches the file
            self._die()
        return super().write(handle, data, at)

    def truncate(self, handle: int, size: int) -> None:
        self._step()
        super().truncate(handle, size)

    def sync(self, handle: int) -> None:
        self._step()
        if handle in self._logs:
            self._journal_synced = self._journal_now()
        if handle in self._paths:
            self._synced[self._paths[handle]] = self._paths[handle].read_bytes()

    def open(self, path: FilePath) -> int:
        handle = super().open(path)
        if str(path).endswith("-wal"):
            self._logs.add(handle)
        return handle

    def close(self, handle: int) -> None:
        self._logs.discard(handle)
        self._paths.pop(handle, None)
        super().close(handle)

    def put_journal_back(self) -> None:
        """After a power cut, when nobody has it open."""
        if self._power and self._journal is not None:
            for path in self._journal.parent.glob(f"{self._journal.name}*"):
                path.unlink()
            for path, content in self._journal_synced.items():
                path.write_bytes(content)

    def _journal_now(self) -> dict[Path, bytes]:
        if self._journal is None:
            return {}
        names = [self._journal, self._journal.with_name(f"{self._journal.name}-wal")]
        return {path: path.read_bytes() for path in names if path.exists()}

    def rename(self, before: FilePath, after: FilePath) -> None:
        self._step()
        super().rename(before, after)

    def _is_now(self) -> bool:
        self.steps += 1
        return self.steps == self._die_at

    def _step(self) -> None:
        if self._is_now():
            self._die()

    def _die(self) -> None:
        if self._power:
            for path, synced in self._synced.items():
                if path.exists():
                    path.write_bytes(synced)
        raise DiedError(self._die_at)


class FullDisk(QuickDisk):
    """Refuses to write while ``full``."""

    def __init__(self) -> None:
        self.full = False

    def write(self, handle: int, data: bytes | memoryview, at: int) -> int:
        if self.full:
            raise OSError(28, "No space left on device")
        return super().write(handle, data, at)
