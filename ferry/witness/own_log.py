"""The log this half keeps: leaves into files, checkpoints signed, one log after the other.

    queue ──▶ files ──▶ (sync) ──▶ journal knows ──▶ checkpoint signed and kept ──▶ sent to the other half

Nothing is signed before its leaves and the journal's word of them are on the disk.  So after a crash the files
hold at least what was signed, and what the journal still has in its queue follows it.

A log that is full is closed by a last checkpoint; the next one stands on its root.  The other half is shown one
log after the other: the next one when the last checkpoint of the one before is cosigned.

Source: DESIGN invariant 10; C2SP tlog-checkpoint, tlog-witness.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from twisted.logger import Logger

from ferry.witness.files import LogFiles, damaged, folder_name, numbers_in, read_origin
from ferry.witness.queue import LeafQueue, Position
from wire_formats.collaborators import Disk
from wire_formats.errors import Kind, PeerError, Unavailable
from wire_formats.instants import SECOND_MS
from wire_formats.lane_control import Cosignature, TreeHead, TreeRefused
from wire_formats.suites import SigningKey
from wire_formats.tlog import tree
from wire_formats.tlog.checkpoint import (
    Checkpoint,
    Origin,
    checkpoint_text,
    cosignature_line,
    parse_checkpoint,
    sign_checkpoint,
    verify_checkpoint,
    verify_cosignature,
    witness_name,
)
from wire_formats.tlog.note import Note
from wire_formats.trust import TrustStore

#: Leaves moved in one step.
AT_ONCE: Final = 64
#: A checkpoint that is not cosigned is sent again after this time.
AGAIN_S: Final = 5.0
#: A refusal is looked at again after this time.
REFUSED_AGAIN_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class LogKeeper:
    """Who keeps a log.

    Attributes:
        role: ferry_low or ferry_high.
        name: machine name.
        key: signs checkpoints.
        trust: certificates of both halves, older ones included.
        peer: role of the other half.
    """

    role: str
    name: str
    key: SigningKey
    trust: TrustStore
    peer: str


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
        self._files = LogFiles(folder, Origin(keeper.role, keeper.name, 1, keeper.key.kid), disk)
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
    def uncosigned(self) -> int:
        """Leaves of the log now written that no checkpoint the other half has cosigned covers."""
        return self.size - (self.cosigned_size if self._shown is self._files else 0)

    def start(self) -> None:
        """Take up where the last run ended.

        Raises:
            Unavailable: the log is damaged, or the disk refuses.
        """
        self._disk.make_folder(self._folder)
        numbers = numbers_in(self._folder, self._disk)
        position = self._queue.position()
        if position is not None and position.number not in numbers:
            raise damaged(f"{folder_name(position.number)} is missing")
        if position is None or (numbers and numbers[-1] > position.number + 1):
            self._adopt(numbers)
        else:
            self._continue(position)
        self._show_first_unseen()

    def close(self) -> None:
        """Write, sync and sign what waits, then close the files."""
        with suppress(Unavailable):
            while self.move():
                pass
            self.sign()
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
            self.sign()
            self._begin_next()
            return True
        leaves = self._queue.next(self._cursor, min(AT_ONCE, room))
        if not leaves:
            return self._queue.settle()
        self._files.append([leaf for _, leaf in leaves])
        self._cursor = leaves[-1][0]
        return True

    def sign(self) -> None:
        """Make what was moved durable, and sign a checkpoint of it.

        Raises:
            Unavailable: the disk or the journal refuses.
        """
        if _size_of(self._head) == self.size:
            return
        self._files.sync()
        self._queue.moved(self._cursor, self._files.position)
        note = self._signed_note(Checkpoint(self._files.origin, self.size, self._files.frontier.root()))
        self._files.keep_head(note)
        self._head = note

    def head_to_send(self, now_s: float, now_ms: int) -> TreeHead | None:
        """Give the checkpoint the other half should see now; None when it has, or was just sent.

        Raises:
            Unavailable: nodes cannot be read.
        """
        note = self._head if self._shown is self._files else _newest(self._shown.heads())
        if note is None:
            return None
        checkpoint = parse_checkpoint(note.text)
        shown = (checkpoint.origin.number, checkpoint.size)
        if checkpoint.size <= self.cosigned_size or (shown == self._sent and now_s < self._send_at):
            return None
        if self._known > checkpoint.size:
            self._refuse("behind_witness")
            return None
        self._sent, self._send_at = shown, now_s + (REFUSED_AGAIN_S if self.refused else AGAIN_S)
        proof = tuple(tree.consistency_path(self._known, checkpoint.size, self._shown.node))
        suite = self._keeper.key.suite
        signature = suite.from_note(note.signatures[0].value)
        origin = checkpoint.origin
        return TreeHead(
            origin.number, origin.base, checkpoint.size, checkpoint.root, signature, self._known, proof, now_ms
        )

    def cosigned(self, message: Cosignature) -> None:
        """Take in a cosignature; kept when it is of our tree and larger than the last one.

        Raises:
            PeerError: it is of another tree, or does not hold.
            Unavailable: the disk refuses.
        """
        origin = self._shown.origin
        if (message.number, message.base) != (origin.number, origin.base) or message.size <= self.cosigned_size:
            return
        if message.size > self._shown.size or self._shown.root_at(message.size) != message.root:
            self._refuse("split_view")
            return
        checkpoint = Checkpoint(origin, message.size, message.root)
        self._shown.checkpoints.add(self._with_cosignature(self._signed_note(checkpoint), message))
        self.cosigned_size = self._known = message.size
        self.refused = ""
        if self._shown is not self._files and message.size == self._shown.size:
            self._shown.close()
            self._show(origin.number + 1)

    def told(self, message: TreeRefused) -> None:
        """Take in why the other half did not cosign.

        Raises:
            Unavailable: a log cannot be opened.
        """
        if message.reason != "old_size":
            self._refuse(message.reason)
            return
        number = self._shown.origin.number
        if message.number not in (0, number) and message.number <= self.number:
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

    # Start

    def _continue(self, position: Position) -> None:
        files = LogFiles(
            self._folder, Origin(self._keeper.role, self._keeper.name, position.number, position.base), self._disk
        )
        files.open()
        signed = self._signed(files)
        if signed is not None and signed.size > position.written:
            # The journal is older than the log: it was put back, or lost more than a crash can cost.
            files.close()
            self._adopt([position.number])
            return
        files.take_up(position)
        self._use(files, signed)

    def _adopt(self, numbers: list[int]) -> None:
        """Begin the first log, or take up one that the journal does not know."""
        keeper = self._keeper
        origin = Origin(keeper.role, keeper.name, 1, keeper.key.kid)
        if numbers:
            found = read_origin(self._folder / folder_name(numbers[-1]), self._disk)
            if found is None and len(numbers) > 1:  # the newest was being made when something broke
                found = read_origin(self._folder / folder_name(numbers[-2]), self._disk)
            if found is not None and (found.role, found.name) != (keeper.role, keeper.name):
                raise damaged(f"{self._folder.name} holds the log of another half")
            origin = found or origin
        files = LogFiles(self._folder, origin, self._disk)
        files.open()
        signed = self._signed(files)
        position, beyond = files.found_there(signed.size if signed is not None else 0)
        files.take_up(position)
        if beyond:
            files.append(beyond)
        files.sync()
        self._queue.moved(0, files.position)
        self._use(files, signed)
        if numbers:
            self.log.warn("log_taken_up_without_journal", sequence=origin.number, count=files.size)

    def _use(self, files: LogFiles, signed: Checkpoint | None) -> None:
        if signed is not None and files.root_at(signed.size) != signed.root:
            raise damaged(f"{files.folder.name} has another tree than the one that was signed")
        self._files = self._shown = files

    def _signed(self, files: LogFiles) -> Checkpoint | None:
        """Give the newest checkpoint of a log that this half signed."""
        signers = [
            signer for signer in self._keeper.trust.of_role(self._keeper.role) if signer.name == self._keeper.name
        ]
        for note in reversed(files.heads()):
            for signer in signers:
                with suppress(PeerError):
                    checkpoint = verify_checkpoint(note, signer.key)
                    if checkpoint.origin == files.origin:
                        self._head = note
                        return checkpoint
        return None

    def _begin_next(self) -> None:
        full = self._files
        keeper = self._keeper
        origin = Origin(keeper.role, keeper.name, self.number + 1, full.frontier.root())
        files = LogFiles(self._folder, origin, self._disk)
        files.open()
        files.take_up(Position(origin.number, origin.base, 0, 0, 0))
        self._queue.moved(self._cursor, files.position)
        self._files = files
        self._head = None
        if self._shown is full and self.cosigned_size == full.size:
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

    def _ends_cosigned(self, number: int) -> bool:
        files = self._closed(number)
        files.open()
        ended = _size_of(files.checkpoints.last) >= _size_of(_newest(files.heads()))
        files.close()
        return ended

    def _show(self, number: int) -> None:
        files = self._files if number >= self.number else self._closed(number)
        if self._shown not in (self._files, files):
            self._shown.close()
        if files is not self._files:
            files.open()
            files.frontier = tree.Frontier.stored(_size_of(_newest(files.heads())), files.node)
        self._shown = files
        self.cosigned_size = self._known = _size_of(files.checkpoints.last)
        self._sent = (0, 0)

    def _closed(self, number: int) -> LogFiles:
        origin = read_origin(self._folder / folder_name(number), self._disk)
        if origin is None:
            raise damaged(f"{folder_name(number)} is missing")
        return LogFiles(self._folder, origin, self._disk)


def _size_of(note: Note | None) -> int:
    return parse_checkpoint(note.text).size if note is not None else 0


def _newest(notes: list[Note]) -> Note | None:
    return notes[-1] if notes else None
