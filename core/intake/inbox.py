"""Finds bundles in the inbox, verifies them, and puts aside what cannot be right.

What is in hand is written down before it is run: bundles. After a crash those that were in hand are taken one at a
time, and their requests are run and written down one by one. A request that was alone in hand at five crashes is held:
one poisoned request stops neither the lane nor those that came in the same bundle.
Source: research ferry.md section 7 ("poison message after crashes → HELD, lane continues").
"""

from __future__ import annotations

import contextlib
import json
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec
from twisted.logger import Logger

from core.intake.verify import verify_bundle
from core.intake.work import OpenBundle, Work
from core.metrics import CoreMetrics
from wire_formats.bundle import MAX_BUNDLE_BYTES
from wire_formats.collaborators import Clock, Disk
from wire_formats.disk import DISK
from wire_formats.drop import DropName, list_drop, parse_name, prepare_drop, read_drop, remove_drop
from wire_formats.errors import PeerError, Unavailable
from wire_formats.request import LANES
from wire_formats.trust import TrustStore

MOST_LISTED: Final = 512
#: Files that the quarantine keeps; the oldest evidence is worth more than the thousandth copy.
MOST_PUT_ASIDE: Final = 1_000
CRASHES_BEFORE_HELD: Final = 5
_IN_HAND: Final = "in_hand.json"
_MOST_IN_HAND: Final = 1 << 20
_STRANGE: Final = "strange"


class _InHand(msgspec.Struct):
    """The note of what is in hand."""

    bundles: dict[str, dict[str, int]]
    alone: tuple[str, str] | None


