"""Ends the bindings of revoked certificates: the core reads the CA's deny list itself.

The edges keep revoked certificates out; a DMZ that was taken over would not. So the core follows the same signed
increments from a drop of its own. It only ever adds: order and gaps do not matter to it, and the next snapshot names
whatever it missed.
Source: DESIGN invariant 6; wire_formats.deny_list; catalogue F6, F9.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sqlalchemy import Engine
from twisted.logger import Logger

from core.accounts import revoke_bindings
from core.db.engine import writing
from wire_formats.collaborators import Clock, Disk
from wire_formats.deny_list import MAX_INCREMENT_BYTES, verify_increment
from wire_formats.disk import DISK
from wire_formats.drop import list_drop, prepare_drop, read_drop, remove_drop
from wire_formats.errors import PeerError
from wire_formats.trust import TrustStore

NOTICES_A_LOOK: Final = 16


class Revocations:
    """Reads deny-list increments and ends bindings.

    Args:
        folder: the drop the CA writes into.
        engine: the production database.
        trust: knows the CA's deny key.
        clock: time.
        disk: where the drop lies.
    """

    _log = Logger()

    def __init__(self, folder: Path, engine: Engine, *, trust: TrustStore, clock: Clock, disk: Disk = DISK) -> None:
        self._disk = disk
        self._folder, self._engine, self._trust, self._clock = folder, engine, trust, clock
        prepare_drop(folder, disk=disk)

    def look(self) -> int:
        """Take in what waits, oldest first.

        Returns:
            How many bindings ended.

        Raises:
            OperationalError: the database is away; the notice stays and is read again.
        """
        names, strange = list_drop(self._folder, most=NOTICES_A_LOOK, disk=self._disk)
        ended = 0
        for name in names:
            try:
                data = read_drop(self._folder, name, limit=MAX_INCREMENT_BYTES, disk=self._disk)
                increment = verify_increment(data, self._trust, now_ms=self._clock.now_ms())
            except FileNotFoundError:
                continue
            except PeerError as error:
                self._log.error("deny_notice_refused", reason=error.private, code=error.code)
            else:
                ended += self._end([f"{serial:x}" for serial in increment.serials])
            remove_drop(self._folder, name, disk=self._disk)
        for stranger in strange:
            self._log.error("deny_notice_refused", reason="file name outside the grammar")
            remove_drop(self._folder, stranger, disk=self._disk)
        return ended

    def _end(self, serials: list[str]) -> int:
        if not serials:
            return 0
        with writing(self._engine) as connection:
            ended = revoke_bindings(connection, serials, now_ms=self._clock.now_ms())
        if ended:
            self._log.info("bindings_ended", count=ended)
        return ended
