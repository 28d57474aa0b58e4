"""When the other half was heard last on one lane, and the newest message it was heard by, over restarts.

A half that forgot the newest message when it starts would take recorded ones, played again in order, for signs of
life for as long as the recording is.  So the newest is kept in the journal: at the first message of a run, then at most
every five seconds, and when the half stops.  After a death without a stop the messages of these last seconds prove
something once more.

Source: ``lane.freshness``.
"""

from __future__ import annotations

from typing import Final

from twisted.logger import Logger

from ferry.journal import Journal
from ferry.lane.checks import LaneId
from ferry.lane.freshness import Freshness
from ferry.parts import HalfParts
from wire_formats.errors import Unavailable

#: Messages come up to twenty times a second; each writing of the newest is a commit.
KEEP_EVERY_S: Final = 5.0


class Heard:
    """One lane's signs of life.

    Args:
        parts: the half's collaborators.
        lane: the lane.
    """

    log = Logger()

    def __init__(self, parts: HalfParts, lane: LaneId) -> None:
        self._parts = parts
        self._lane = lane
        self._freshness = Freshness()
        self._kept = self._freshness.newest
        self._kept_s = -KEEP_EVERY_S
        #: When the other half was heard last, by the reactor's seconds; when this half began, before that.
        self.at_s = parts.seconds()
        #: Whether it was heard at all in this run.
        self.ever = False

    def start(self) -> None:
        """Take up what an earlier run kept.

        Raises:
            Unavailable: the journal cannot be read.
        """
        self._kept = newest_kept(self._parts.journal, self._lane)
        self._freshness = Freshness(self._kept)

    def note(self, epoch: int, made_ms: int) -> None:
        """Take in a message whose signature held: a sign of life if it is newer than all before.

        Args:
            epoch: which it speaks of.
            made_ms: when it was made, by its maker's clock.
        """
        if not self._freshness.renews(epoch, made_ms, now_ms=self._parts.clock.now_ms()):
            return
        self.at_s = self._parts.seconds()
        self.ever = True
        if not 0 <= self.at_s - self._kept_s < KEEP_EVERY_S:
            self._kept_s = self.at_s
            self.keep()

    def keep(self) -> None:
        """Write the newest message down; what the journal refuses is written the next time."""
        newest = self._freshness.newest
        if newest == self._kept:
            return
        try:
            with self._parts.journal.writing() as database:
                database.execute("INSERT OR REPLACE INTO heard VALUES (?, ?, ?, ?)", (*self._lane, *newest))
            self._parts.journal.commit()
        except Unavailable as error:
            self.log.debug("heard_not_kept", lane=self._lane.lane, way=self._lane.direction, reason=error.private)
            return
        self._kept = newest


def newest_kept(journal: Journal, lane: LaneId) -> tuple[int, int]:
    """Give epoch and instant of the newest message that an earlier run kept; zeros for none.

    Raises:
        Unavailable: the journal cannot be read.
    """
    with journal.reading() as database:
        row = database.execute("SELECT epoch, made_ms FROM heard WHERE direction = ? AND lane = ?", lane).fetchone()
    return (row[0], row[1]) if row else (0, 0)
