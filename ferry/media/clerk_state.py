"""What the media clerk tells the console: one JSON file, replaced whole.

    {"at_ms", "trial",
     "places":   [{"place", "there", "mounted", "read_only", "free", "ours"}],
     "waiting":  {lane: [files, bytes]},
     "draft":    {"serial", "export", "digest", "sequence", "files", "bytes", "lanes", "made_ms", "expires_ms",
                  "signed", "complete"} | null,
     "looked":   {"place", "at_ms", ... as in a draft ..., "sender", "operators", "taken", "begun", "missing"} | null,
     "busy":     {"word", "serial", "done", "of"} | null,
     "outcomes": [{"order", "at_ms", "word", "serial", "operator", "outcome", "zh", "en"}], newest first}

The memory of outcomes is the process's: the register keeps what was done.
"""

from __future__ import annotations

import json
import os
import shutil
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

from ferry.media.collecting import Collection
from ferry.media.desk import MediaDesk, MediaFolders
from ferry.media.looking import Looked
from ferry.media.orders import Order
from ferry.media.prepared import Draft, prepared_export
from ferry.media.settings import ClerkSettings
from ferry.media.writing import FOLDER
from wire_formats.collaborators import Clock
from wire_formats.cose import parse_sign1
from wire_formats.drop import write_whole
from wire_formats.errors import PeerError
from wire_formats.medium import MEDIUM_LANES, OPERATOR_ROLE, MediumStatement

STATE_NAME: Final = "clerk.json"
MOST_OUTCOMES: Final = 20
#: While something runs, the file is written again after so long; while nothing does, after so long.
_BUSY_MS: Final = 500
_IDLE_MS: Final = 2000


class Outcome(NamedTuple):
    """What came of one order."""

    order: str
    at_ms: int
    word: str
    serial: str
    operator: str
    outcome: str
    zh: str
    en: str


class ClerkState:
    """The state file of one clerk.

    Args:
        folders: the half's media folders.
        settings: where media are mounted.
        clock: the instant.
    """

    def __init__(self, folders: MediaFolders, settings: ClerkSettings, clock: Clock) -> None:
        self._folders = folders
        self._settings = settings
        self._clock = clock
        self._names: dict[bytes, str] = {}
        self._outcomes: deque[Outcome] = deque(maxlen=MOST_OUTCOMES)
        self._looked: dict[str, Any] | None = None
        self._busy: dict[str, Any] | None = None
        self._written_ms = 0

    @property
    def due(self) -> bool:
        """Whether it is time to write although nothing was asked: a medium may have been mounted."""
        return abs(self._clock.now_ms() - self._written_ms) >= _IDLE_MS

    def learn(self, desk: MediaDesk) -> None:
        """Learn the operators' names."""
        self._names = {one.kid: one.name for one in desk.operators.of_role(OPERATOR_ROLE)}

    def busy(self, order: Order) -> None:
        """Tell that an order is being carried out."""
        self._busy = {"word": order.word, "serial": order.serial, "done": 0, "of": 0}
        self.write()

    def progress(self, done: int, of: int) -> None:
        """Tell how far it is, not too often."""
        if self._busy is not None:
            self._busy |= {"done": done, "of": of}
            if self._clock.now_ms() - self._written_ms >= _BUSY_MS:
                with suppress(OSError):
                    self.write()

    def tell(self, outcome: Outcome) -> None:
        """Tell what came of an order."""
        self._busy = None
        self._outcomes.appendleft(outcome)

    def looked(self, place: Path, found: Looked | None) -> None:
        """Keep what a look at a medium gave; None forgets it."""
        self._looked = None
        if found is not None:
            statement = found.statement
            self._looked = {
                "place": str(place), "at_ms": self._clock.now_ms(), **_statement(statement),
                "sender": statement.sender, "operators": list(found.operators), "taken": found.taken,
                "begun": found.begun, "missing": max(0, statement.sequence - found.earlier - 1),
            }  # fmt: skip

    def write(self) -> None:
        """Write the file.

        Raises:
            OSError: it cannot be written.
        """
        self._written_ms = self._clock.now_ms()
        collection = Collection(self._folders)
        draft = prepared_export(self._folders)
        told = {
            "at_ms": self._written_ms,
            "trial": self._settings.plain_folders,
            "places": [_place(place) for place in self._settings.places],
            "waiting": {lane: list(collection.waiting_in(lane)) for lane in MEDIUM_LANES},
            "draft": self._draft(draft) if draft is not None else None,
            "looked": self._looked,
            "busy": self._busy,
            "outcomes": [one._asdict() for one in self._outcomes],
        }
        final = self._folders.root / STATE_NAME
        part = final.with_name(f".{STATE_NAME}.part")
        write_whole(part, json.dumps(told, ensure_ascii=False).encode(), disk=self._folders.disk)
        self._folders.disk.rename(part, final)

    def _draft(self, draft: Draft) -> dict[str, Any]:
        signed = [self._name(message) for message in draft.signatures]
        return {**_statement(draft.statement), "signed": signed, "complete": draft.complete}

    def _name(self, message: bytes) -> str:
        try:
            return self._names.get(parse_sign1(message).kid, "?")
        except PeerError:
            return "?"


def _statement(statement: MediumStatement) -> dict[str, Any]:
    return {
        "serial": statement.serial, "export": statement.export.hex(), "digest": statement.digest().hex(),
        "sequence": statement.sequence, "files": statement.files, "bytes": statement.size,
        "lanes": list(statement.lanes), "made_ms": statement.made_ms, "expires_ms": statement.expires_ms,
    }  # fmt: skip


def _place(place: Path) -> dict[str, Any]:
    """Say how a place looks; one that cannot be asked looks empty."""
    told = {"place": str(place), "there": False, "mounted": False, "read_only": False, "free": 0, "ours": False}
    with suppress(OSError):
        told["there"] = place.is_dir()
        told["mounted"] = os.path.ismount(place)
        told["read_only"] = bool(os.statvfs(place).f_flag & os.ST_RDONLY)
        told["free"] = shutil.disk_usage(place).free
        told["ours"] = os.path.lexists(place / FOLDER)
    return told