class Inbox:
    """The core's inbox: one drop per lane; used by the intake thread.

    Args:
        folder: the inbox.
        quarantine: where what cannot be right is put.
        trust: the machines this core knows.
        clock: wall clock.
        metrics: the core's metrics.
        disk: where both lie.
    """

    _log = Logger()

    def __init__(
        self,
        folder: Path,
        quarantine: Path,
        *,
        trust: TrustStore,
        clock: Clock,
        metrics: CoreMetrics,
        disk: Disk = DISK,
    ) -> None:
        self._disk = disk
        self._folder, self._quarantine = folder, quarantine
        self._trust, self._clock, self._metrics = trust, clock, metrics
        self._listed: dict[str, deque[DropName]] = {lane: deque() for lane in LANES}
        self._open: dict[str, set[DropName]] = {lane: set() for lane in LANES}
        disk.make_folder(quarantine)
        for lane in LANES:
            prepare_drop(folder / lane, disk=disk)
        self._suspects = self._read_in_hand()
        self._put_aside_count = sum(1 for name in disk.names(quarantine) if name != _IN_HAND)
        self._noted = True
        self._hand = disk.create(self._path(), keep=True)
        self._doubles = 0

    def take(self, lane: str, *, most_items: int) -> list[Work]:
        """Take the next bundles of a lane, up to about `most_items` requests; after a crash one bundle at a time."""
        works: list[Work] = []
        while len(works) < most_items:
            name = self._next(lane)
            if name is None:
                break
            suspect = f"{lane}/{name}" in self._suspects
            if suspect and works:
                self._listed[lane].appendleft(name)
                break
            works.extend(self._opened(lane, name))
            if suspect:
                break
        return works

    def is_suspect(self, bundle: OpenBundle) -> bool:
        """Tell whether a bundle was in hand at a crash, so that its requests are to be run one by one."""
        return _key(bundle) in self._suspects

    def is_poison(self, work: Work) -> bool:
        """Tell whether a request was alone in hand at too many crashes."""
        return self._suspects.get(_key(work.bundle), {}).get(_request(work), 0) >= CRASHES_BEFORE_HELD

    def note_in_hand(self, works: Sequence[Work]) -> None:
        """Write down what is about to be run; not synced: it tells about crashes of the process, not of the machine.

        {"bundles": {bundle: {request: crashes}}, "alone": [bundle, request] or null}
        """
        bundles = self._suspects | {key: self._suspects.get(key, {}) for key in (_key(work.bundle) for work in works)}
        alone = [_key(works[0].bundle), _request(works[0])] if len(works) == 1 else None
        data = json.dumps({"bundles": bundles, "alone": alone}).encode("ascii")
        # Shortened first: a process that ends in between leaves a file that says nothing, never a mixture.
        self._disk.truncate(self._hand, 0)
        self._disk.write(self._hand, data, 0)
        self._noted = True

    def done(self, work: Work) -> None:
        """Note that a request was answered; after the last one of its bundle the file is removed."""
        bundle = work.bundle
        bundle.left -= 1
        if bundle.left == 0:
            remove_drop(self._folder / bundle.lane, bundle.name, disk=self._disk)
            self._open[bundle.lane].discard(bundle.name)
            self._suspects.pop(_key(bundle), None)
            self._metrics.bundles[bundle.lane, "done"].inc()

    def clear_in_hand(self) -> None:
        """Note that nothing is in hand (idle, or an orderly stop)."""
        if self._noted:
            self._disk.truncate(self._hand, 0)
            self._noted = False

    def _next(self, lane: str) -> DropName | None:
        listed = self._listed[lane]
        if not listed:
            most = MOST_LISTED + len(self._open[lane])
            names, strange = list_drop(self._folder / lane, most=most, disk=self._disk)
            for name in strange:
                self._put_aside(lane, name, "name outside the grammar")
            listed.extend(name for name in names if name not in self._open[lane])
        return listed.popleft() if listed else None

    def _opened(self, lane: str, name: DropName) -> list[Work]:
        now_ms = self._clock.now_ms()
        try:
            data = read_drop(self._folder / lane, name, limit=MAX_BUNDLE_BYTES, disk=self._disk)
            verified = verify_bundle(data, lane=lane, trust=self._trust, now_ms=now_ms)
        except FileNotFoundError:
            return []
        except Unavailable as error:
            # It stays and is tried again; one file that cannot be read does not stop the others.
            self._log.warn("bundle_not_readable", lane=lane, reason=error.private)
            return []
        except PeerError as error:
            self._put_aside(lane, str(name), error.private)
            return []
        bundle = OpenBundle(lane, name, verified.hops, len(verified.requests))
        self._open[lane].add(name)
        return [Work(request, bundle, now_ms) for request in verified.requests]

    def _put_aside(self, lane: str, name: str, reason: str) -> None:
        """Move a file to the quarantine, from which nothing is released; a full quarantine takes no more, so it goes.

        A name that is not ours says nothing to us and may say anything to others: it is neither logged nor kept.
        """
        self._metrics.bundles[lane, "quarantined"].inc()
        source, shown = self._folder / lane / name, name if _is_ours(name) else _STRANGE
        self._log.error("bundle_quarantined", lane=lane, file=shown, reason=reason)
        # A folder cannot come over the gap; whoever made one here did so by hand, and a few more do no harm.
        if self._put_aside_count >= MOST_PUT_ASIDE and not self._is_folder(source):
            remove_drop(self._folder / lane, name, disk=self._disk)
            return
        self._put_aside_count += 1
        target = self._quarantine / f"{lane}-{shown}"
        if self._is_there(target):
            self._doubles += 1
            target = target.with_name(f"{target.name}-{self._clock.now_ms():x}-{self._doubles}")
        with contextlib.suppress(FileNotFoundError):
            self._disk.rename(source, target)

    def _is_folder(self, path: Path) -> bool:
        try:
            return self._disk.facts(path).folder
        except OSError:
            return False

    def _is_there(self, path: Path) -> bool:
        try:
            self._disk.facts(path)
        except OSError:
            return False
        return True

    def _path(self) -> Path:
        return self._quarantine / _IN_HAND

    def _read_in_hand(self) -> dict[str, dict[str, int]]:
        """Read what was in hand when the process ended: bundles, and the crashes of their requests that ran alone."""
        try:
            data = read_drop(self._quarantine, _IN_HAND, limit=_MOST_IN_HAND, disk=self._disk)
            before = msgspec.json.decode(data, type=_InHand)
        except (FileNotFoundError, PeerError, Unavailable, msgspec.MsgspecError):
            return {}
        if before.alone is not None:
            key, request = before.alone
            crashes = before.bundles.setdefault(key, {})
            crashes[request] = crashes.get(request, 0) + 1
        return before.bundles


def _key(bundle: OpenBundle) -> str:
    return f"{bundle.lane}/{bundle.name}"


def _request(work: Work) -> str:
    return work.request.header.id.hex()


def _is_ours(name: str) -> bool:
    try:
        parse_name(name)
    except PeerError:
        return False
    return True
