"""The log this half keeps: leaves into files, checkpoints signed, one log after the other.

    queue ──▶ files ──▶ barrier, on another thread ──▶ checkpoint signed and kept ──▶ sent to the other half

Nothing is signed before its leaves are on the disk, in the files and in the journal's queue.  So after a crash
the files hold at least what was signed, and what the journal still has in its queue follows it.

A log that is full is closed by a last checkpoint; the next one stands on its root.  The other half is shown one
log after the other: the next one when the last checkpoint of the one before is cosigned.

Source: DESIGN invariant 10; C2SP tlog-checkpoint, tlog-witness.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from twisted.logger import Logger

from ferry.witness.files import LogFiles, damaged, folder_name, read_origin
from ferry.witness.keeper import LogKeeper
from ferry.witness.notes_file import unavailable
from ferry.witness.queue import LeafQueue, Position
from ferry.witness.taking_up import take_up
from wire_formats.collaborators import Disk
from wire_formats.errors import Kind, PeerError, Unavailable
from wire_formats.instants import SECOND_MS
from wire_formats.lane_control import Cosignature, TreeHead, TreeRefused
from wire_formats.tlog import tree
from wire_formats.tlog.checkpoint import (
    Checkpoint,
    Origin,
    checkpoint_text,
    cosignature_line,
    parse_checkpoint,
    sign_checkpoint,
    verify_cosignature,
    witness_name,
)
from wire_formats.tlog.note import Note

#: Leaves moved in one step.
AT_ONCE: Final = 64
#: A checkpoint that is not cosigned is sent again after this time.
AGAIN_S: Final = 5.0
#: A refusal is looked at again after this time.
REFUSED_AGAIN_S: Final = 60.0


class OwnLog:
    """The log of one half.

    Args:
        keeper: who keeps it.
        queue: leaves that wait.
        folder: holds the logs.
        disk: where the folder lies.
        most_leaves: after so many a new log begins.
        headers_kept: for how many logs headers are kept.
    """

    log = Logger()

    def __init__(
        self, keeper: LogKeeper, queue: LeafQueue, folder: Path, disk: Disk, *, most_leaves: int, headers_kept: int
    ) -> None:
        self._keeper = keeper
        self._queue = queue
        self._folder = folder
        self._disk = disk
        self._most = most_leaves
        self._headers_kept = headers_kept
        self._files = LogFiles(folder, keeper.first, disk)
        self._shown = self._files
        self._cursor = 0
        self._head: Note | None = None
        self._known = 0
        self._sent: tuple[int, int] = (0, 0)
        self._send_at = 0.0
        self.cosigned_size = 0
        self.refused = ""

    @property
    def number(self) -> int:
        """Number of the log that is written now."""
        return self._files.origin.number

    @property
    def size(self) -> int:
        """Leaves in it."""
        return self._files.size

    @property
    def waiting(self) -> int:
        """Leaves that are not in its files yet."""
        return len(self._queue)

    @property
    def shows_older(self) -> bool:
        """Whether the other half has not cosigned the end of an earlier log yet."""
        return self._shown is not self._files

    @property
    def uncosigned(self) -> int:
        """Leaves of the log now written that no checkpoint the other half has cosigned covers."""
        return self.size - (0 if self.shows_older else self.cosigned_size)

    def start(self) -> None:
        """Take up where the last run ended.

        Raises:
            Unavailable: the log is damaged, or the disk refuses.
        """
        taken = take_up(self._keeper, self._queue, self._folder, self._disk)
        self._files = self._shown = taken.files
        self._cursor, self._head = taken.cursor, taken.head
        self._show_first_unseen()

    def close(self) -> None:
        """Write, sync and sign what waits, then close the files."""
        with suppress(Unavailable):
            while self.move() or self.unsealed:
                if self.unsealed:
                    self.barrier()()
                    self.seal()
        self._files.close()
        if self._shown is not self._files:
            self._shown.close()

    def move(self) -> bool:
        """Move some leaves from the queue into the files; gives whether there were any.

        Raises:
            Unavailable: the disk refuses; they stay in the queue.
        """
        room = self._most - self.size
        if room <= 0:
            return False
        leaves = self._queue.next(self._cursor, min(AT_ONCE, room))
        if not leaves:
            return self._queue.settle()
        self._files.append([leaf for _, leaf in leaves])
        self._cursor = leaves[-1][0]
        return True

    @property
    def unsealed(self) -> bool:
        """Whether leaves were moved that no checkpoint covers, or a full log waits for its end."""
        return _size_of(self._head) != self.size or self.size >= self._most

    def barrier(self) -> Callable[[], None]:
        """Give what waits, on any thread, until the files and the journal's word of them are on the disk.

        Nothing may be moved before it has ended; it raises Unavailable.

        Raises:
            Unavailable: the journal refuses.
        """
        files, journal = self._files, self._queue.barrier(self._disk)

        def wait() -> None:
            files.sync()
            try:
                journal()
            except OSError as error:
                raise unavailable(error) from None

        return wait

    def seal(self) -> None:
        """Sign a checkpoint of what the barrier made durable; a full log ends with it, and the next one begins.

        Raises:
            Unavailable: the disk or the journal refuses.
        """
        if _size_of(self._head) != self.size:
            self._queue.moved(self._cursor, self._files.position)
            note = self._signed_note(Checkpoint(self._files.origin, self.size, self._files.frontier.root()))
            self._files.keep_head(note)
            self._head = note
        if self.size >= self._most:
            self._begin_next()

    def head_to_send(self, now_s: float, now_ms: int) -> TreeHead | None:
        """Give the checkpoint the other half should see now; None when it has, or was just sent.

        Raises:
            Unavailable: nodes cannot be read.
        """
        if self._shown is not self._files:  # a full one
            checkpoint = Checkpoint(self._shown.origin, self._shown.size, self._shown.frontier.root())
        elif self._head is not None:
            checkpoint = parse_checkpoint(self._head.text)
        else:
            return None
        shown = (checkpoint.origin.number, checkpoint.size)
        if self._known > checkpoint.size:
            self._refuse("behind_witness")
            return None
        if self._known == checkpoint.size <= self.cosigned_size or (shown == self._sent and now_s < self._send_at):
            self._show_next_if_done()
            return None
        self._sent, self._send_at = shown, now_s + (REFUSED_AGAIN_S if self.refused else AGAIN_S)
        proof = tuple(tree.consistency_path(self._known, checkpoint.size, self._shown.node))
        signature = self._keeper.key.suite.from_note(self._signed_note(checkpoint).signatures[0].value)
        origin = checkpoint.origin
        return TreeHead(
            origin.number, origin.base, checkpoint.size, checkpoint.root, signature, self._known, proof, now_ms
        )

    def cosigned(self, message: Cosignature) -> None:
        """Take in a cosignature; kept when it is of a larger tree than the last one.

        Raises:
            PeerError: it is of another tree, or does not hold.
            Unavailable: the disk refuses.
        """
        origin = self._shown.origin
        if (message.number, message.base) != (origin.number, origin.base):
            return
        if self._shown is self._files and self.size < message.size <= self.size + self.waiting:
            return  # a power cut put leaves back into the queue; it is asked for again when they are written
        if message.size > self._shown.size or self._shown.root_at(message.size) != message.root:
            self._refuse("split_view")
            return
        note = self._with_cosignature(self._signed_note(Checkpoint(origin, message.size, message.root)), message)
        if message.size > self.cosigned_size:
            self._shown.checkpoints.add(note)  # a lost one is asked for again
            self.cosigned_size = message.size
        self._known = message.size
        self.refused = ""
        self._show_next_if_done()

    def told(self, message: TreeRefused) -> None:
        """Take in why the other half did not cosign.

        Raises:
            Unavailable: a log cannot be opened.
        """
        if message.reason != "old_size":
            self._refuse(message.reason)
            return
        number = self._shown.origin.number
        if message.number > self.number:
            self._refuse("behind_witness")
            return
        if message.number not in (0, number):
            self._show(message.number)
        self._known = message.size if message.number in (0, self._shown.origin.number) else 0
        self._sent = (0, 0)

    def _signed_note(self, checkpoint: Checkpoint) -> Note:
        text = checkpoint_text(checkpoint)
        if self._head is not None and self._head.text == text:
            return self._head
        return Note(text, (sign_checkpoint(checkpoint, self._keeper.key),))

    def _refuse(self, reason: str) -> None:
        if self.refused != reason:
            self.log.error("log_refused", reason=reason, sequence=self._shown.origin.number, count=self._shown.size)
        self.refused = reason

    def _with_cosignature(self, note: Note, message: Cosignature) -> Note:
        keeper = self._keeper
        for witness in keeper.trust.of_role(keeper.peer):
            name = witness_name(keeper.peer, witness.name)
            line = cosignature_line(name, witness.key.public_der, at_s=message.at_s, signature=message.signature)
            signed = note.signed(line)
            with suppress(PeerError):
                verify_cosignature(signed, name, witness.key)
                witness.check_valid(message.at_s * SECOND_MS)
                return signed
        raise PeerError(Kind.BAD_SIGNATURE, "cosignature of an unknown key")

    def _begin_next(self) -> None:
        full = self._files
        keeper = self._keeper
        done = self._shown is full and self.cosigned_size == full.size
        if done:
            full.checkpoints.sync()
        origin = Origin(keeper.role, keeper.name, self.number + 1, full.frontier.root())
        files = LogFiles(self._folder, origin, self._disk)
        files.open()
        files.take_up(Position(origin.number, origin.base, 0, 0, 0))
        self._queue.moved(self._cursor, files.position)
        self._files = files
        self._head = None
        if done:
            full.close()
            self._show(origin.number)
        elif self._shown is not full:
            full.close()
        self.log.info("log_begun", sequence=origin.number)
        if origin.number > self._headers_kept:
            old = origin.number - self._headers_kept
            if (found := read_origin(self._folder / folder_name(old), self._disk)) is not None:
                LogFiles(self._folder, found, self._disk).forget_headers()

    # Which log the other half is shown

    def _show_first_unseen(self) -> None:
        """Show the oldest log whose end is not cosigned; normally the one that is written."""
        number = self.number
        while number > 1 and not self._ends_cosigned(number - 1):
            number -= 1
        self._show(number)
        self._known = self.cosigned_size

    def _ends_cosigned(self, number: int) -> bool:
        files = self._closed(number)
        files.open_closed()
        ended = _size_of(files.checkpoints.last) >= files.size
        files.close()
        return ended

    def _show_next_if_done(self) -> None:
        shown = self._shown
        if shown is not self._files and self._known == shown.size == self.cosigned_size:
            # Who begins again asks for what is not cosigned up to the first log that is: no later one may stand for it.
            shown.checkpoints.sync()
            self._show(shown.origin.number + 1)

    def _show(self, number: int) -> None:
        files = self._files if number >= self.number else self._closed(number)
        if self._shown not in (self._files, files):
            self._shown.close()
        if files is not self._files:
            files.open_closed()
        self._shown = files
        self.cosigned_size, self._known = _size_of(files.checkpoints.last), 0
        self._sent = (0, 0)

    def _closed(self, number: int) -> LogFiles:
        origin = read_origin(self._folder / folder_name(number), self._disk)
        if origin is None:
            raise damaged(f"{folder_name(number)} is missing")
        return LogFiles(self._folder, origin, self._disk)


def _size_of(note: Note | None) -> int:
    return parse_checkpoint(note.text).size if note is not None else 0
