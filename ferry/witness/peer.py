"""The other half's log as this half witnesses it: judged, kept, cosigned; a fork is kept as proof.

    <folder>/peer/log-000001.checkpoints      every checkpoint of the other half this half has cosigned
    <folder>/peer/refused-<number>-<size>-<reason>.submission
                                              a checkpoint the other half signed and this half refused, with its proof

What was cosigned is on the disk before the cosignature leaves.  Two histories signed by one half stay provable: the
refused one and the one cosigned before it lie side by side.

Source: C2SP tlog-witness v1.0.0; DESIGN invariant 10.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from twisted.logger import Logger

from ferry.witness.files import damaged
from ferry.witness.judgement import Judgement, judge
from ferry.witness.keeper import LogKeeper
from ferry.witness.notes_file import NotesFile, unavailable
from wire_formats.collaborators import Disk
from wire_formats.drop import write_whole
from wire_formats.errors import Kind, PeerError
from wire_formats.instants import SECOND_MS
from wire_formats.lane_control import Cosignature, TreeHead, TreeRefused
from wire_formats.tlog.checkpoint import (
    Checkpoint,
    Origin,
    checkpoint_text,
    cosign,
    log_line,
    parse_checkpoint,
    verify_checkpoint,
    verify_cosignature,
    witness_name,
)
from wire_formats.tlog.note import Note
from wire_formats.tlog.submission import Submission, format_submission

PEER: Final = "peer"
_CHECKPOINTS: Final = ".checkpoints"
_REFUSED: Final = "refused-"
#: Refused checkpoints that are kept; the first ones prove as much as the hundredth.
MOST_REFUSED: Final = 16


class PeerLog:
    """The other half's log.

    Args:
        keeper: this half.
        folder: holds the logs of this half.
        disk: where it lies.

    Attributes:
        known: the last checkpoint cosigned.
        alarm: "split_view" or "other_log" when the other half's log does not continue what is known, or empty.
    """

    log = Logger()

    def __init__(self, keeper: LogKeeper, folder: Path, disk: Disk) -> None:
        self._keeper = keeper
        self._name = witness_name(keeper.role, keeper.name)
        self._folder = folder / PEER
        self._disk = disk
        self._notes: NotesFile | None = None
        self._unsynced = False
        self.known: Checkpoint | None = None
        self.alarm = ""

    def start(self) -> None:
        """Take up what was known; an alarm lasts until its files are taken away.

        Raises:
            Unavailable: the disk refuses, or what lies there is not what this half cosigned.
        """
        try:
            self._disk.make_folder(self._folder)
            names = sorted(self._disk.names(self._folder))
        except OSError as error:
            raise unavailable(error) from None
        refused = [name for name in names if name.startswith(_REFUSED)]
        if refused:
            self.alarm = refused[-1].removesuffix(".submission").rsplit("-", 1)[-1]
        for name in reversed([name for name in names if name.endswith(_CHECKPOINTS)]):
            note = self._last_of(name)
            if note is not None:
                self._take_up(note)
                return

    def close(self) -> None:
        """Close the file of checkpoints."""
        if self._notes is not None:
            self._notes.close()
            self._notes = None

    def offered(self, message: TreeHead, *, now_ms: int) -> Cosignature | TreeRefused:
        """Judge a checkpoint of the other half.

        Returns:
            The cosignature, to be sent when ``barrier`` has ended; or what to tell the other half instead.

        Raises:
            PeerError: BAD_SIGNATURE: it is not signed by the other half.
            Unavailable: it could not be kept; nothing was cosigned.
        """
        note = self._note(message)
        checkpoint = parse_checkpoint(note.text)
        judgement = judge(self.known, checkpoint, message.old, message.proof)
        if judgement is not Judgement.COSIGN:
            if judgement is not Judgement.OLD_SIZE:
                self._refuse(judgement, Submission(message.old, message.proof, note))
            known = self.known
            number, size = (known.origin.number, known.size) if known is not None else (0, 0)
            return TreeRefused(number, size, judgement.value, now_ms)
        at_s = now_ms // SECOND_MS
        line = cosign(checkpoint, self._name, self._keeper.key, at_s=at_s)
        if checkpoint != self.known:
            self._keep(checkpoint, note.signed(line))
        origin = checkpoint.origin
        return Cosignature(origin.number, origin.base, checkpoint.size, checkpoint.root, at_s, line.value[8:], now_ms)

    def _note(self, message: TreeHead) -> Note:
        keeper = self._keeper
        for signer in keeper.trust.of_role(keeper.peer):
            origin = Origin(keeper.peer, signer.name, message.number, message.base)
            text = checkpoint_text(Checkpoint(origin, message.size, message.root))
            note = Note(text, (log_line(origin, signer.key, message.signature),))
            with suppress(PeerError):
                verify_checkpoint(note, signer.key)
                return note
        raise PeerError(Kind.BAD_SIGNATURE, "checkpoint is not signed by the other half")

    def _keep(self, checkpoint: Checkpoint, note: Note) -> None:
        if self._notes is None or self.known is None or checkpoint.origin != self.known.origin:
            notes = NotesFile(self._folder / _file_name(checkpoint.origin), str(checkpoint.origin), self._disk)
            notes.open()
            self.close()
            self._notes = notes
        self._notes.add(note)
        self._unsynced = True
        self.known = checkpoint

    def barrier(self) -> Callable[[], None] | None:
        """Give what waits, on any thread, until what was cosigned is on the disk; None when it is."""
        return self._notes.sync if self._unsynced and self._notes is not None else None

    def synced(self, known: Checkpoint | None) -> None:
        """Note that the barrier has ended for a checkpoint."""
        if known == self.known:
            self._unsynced = False

    def _refuse(self, judgement: Judgement, submission: Submission) -> None:
        checkpoint = parse_checkpoint(submission.note.text)
        if self.alarm != judgement.value:
            self.log.critical(
                "log_split_view", reason=judgement.value, sequence=checkpoint.origin.number, count=checkpoint.size
            )
        self.alarm = judgement.value
        name = f"{_REFUSED}{checkpoint.origin.number:06d}-{checkpoint.size:07d}-{judgement.value}.submission"
        try:
            kept = [other for other in self._disk.names(self._folder) if other.startswith(_REFUSED)]
            if len(kept) < MOST_REFUSED and name not in kept:
                write_whole(self._folder / name, format_submission(submission), durable=True, disk=self._disk)
                self._disk.sync_folder(self._folder)
        except OSError as error:
            raise unavailable(error) from None

    def _last_of(self, name: str) -> Note | None:
        """Give the last note of a file, whatever origin it is of."""
        first = read_first_line(self._folder / name, self._disk)
        if first is None:
            return None
        notes = NotesFile(self._folder / name, first, self._disk)
        notes.open()
        self._notes = notes
        return notes.last

    def _take_up(self, note: Note) -> None:
        keeper = self._keeper
        for signer in keeper.trust.of_role(keeper.role):
            with suppress(PeerError):
                verify_cosignature(note, witness_name(keeper.role, signer.name), signer.key)
                self.known = parse_checkpoint(note.text)
                return
        raise damaged(f"{PEER} holds checkpoints that this half did not cosign")


def read_first_line(path: Path, disk: Disk) -> str | None:
    """Give the first line of a file; None when there is no whole one.

    Raises:
        Unavailable: the disk refuses.
    """
    try:
        handle = disk.open(path)
        try:
            line, newline, _ = disk.read(handle, 512, 0).partition(b"\n")
        finally:
            disk.close(handle)
    except OSError as error:
        raise unavailable(error) from None
    return line.decode("ascii", "replace") if newline else None


def _file_name(origin: Origin) -> str:
    return f"log-{origin.number:06d}{_CHECKPOINTS}"
