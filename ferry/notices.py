"""Deny-list notices: signed by the CA, carried from the core's outbox to the edges.

The ferry checks size, form and the CA's signature at both halves and gives each notice a generated
name: ``<made, 16 hex>-<epoch of the list, 12 hex>-deny-list.notice``.  Notices have no crossing numbers:
the list has epochs of its own.  Against loss every notice is sent several times; the name makes
copies harmless, and a reader that misses one waits for the next snapshot.

Source: catalogue F7, F10; wire_formats.deny_list.
"""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from typing import Final

from twisted.logger import Logger

from ferry.control import CONTROL
from ferry.folders import room_in
from ferry.intake import Over
from ferry.lane.checks import OUTBOUND, LaneId
from ferry.lane.reasons import Reason
from ferry.parts import HalfParts
from ferry.ports import FolderPort
from ferry.spool import Spool
from ferry.transports.port import Outlet
from wire_formats.deny_list import DenyIncrement, verify_increment
from wire_formats.drop import DropName, prepare_drop, write_drop
from wire_formats.errors import Kind, PeerError, Unavailable

NOTICE_LANE: Final = LaneId(OUTBOUND, CONTROL)
NOTICE_SENDER: Final = "deny-list"
#: Waits before the second, third ... copy.
COPY_AFTER_S: Final = (2.0, 15.0, 60.0)
_MOST_WAITING: Final = 256
_MOST_NOTICES: Final = 100_000


def notice_name(increment: DenyIncrement) -> DropName:
    """Give the generated name of a notice."""
    return DropName(increment.made_ms, increment.epoch, NOTICE_SENDER, "notice")


class NoticeSender:
    """The high half's side: from the core's outbox onto the transport.

    Args:
        parts: the half's collaborators.
        source: drop of the CA's notices.
        outlet: the transport.
        spool: keeps a notice until its last copy is sent.
    """

    log = Logger()

    def __init__(self, parts: HalfParts, source: FolderPort, outlet: Outlet, spool: Spool) -> None:
        self._parts = parts
        self.source = source
        self._outlet = outlet
        self._spool = spool
        self._copies: OrderedDict[DropName, tuple[int, float]] = OrderedDict()
        self.blocked = ""

    def start(self) -> None:
        """Make ready; notices an earlier run left are sent again."""
        self.source.prepare()
        self._copies = OrderedDict((name, (0, 0.0)) for name in self._spool.prepare())

    def step(self, over: Over) -> bool:
        """Take one notice; gives whether there was one."""
        if len(self._copies) >= _MOST_WAITING:
            return False
        try:
            found = self.source.waiting(most=1)
            names: list[DropName | str] = [*found.names, *found.strange]
            for name in names:
                self._take(name)
        except Unavailable as error:
            if self.blocked != error.private:
                self.log.warn("notices_blocked", lane=CONTROL, reason=error.private)
            self.blocked = error.private
            return False
        self.blocked = ""
        return bool(found.names or found.strange) and not over()

    def abandon(self) -> None:
        """Nothing is held between steps."""

    def tick(self) -> None:
        """Send the copies that are due.

        Raises:
            Unavailable: no room on the transport.
        """
        now = self._parts.seconds()
        for name, (sent, at) in list(self._copies.items()):
            if at <= now or at > now + 2 * COPY_AFTER_S[-1]:
                data = self._spool.get(name)
                if data is not None:
                    self._outlet.put(CONTROL, name, data)
                self._sent(name, sent + 1)

    def _take(self, name: DropName | str) -> None:
        data = b""
        try:
            data = self.source.read(name)
            increment = verify_increment(data, self._parts.signers.trust, now_ms=self._parts.clock.now_ms())
        except FileNotFoundError:
            return
        except PeerError:
            self._parts.quarantine.add(Reason.BAD_NOTICE, NOTICE_LANE, data)
            self.source.remove(name)
            return
        ours = notice_name(increment)
        self._spool.put(ours, data)
        self._copies[ours] = (0, 0.0)
        self._parts.metrics.notices.inc()
        self.source.remove(name)
        self.tick()

    def _sent(self, name: DropName, copies: int) -> None:
        if copies >= self._parts.limits.notice_copies:
            del self._copies[name]
            self._spool.remove(name)
            return
        wait = COPY_AFTER_S[min(copies - 1, len(COPY_AFTER_S) - 1)]
        self._copies[name] = (copies, self._parts.seconds() + wait)


class NoticeReceiver:
    """The low half's side: from the transport to the edges' folder.

    Args:
        parts: the half's collaborators.
        folder: where the edges look.
    """

    log = Logger()

    def __init__(self, parts: HalfParts, folder: Path) -> None:
        self._parts = parts
        self._folder = folder
        self._seen: OrderedDict[DropName, None] = OrderedDict()

    def start(self) -> None:
        """Make the folder."""
        prepare_drop(self._folder, disk=self._parts.disk)

    def read(self, data: bytes) -> None:
        """Take in one notice; copies change nothing.

        Raises:
            Unavailable: no room for it.
        """
        try:
            increment = verify_increment(data, self._parts.signers.trust, now_ms=self._parts.clock.now_ms())
        except PeerError:
            self._parts.quarantine.add(Reason.BAD_NOTICE, NOTICE_LANE, data)
            return
        name = notice_name(increment)
        if name in self._seen:
            return
        if room_in(self._folder, most=_MOST_NOTICES, disk=self._parts.disk) <= 0:
            raise Unavailable(Kind.STORAGE_FULL, "too many notices wait for the edges")
        write_drop(self._folder, name, data, disk=self._parts.disk)
        self._parts.metrics.notices.inc()
        self._seen[name] = None
        if len(self._seen) > _MOST_WAITING:
            self._seen.popitem(last=False)
