"""What must hold while a schedule runs: nothing is forgotten between two folders, nothing altered passes, bounds hold.

The watchers see every file that gets or loses its name, and nothing of what the product thinks.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from ferry.lane.checks import LaneId
from tests.simulation.carrier import Carrier, Lost
from tests.simulation.media_lane import MEDIA
from tests.simulation.processes import CORE, DMZ
from tests.simulation.world import World
from wire_formats import cbor
from wire_formats.answer import parse_answer_header
from wire_formats.bundle import Bundle, parse_bundle
from wire_formats.drop import TEMPORARY
from wire_formats.errors import PeerError
from wire_formats.request import parse_header

#: Heartbeats come every second; the carrier, the reader and the journal need their time as well.
NOTICED_S: Final = 2.0
REPAIRED_S: Final = 5.0
_OUTBOXES: Final = (f"{DMZ}/outbox/", f"{CORE}/outbox/")
_SPOOLS: Final = (f"{DMZ}/low/spool/", f"{CORE}/high/spool/")
_ASIDE: Final = (f"{DMZ}/low/quarantine/", f"{CORE}/high/quarantine/")
_INBOXES: Final = (f"{CORE}/inbox/", f"{DMZ}/inbox/")
_ARRIVED: Final = tuple(f"{folder}/in/" for folder in MEDIA.values())
_CORE_ASIDE: Final = f"{CORE}/quarantine/"


@dataclass
class Conservation:
    """Whatever leaves a folder is somewhere else: on its way, delivered, answered, or set aside with a reason.

    By request id, separately for requests and answers.
    """

    world: World
    headers: dict[tuple[str, bytes], set[bytes]] = field(default_factory=dict)
    safe: set[tuple[str, bytes]] = field(default_factory=set)
    spooled: Counter[tuple[str, bytes]] = field(default_factory=Counter)
    inside: dict[str, list[tuple[str, bytes]]] = field(default_factory=dict)
    #: Sees every file that gets its name, too.
    also: Callable[[str, str, bytes], None] = lambda _process, _path, _content: None

    def listen(self) -> None:
        self.world.mounts.on_rename = self.renamed
        self.world.mounts.on_unlink = self.unlinked
        self.world.on_power = self.after_power

    def renamed(self, process: str, path: str, content: bytes) -> None:
        self.world.gap_changed(path)
        self.also(process, path, content)
        if not path.endswith(".bundle"):
            return
        if path.startswith(_OUTBOXES) and process in ("worker", "core"):
            for key, header in _ids(content):
                known = self.headers.setdefault(key, set())
                known.add(header)
                if len(known) > 1:
                    self.world.trace.fault(f"{process} sends another {key[0]} under the same id {key[1].hex()[:8]}")
        elif path.startswith(_SPOOLS):
            self._spool(path, content)
        elif path.startswith(_ASIDE):
            self.safe.update(key for key, _ in _ids(content) or _item(content))
        elif path.startswith(_INBOXES):
            self._delivered(path, content)

    def unlinked(self, process: str, path: str, content: bytes) -> None:
        if not path.endswith(".bundle") or process not in ("low", "high"):
            return
        if path.startswith(_SPOOLS):
            keys = self.inside.pop(path, [])
            self.spooled.subtract(keys)
        elif path.startswith(("/proc/sim/gap", *_OUTBOXES, *_ARRIVED)):
            keys = [key for key, _ in _ids(content)]
        else:
            return
        for key in keys:
            if key not in self.safe and self.spooled[key] <= 0 and not self._full():
                self.world.trace.fault(f"{process} removes {path} and forgets the {key[0]} {key[1].hex()[:8]}")

    def by_hand(self, path: str) -> None:
        """Somebody removed a file that was not his: from now on only the two ends can bring it again."""
        keys = self.inside.pop(path, [])
        self.spooled.subtract(keys)
        self.safe.update(keys)

    def after_power(self, device: str) -> None:
        """What the disk lost is not in the spool any more."""
        disk = self.world.disks[device]
        for path in list(self.inside):
            if path.startswith(f"/proc/sim/{device}/"):
                folder, name = path.rsplit("/", 1)
                inode = disk.folders[folder].get(name)
                found = [] if inode is None else [key for key, _ in _ids(bytes(inode.content))]
                if found != self.inside[path]:  # gone, torn, or what the file held before
                    self.by_hand(path)

    def _spool(self, path: str, content: bytes) -> None:
        if "/answers-" in path:
            for key, header in _ids(content):
                self.headers.setdefault(key, set()).add(
                    header
                )  # written by the high half itself: it answers what it rejects
                self.safe.add(("request", key[1]))
        keys = [key for key, _ in _ids(content)]
        if not keys:
            self.world.trace.fault(f"a spool holds no bundle: {path}")
        self.spooled.subtract(self.inside.pop(path, []))
        self.inside[path] = keys
        self.spooled.update(keys)

    def _delivered(self, path: str, content: bytes) -> None:
        found = _ids(content)
        if not found:
            self.world.trace.fault(f"no bundle was delivered as {path}")
        for key, header in found:
            self.safe.add(key)
            if header not in self.headers.get(key, ()):
                self.world.trace.fault(f"altered or unknown {key[0]} {key[1].hex()[:8]} delivered as {path}")

    def _full(self) -> bool:
        limit = self.world.bounds.ferry.quarantine_files
        for root in _ASIDE:
            for kind in ("quarantined", "held"):
                disk = self.world.disks[root.split("/")[3]]
                names = disk.folders.get(f"{root}{kind}", {})
                if sum(name.endswith(".bundle") for name in names) >= limit:
                    return True
        return False


@dataclass
class LossWatch:
    """A lost bundle is noticed and repaired in time, unless something else happened meanwhile."""

    world: World
    carrier: Carrier
    noticed: int = 0
    repaired: int = 0
    _seen: int = 0

    def look(self) -> None:
        """Called every now and then: each loss gets its two appointments."""
        lost, self._seen = self.carrier.lost[self._seen :], len(self.carrier.lost)
        for one in lost:
            self.world.scheduler.at(one.at + NOTICED_S, lambda one=one: self._noticed(one))  # type: ignore[misc]
            self.world.scheduler.at(one.at + REPAIRED_S, lambda one=one: self._repaired(one))  # type: ignore[misc]

    def _quiet(self, one: Lost) -> bool:
        return self.world.disturbed_s < one.at - 2 * NOTICED_S and not self._lost_again(one)

    def _lost_again(self, one: Lost) -> bool:
        return any(other.name == one.name and other.at > one.at for other in self.carrier.lost)

    def _inbox(self, one: Lost) -> Any:
        half = self.world.roles["high" if one.direction == "inbound" else "low"].running
        return half.half._receivers[LaneId(one.direction, one.lane)].inbox if half is not None else None

    def _noticed(self, one: Lost) -> None:
        inbox = self._inbox(one)
        if inbox is None or not self._quiet(one):
            return
        self.noticed += 1
        if inbox.epoch == one.name.epoch and inbox.mark < one.name.sequence or inbox.epoch < one.name.epoch:
            self.world.trace.fault(f"lost {one.direction} {one.lane} {one.name.sequence} not noticed in {NOTICED_S} s")

    def _repaired(self, one: Lost) -> None:
        inbox = self._inbox(one)
        if inbox is None or not self._quiet(one):
            return
        self.repaired += 1
        missing = inbox.epoch == one.name.epoch and one.name.sequence in inbox.gaps(most=4096)
        if missing:
            self.world.trace.fault(
                f"lost {one.direction} {one.lane} {one.name.sequence} not repaired in {REPAIRED_S} s"
            )


def check_bounds(world: World) -> None:
    """No queue, spool, folder or table grows beyond what it was given."""
    limits = world.bounds.ferry
    for name in ("low", "high"):
        running = world.roles[name].running
        if running is None:
            continue
        for lane, station in running.half._senders.items():
            _bounded(world, f"{name} unacknowledged {lane}", len(station.sender.outbox), limits.credits)
            folder = str(station.sender._spool._folder)
            _bounded(world, f"{name} spool {lane}", _files(world, folder), 2 * limits.credits)
        for kind in ("quarantined", "held"):
            folder = f"{DMZ if name == 'low' else CORE}/{name}/quarantine/{kind}"
            _bounded(world, f"{name} {kind}", _files(world, folder), 2 * limits.quarantine_files + 2)
    for lane in ("interactive", "bulk"):
        _bounded(world, f"core inbox {lane}", _files(world, f"{CORE}/inbox/{lane}"), limits.core_inbox_files)
        outbox = world.bounds.worker.get("outbox_files", 200) + 64
        _bounded(world, f"outbox {lane}", _files(world, f"{DMZ}/outbox/{lane}"), outbox)
    _bounded(world, "worker inbox", _files(world, f"{DMZ}/inbox/worker-1"), limits.worker_inbox_files + 64)
    for half in ("inbound", "outbound"):
        for root in set(world.gap):
            _bounded(world, f"control {half}", _files(world, f"{root}/{half}/control"), 4 * 64 + 8)


def _bounded(world: World, what: str, size: int, most: int) -> None:
    if size > most:
        world.trace.fault(f"{what}: {size}, more than {most}")


def _files(world: World, folder: str) -> int:
    if folder.split("/")[3] in world.cut:
        return 0
    names = world.disks[folder.split("/")[3]].folders.get(folder, {})
    return sum(name != TEMPORARY for name in names)


def _item(content: bytes) -> list[tuple[tuple[str, bytes], bytes]]:
    """Key and header of a single request that was set aside."""
    with contextlib.suppress(PeerError, TypeError, ValueError, LookupError):
        item: Any = cbor.decode(content, max_depth=2)
        return [(("request", parse_header(item[0]).id), item[0])]
    return []


def _ids(content: bytes) -> list[tuple[tuple[str, bytes], bytes]]:
    """Keys and header bytes of a bundle's items; nothing for what is no bundle."""
    with contextlib.suppress(PeerError):
        bundle: Bundle = parse_bundle(content)
        if bundle.direction == "inbound":
            return [(("request", parse_header(item.header).id), item.header) for item in bundle.items]
        return [(("answer", parse_answer_header(item.header).request_id), item.header) for item in bundle.items]
    return []
