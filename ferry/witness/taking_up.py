"""How a log is taken up at the start of a half: where it ends, what of the queue it holds already.

    journal and files agree           go on from the journal's position; what the files hold beyond it is in the queue
    more is signed than it knows      a power cut undid its word, or it is an older copy: the files are right; leaves of
                                      the queue that stand in them are not written again
    the journal knows no log          it was lost, or this is the first start: the files are taken as they are
    files shorter, or another tree    damaged: the half does not start

Source: DESIGN invariant 10; docs/witnessed-log.md.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from twisted.logger import Logger

from ferry.witness.files import LogFiles, damaged, folder_name, numbers_in, read_origin
from ferry.witness.keeper import LogKeeper
from ferry.witness.queue import LeafQueue, Position
from wire_formats.collaborators import Disk
from wire_formats.errors import PeerError
from wire_formats.tlog.checkpoint import Checkpoint, Origin, verify_checkpoint
from wire_formats.tlog.note import Note

_AT_ONCE = 64
_log = Logger(namespace="ferry.witness.taking_up")


class TakenUp(NamedTuple):
    """A log that can go on.

    Attributes:
        files: open, at the place where it goes on.
        cursor: id of the last leaf of the queue that stands in them.
        head: the newest checkpoint signed, if any.
    """

    files: LogFiles
    cursor: int
    head: Note | None


def take_up(keeper: LogKeeper, queue: LeafQueue, folder: Path, disk: Disk) -> TakenUp:
    """Take up the newest log of a half, or begin its first.

    Args:
        keeper: the half.
        queue: its leaves that wait.
        folder: holds its logs.
        disk: where they lie.

    Raises:
        Unavailable: the log is damaged, or the disk refuses.
    """
    disk.make_folder(folder)
    numbers = numbers_in(folder, disk)
    position = queue.position()
    if position is not None and position.number not in numbers:
        raise damaged(f"{folder_name(position.number)} is missing")
    if position is None or numbers[-1] > position.number + 1:
        files = LogFiles(folder, _found_origin(keeper, folder, numbers, disk), disk)
        taken = _adopt(keeper, queue, files)
        if numbers:
            _log.warn("log_taken_up_without_journal", sequence=files.origin.number, count=files.size)
    else:
        origin = Origin(keeper.role, keeper.name, position.number, position.base)
        taken = _continue(keeper, queue, LogFiles(folder, origin, disk), position)
    signed = _signed(keeper, taken.files)
    if signed is not None and taken.files.root_at(signed[0].size) != signed[0].root:
        raise damaged(f"{taken.files.folder.name} has another tree than the one that was signed")
    return taken


def _continue(keeper: LogKeeper, queue: LeafQueue, files: LogFiles, position: Position) -> TakenUp:
    files.open()
    signed = _signed(keeper, files)
    if signed is None:
        files.take_up(position)
        return TakenUp(files, 0, None)
    checkpoint, head = signed
    if checkpoint.size <= position.written:
        files.take_up(position)
        return TakenUp(files, 0, head)
    found, _ = files.found_there(checkpoint.size, position)
    files.take_up(found)
    cursor = _moved_before(queue, files, position.written)
    queue.moved(cursor, files.position)
    return TakenUp(files, cursor, head)


def _adopt(keeper: LogKeeper, queue: LeafQueue, files: LogFiles) -> TakenUp:
    """Take the files as they are: what was signed, and whole leaves beyond it."""
    files.open()
    signed = _signed(keeper, files)
    size, head = (signed[0].size, signed[1]) if signed is not None else (0, None)
    position, beyond = files.found_there(size, Position(files.origin.number, files.origin.base, 0, 0, 0))
    files.take_up(position)
    if beyond:
        files.append(beyond)
    files.sync()
    queue.moved(0, files.position)
    return TakenUp(files, 0, head)


def _found_origin(keeper: LogKeeper, folder: Path, numbers: list[int], disk: Disk) -> Origin:
    """Give the origin of the newest log in the folder, or of the first one to be."""
    found = None
    for number in reversed(numbers[-2:]):  # the newest may have been in the making when something broke
        found = found or read_origin(folder / folder_name(number), disk)
    if found is not None and (found.role, found.name) != (keeper.role, keeper.name):
        raise damaged(f"{folder.name} holds the log of another half")
    return found or keeper.first


def _moved_before(queue: LeafQueue, files: LogFiles, at: int) -> int:
    """Give the last id of the queue whose leaf, and all before it, stand in the files from ``at`` on."""
    cursor = 0
    while leaves := queue.next(cursor, _AT_ONCE):
        for number, leaf in leaves:
            if at >= files.size or files.entry(at) != leaf.entry:
                return cursor
            cursor, at = number, at + 1
    return cursor


def _signed(keeper: LogKeeper, files: LogFiles) -> tuple[Checkpoint, Note] | None:
    """Give the newest checkpoint of a log that its half signed."""
    for note in reversed(files.heads()):
        for signer in keeper.own_signers():
            with suppress(PeerError):
                checkpoint = verify_checkpoint(note, signer.key)
                if checkpoint.origin == files.origin:
                    return checkpoint, note
    return None
