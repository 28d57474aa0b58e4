"""Bans as files in a drop of the edge: every child reads them within a second, and they outlast a restart.

One file says one thing about one subject (``bans.Ban``); the newest counts. So nothing is ever changed in place, no
lock is needed, and an operator's command line writes the same files as the children do. Whoever can write here runs as
the edge and could stop it as well: the files are not signed.

Names: ``<made, ms>-<digest of the subject>-<child or operator>.notice``. One child, the keeper, deletes what has been
superseded or has no effect any more.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from twisted.logger import Logger

from dmz.intrusion.bans import MAX_BAN_BYTES, OPERATOR, Ban, BanBook, decode_ban, encode_ban
from dmz.intrusion.subjects import subject_text
from wire_formats.drop import TEMPORARY, DropName, parse_name, read_drop, remove_drop, write_drop
from wire_formats.errors import PeerError, Unavailable

#: A look takes no longer than some milliseconds, also when an operator's script has banned thousands.
MAX_FILES_A_SCAN: Final = 64
_DIGEST_BYTES: Final = 6


def ban_name(ban: Ban, sender: str) -> DropName:
    """Give a ban's file name."""
    digest = hashlib.sha256(subject_text(ban.subject).encode()).digest()[:_DIGEST_BYTES]
    return DropName(ban.made_ms, int.from_bytes(digest, "big"), sender, "notice")


def write_ban(folder: Path, ban: Ban, sender: str = OPERATOR) -> None:
    """Say something about a subject to all children.

    Args:
        folder: the drop.
        ban: what to say.
        sender: a child's name, or OPERATOR.

    Raises:
        Unavailable: STORAGE_FULL.
    """
    write_drop(folder, ban_name(ban, sender), encode_ban(ban))


class BanBoard:
    """Reads and writes a drop of bans.

    Args:
        folder: the drop; ``prepare_drop`` has made it.
        book: knows what still has an effect.
        sender: this child's name.
        keeper: whether this child deletes old files.
        on_refused: called for a file that is no ban.
    """

    _log = Logger()

    def __init__(
        self, folder: Path, book: BanBook, *, sender: str, keeper: bool, on_refused: Callable[[], None] = lambda: None
    ) -> None:
        self._folder = folder
        self._book = book
        self._sender = sender
        self._keeper = keeper
        self._on_refused = on_refused
        self._read: dict[str, Ban | None] = {}
        #: Files that could not be read and may be once: without descriptors, without the right to, not yet whole.
        self._unread: set[str] = set()

    def publish(self, ban: Ban) -> None:
        """Say something to the other children; without room on the disk it holds in this child only."""
        try:
            write_ban(self._folder, ban, self._sender)
        except Unavailable as error:
            self._log.error("ban_not_shared", reason=error.private, code=error.code)
            return
        self._read[str(ban_name(ban, self._sender))] = ban

    def scan(self, most: int = MAX_FILES_A_SCAN) -> list[Ban]:
        """Read new files; gives what they say, oldest first, for the book to take in.

        Args:
            most: files to read now; the others wait for the next look.
        """
        listed = os.listdir(self._folder)  # noqa: PTH208 - names only, a tenth of the time of paths
        if len(listed) < len(self._read) + 1:  # the folder for unfinished files is listed, too
            present = set(listed)
            self._read = {name: ban for name, ban in self._read.items() if name in present}
            self._unread &= present
        new = sorted(name for name in listed if name not in self._read and name != TEMPORARY)
        said = []
        for name in new[:most]:
            ban = self._read[name] = self._read_one(name)
            if ban is not None:
                said.append(ban)
        return said

    def tidy(self, now_ms: int) -> None:
        """Forget what has no effect any more; as keeper, delete its files, too.

        What could not be read is tried again at the next look.
        """
        if self._keeper:
            for name, ban in self._read.items():
                if ban is not None and self._book.is_over(ban, now_ms):
                    remove_drop(self._folder, name)
        self._book.forget(now_ms)
        for name in self._unread:
            self._read.pop(name, None)

    def _read_one(self, name: str) -> Ban | None:
        try:
            parse_name(name)
            ban = decode_ban(read_drop(self._folder, name, limit=MAX_BAN_BYTES))
        except FileNotFoundError:
            return None
        except (PeerError, OSError) as error:
            if name not in self._unread:
                self._unread.add(name)
                reason = error.private if isinstance(error, PeerError) else error.strerror
                self._log.warn("ban_file_refused", file=name, reason=reason)
                self._on_refused()
            return None
        self._unread.discard(name)
        return ban
