"""One half's own log over a real folder and journal, and the other half's witness beside it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ferry.journal import Journal
from ferry.witness.keeper import LogKeeper
from ferry.witness.material import headers_of, material_of
from ferry.witness.own_log import OwnLog
from ferry.witness.peer import PeerLog
from ferry.witness.queue import Leaf, LeafQueue
from tests.support.log_disk import QuickDisk
from tests.support.log_kit import LogKit, entry_of
from tests.support.machines import NOW_MS
from wire_formats.bundle import Bundle
from wire_formats.collaborators import Disk
from wire_formats.lane_control import Cosignature, TreeRefused
from wire_formats.tlog.crossing import encode_entry

QUICK = QuickDisk()


class Logs:
    """The low half's log and the high half's view of it.

    Args:
        root: a folder.
        kit: keys and crossings.
    """

    def __init__(self, root: Path, kit: LogKit | None = None, *, most_leaves: int = 1 << 20) -> None:
        self.root = root
        self.kit = kit or LogKit()
        self.low = LogKeeper("ferry_low", "ferry_low", self.kit.low, self.kit.trust, "ferry_high")
        self.high = LogKeeper("ferry_high", "ferry_high", self.kit.high, self.kit.trust, "ferry_low")
        self.most_leaves = most_leaves
        self.logged: list[bytes] = []
        self.now_s = 1000.0
        self.journal: Journal
        self.queue: LeafQueue
        self.own: OwnLog
        self.peer: PeerLog

    def start(self, disk: Disk = QUICK) -> Logs:
        self.open_journal()
        self.open_log(disk)
        self.open_peer()
        return self

    def open_journal(self) -> None:
        self.journal = Journal(self.root / "journal.sqlite", keep_rows=1000)
        self.queue = LeafQueue(self.journal)

    def open_log(self, disk: Disk = QUICK) -> None:
        self.own = OwnLog(self.low, self.queue, self.folder, disk, most_leaves=self.most_leaves, headers_kept=2)
        self.own.start()

    def open_peer(self, disk: Disk = QUICK) -> None:
        self.peer = PeerLog(self.high, self.root / "high", disk)
        self.peer.start()

    @property
    def folder(self) -> Path:
        return self.root / "low"

    def add(self, bundle: Bundle | None = None) -> bytes:
        """Let one more bundle cross; its leaf waits in the open group."""
        bundle = bundle or self.kit.cross()
        entry = encode_entry(entry_of(bundle))
        self.queue.add(Leaf(entry, material_of(bundle.seals, bundle.items), headers_of(bundle.items)))
        self.logged.append(entry)
        return entry

    def cross(self, what: int | Sequence[Bundle] = 1) -> None:
        """Let so many, or these, cross, and commit."""
        for bundle in [None] * what if isinstance(what, int) else what:
            self.add(bundle)
        self.journal.commit()

    def settle(self) -> None:
        while self.own.move() or self.own.unsealed:
            if self.own.unsealed:
                self.own.barrier()()
                self.own.seal()

    def exchange(self) -> Cosignature | TreeRefused | None:
        """Show the present checkpoint to the witness and take in what it says."""
        self.now_s += 100
        head = self.own.head_to_send(self.now_s, NOW_MS)
        if head is None:
            return None
        reply = self.peer.offered(head, now_ms=NOW_MS)
        if (barrier := self.peer.barrier()) is not None:
            barrier()
            self.peer.synced(self.peer.known)
        if isinstance(reply, Cosignature):
            self.own.cosigned(reply)
        else:
            self.own.told(reply)
        return reply

    def second(self) -> Cosignature | TreeRefused | None:
        self.settle()
        return self.exchange()

    def stop(self) -> None:
        self.own.close()
        self.peer.close()
        self.journal.close()

    def written(self, number: int = 1) -> list[bytes]:
        """The entries in a log's file."""
        data = (self.folder / f"log-{number:06d}" / "entries").read_bytes()
        assert len(data) % 240 == 0
        return [data[at : at + 240] for at in range(0, len(data), 240)]
