"""The deny set of one edge process: reads notices, answers "is it revoked?", cuts live connections.

Every edge reads every notice of the ``notices/`` drop, verifies the CA's signature and applies it to its table. One
edge, the keeper, also writes a snapshot of the complete table and removes notices that the snapshot covers and that
the other edges have had time to read; so a restart begins with the whole list, and the directory stays small.

Source: catalogue F7, F10; PKI research, section 5 (a revoked client resumes; check every request, cut live sessions).
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from twisted.logger import Logger

from dmz.edge.deny_table import MAX_SNAPSHOT_BYTES, DenyTable, restore_table
from dmz.edge.metrics import EdgeMetrics
from dmz.edge.refusals import Reason, RefusalError
from wire_formats.collaborators import Clock, DirectoryWatch
from wire_formats.deny_list import MAX_INCREMENT_BYTES, verify_increment
from wire_formats.drop import DropName, list_drop, read_drop, remove_drop, write_drop
from wire_formats.errors import PeerError, Unavailable
from wire_formats.instants import MINUTE_MS, SECOND_MS
from wire_formats.trust import TrustStore

MAX_NOTICES_A_SCAN: Final = 512
SNAPSHOT: Final = DropName(0, 0, "deny-snapshot", "notice")
_SNAPSHOT_EVERY_MS: Final = MINUTE_MS
_READ_BY_ALL_MS: Final = 10 * MINUTE_MS
#: More notices than this are cleared even without a complete list; its age then refuses new logins.
_MAX_NOTICES: Final = 8_192
_RETRY_S: Final = 60


class Cuttable(Protocol):
    """A live connection that can be ended at once."""

    def cut(self, reason: Reason) -> None:
        """End the connection now."""


class Denials(Protocol):
    """Knows which certificates are revoked; see ``DenySet`` for what each call means."""

    def check(self, serial: int) -> None:
        """Make sure that a certificate is not revoked."""

    def check_fresh(self) -> None:
        """Make sure that the list is fresh enough to let somebody new in."""

    def attach(self, serial: int, connection: Cuttable) -> None:
        """Remember a live connection of a certificate."""

    def detach(self, serial: int, connection: Cuttable) -> None:
        """Forget a connection that is gone."""


class NoDenials:
    """Behind a front, which checks revocation itself: everybody it sends has passed."""

    def check(self, serial: int) -> None:
        """Pass."""

    def check_fresh(self) -> None:
        """Pass."""

    def attach(self, serial: int, connection: Cuttable) -> None:
        """Nothing is ever cut here."""

    def detach(self, serial: int, connection: Cuttable) -> None:
        """Nothing is remembered here."""


@dataclass(frozen=True, slots=True)
class DenyPlaces:
    """Where notices come in and where the snapshot is kept.

    Attributes:
        notices: the drop that the ferry's low half fills.
        snapshots: a drop for the snapshot, prepared by the master.
        keeper: whether this edge writes the snapshot and clears old notices.
    """

    notices: Path
    snapshots: Path
    keeper: bool


class DenySet:
    """Revoked serials and the live connections of each serial.

    Args:
        places: directories.
        trust: knows the CA's deny keys.
        clock: wall clock.
        metrics: of this process.
        limit_ms: age beyond which new logins are refused.
    """

    _log = Logger()

    def __init__(
        self, places: DenyPlaces, trust: TrustStore, *, clock: Clock, metrics: EdgeMetrics, limit_ms: int
    ) -> None:
        self._places = places
        self._trust = trust
        self._clock = clock
        self._metrics = metrics
        self._limit_ms = limit_ms
        self._table = DenyTable()
        self._seen: set[DropName] = set()
        #: Notices that could not be read (no descriptors, no right to): tried again at every look.
        self._unread: set[DropName] = set()
        self._live: dict[int, set[Cuttable]] = {}
        self._snapshot_ms = 0
        self._stop: Callable[[], None] | None = None

    @property
    def epoch(self) -> int:
        """The newest epoch applied."""
        return self._table.epoch

    def start(self, watch: DirectoryWatch) -> None:
        """Load the snapshot, read what is there, and follow the drop from now on."""
        self._load()
        self.scan()
        self._stop = watch.watch(self._places.notices, self.scan)

    def stop(self) -> None:
        """Follow the drop no longer."""
        if self._stop is not None:
            self._stop()
            self._stop = None

    def check(self, serial: int) -> None:
        """Make sure that a certificate is not revoked.

        Raises:
            RefusalError: CERTIFICATE_REVOKED.
        """
        if serial in self._table.serials:
            raise RefusalError(Reason.CERTIFICATE_REVOKED)

    def check_fresh(self) -> None:
        """Make sure that the list is fresh enough to let somebody new in.

        Raises:
            RefusalError: DENY_LIST_STALE.
        """
        age = self._table.age_ms(self._clock.now_ms())
        if age is None or age > self._limit_ms:
            raise RefusalError(Reason.DENY_LIST_STALE, retry_after_s=_RETRY_S)

    def attach(self, serial: int, connection: Cuttable) -> None:
        """Remember a live connection of a certificate."""
        self._live.setdefault(serial, set()).add(connection)

    def detach(self, serial: int, connection: Cuttable) -> None:
        """Forget a connection that is gone."""
        held = self._live.get(serial)
        if held is not None:
            held.discard(connection)
            if not held:
                del self._live[serial]

    def scan(self) -> None:
        """Read the notices that are new; called by the directory watch, and at start."""
        listed, _ = list_drop(self._places.notices, most=2 * _MAX_NOTICES)
        names = [name for name in listed if name.kind == "notice"]
        self._seen.intersection_update(names)
        self._unread.intersection_update(names)
        new = [name for name in names if name not in self._seen and name not in self._unread]
        for name in [*new, *self._unread][:MAX_NOTICES_A_SCAN]:
            self._read(name)
        age = self._table.age_ms(self._clock.now_ms())
        self._metrics.deny_list(epoch=self._table.epoch, serials=len(self._table), age_ms=age)
        if self._places.keeper:
            self._keep(names)

    def _read(self, name: DropName) -> None:
        try:
            message = read_drop(self._places.notices, name, limit=MAX_INCREMENT_BYTES)
        except FileNotFoundError:
            return
        except (PeerError, OSError) as error:
            if name not in self._unread:
                self._unread.add(name)
                self._refused(name, error)
            return
        self._unread.discard(name)
        self._seen.add(name)
        try:
            increment = verify_increment(message, self._trust, now_ms=self._clock.now_ms())
        except PeerError as error:
            self._refused(name, error)
            return
        applied = self._table.apply(increment)
        if applied is None:
            return
        if applied.gap:
            self._log.warn("deny_list_gap", epoch=increment.epoch)
        if applied.added:
            self._log.info("deny_list_grew", epoch=increment.epoch, count=len(applied.added))
        self._cut(applied.added)

    def _refused(self, name: DropName, error: PeerError | OSError) -> None:
        reason = error.private if isinstance(error, PeerError) else error.strerror
        self._log.warn("deny_notice_refused", file=str(name), reason=reason)
        self._metrics.deny_notices_refused.inc()

    def _cut(self, serials: AbstractSet[int]) -> None:
        for serial in serials:
            for connection in tuple(self._live.get(serial, ())):
                self._log.info("revoked_connection_cut", serial=f"{serial:x}")
                connection.cut(Reason.CERTIFICATE_REVOKED)

    def _load(self) -> None:
        try:
            data = read_drop(self._places.snapshots, SNAPSHOT, limit=MAX_SNAPSHOT_BYTES)
            self._table = restore_table(data)
        except FileNotFoundError:
            return
        except PeerError as error:
            self._log.warn("deny_snapshot_refused", reason=error.private, code=error.code)

    def _keep(self, names: list[DropName]) -> None:
        """As keeper: write the snapshot now and then, and remove notices that it covers."""
        now_ms = self._clock.now_ms()
        if now_ms - self._snapshot_ms < _SNAPSHOT_EVERY_MS:
            return
        data = self._table.snapshot()
        if data is None:
            self._clear(names[:-_MAX_NOTICES], now_ms)
            return
        try:
            write_drop(self._places.snapshots, SNAPSHOT, data, durable=True)
        except Unavailable as error:
            self._log.error("deny_snapshot_not_written", reason=error.private, code=error.code)
            return
        self._snapshot_ms = now_ms
        self._clear(names, now_ms)

    def _clear(self, names: list[DropName], now_ms: int) -> None:
        for name in names:
            if name in self._seen and self._age_ms(name, now_ms) > _READ_BY_ALL_MS:
                remove_drop(self._places.notices, name)

    def _age_ms(self, name: DropName, now_ms: int) -> int:
        try:
            return now_ms - round((self._places.notices / str(name)).stat().st_mtime * SECOND_MS)
        except FileNotFoundError:
            return 0
