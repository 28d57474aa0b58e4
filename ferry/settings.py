"""Settings of the two halves; one TOML table each.

Every limit has a default that fits one machine; every path is required.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ferry.acts.settings import ActsSettings
from ferry.media.settings import MediaSettings
from ferry.transports.diode.settings import DiodeSettings
from wire_formats.settings_reader import number
from wire_formats.tlog.checkpoint import MOST_LEAVES


@dataclass(frozen=True)
class FerryLimits:
    """The bounds of one half (table ``limits``).

    Attributes:
        credits: bundles per lane that may be unacknowledged; below the receiver's window of 4096.
        spool_bytes: bytes per lane that may be unacknowledged.
        quarantine_files: bundles kept in the quarantine, and held, each.
        quarantine_bytes: their bytes, each.
        worker_inbox_files: files that may wait in one worker's inbox (low half).
        core_inbox_files: files that may wait in one lane of the core's inbox (high half).
        journal_rows: crossings kept in the journal.
        give_up_tries: after so many tries a crossing the receiver still misses is held.
        interactive_share: weight of interactive lanes against bulk lanes.
        bulk_share: weight of bulk lanes.
        notice_copies: how often a deny-list notice is sent.
        one_way_keep_s: without a way back, how long at least a bundle is kept that nobody confirmed.
        log_leaves: crossings of one log; then the next one begins.
        headers_kept: for how many logs the high half keeps the headers of requests and answers; 0 keeps none.
    """

    credits: int = number(1024, least=1, most=4096)
    spool_bytes: int = number(512 << 20, least=4 << 20, most=1 << 40)
    quarantine_files: int = number(1000, least=1, most=100_000)
    quarantine_bytes: int = number(512 << 20, least=4 << 20, most=1 << 40)
    worker_inbox_files: int = number(20_000, least=1, most=1_000_000)
    core_inbox_files: int = number(20_000, least=1, most=1_000_000)
    journal_rows: int = number(1_000_000, least=1000, most=1_000_000_000)
    give_up_tries: int = number(12, least=2, most=1000)
    interactive_share: int = number(4, least=1, most=100)
    bulk_share: int = number(1, least=1, most=100)
    notice_copies: int = number(3, least=1, most=10)
    one_way_keep_s: int = number(86_400, least=60, most=31_536_000)
    log_leaves: int = number(MOST_LEAVES, least=4, most=MOST_LEAVES)
    headers_kept: int = number(4, least=0, most=1_000_000)


DIRECTORY: Final = "directory"
DIODE: Final = "diode"
MEDIA: Final = "media"


@dataclass(frozen=True)
class TransportSettings:
    """How the two halves are joined (table ``transport``); both halves need the same kind.

    Attributes:
        kind: directory (``gap_inbound``, ``gap_outbound``), diode (UDP, one way each) or media (the table ``media``).
        diode: the links, when the kind is diode.
        one_way: nothing comes back: requests cross, answers and acknowledgements do not (``ferry.one_way``).
    """

    kind: str = field(default=DIRECTORY, metadata={"choices": (DIRECTORY, DIODE, MEDIA)})
    diode: DiodeSettings | None = None
    one_way: bool = False

    def __post_init__(self) -> None:
        """Refuse a diode without its addresses.

        Raises:
            ValueError: the table ``transport.diode`` is missing.
        """
        if self.kind == DIODE and self.diode is None:
            raise ValueError("transport.kind is diode, and the table transport.diode is missing")


@dataclass(frozen=True, kw_only=True)
class HalfSettings:
    """What both halves are told.

    Attributes:
        signing_key: PEM of the half's private key.
        signing_certificate: PEM of its certificate; its machine name is the sender of its files.
        trust_issuers: PEM file with the issuing certificates of machines.
        trust_machines: PEM file with the machines' certificates (workers, core, both halves, CA's deny key).
        gap_inbound: folder of the directory transport towards the core; the low half sends into it.
        gap_outbound: folder of the directory transport towards the DMZ; the high half sends into it.
        journal: the journal's file.
        spool: folder of unacknowledged bundles, and of answers the high half wrote.
        quarantine: folder of bundles that may not pass.
        status: JSON file for ``ferrygate status``.
        crossings: folder of the witnessed log; ``crossings`` beside the journal when not named.
        workers: names of the workers; all workers with a known certificate when empty.
        media: what media need; without it the half has none.
        acts: whose acts the half believes; without it no held bundle is released and no lane paused.
        transport: what joins the halves.
        limits: the bounds.
    """

    signing_key: Path
    signing_certificate: Path
    trust_issuers: Path
    trust_machines: Path
    gap_inbound: Path
    gap_outbound: Path
    journal: Path
    spool: Path
    quarantine: Path
    status: Path
    crossings: Path | None = None
    workers: tuple[str, ...] = ()
    media: MediaSettings | None = None
    acts: ActsSettings | None = None
    transport: TransportSettings = TransportSettings()
    limits: FerryLimits = FerryLimits()

    @property
    def crossings_folder(self) -> Path:
        """Where the witnessed log lies."""
        return self.crossings or self.journal.parent / "crossings"


@dataclass(frozen=True, kw_only=True)
class LowSettings(HalfSettings):
    """The low half, on the DMZ's side.

    Attributes:
        dmz_outbox: drop of the workers, with a folder per lane.
        dmz_inbox: folder of the workers' inboxes.
        dmz_notices: where deny-list notices are put for the edges.
    """

    dmz_outbox: Path
    dmz_inbox: Path
    dmz_notices: Path


@dataclass(frozen=True, kw_only=True)
class HighSettings(HalfSettings):
    """The high half, on the core's side.

    Attributes:
        inspector: the inspector's Unix socket; it has the key that opens requests, this half has not.
        core_inbox: drop of the core's intake, with a folder per lane.
        core_outbox: drop of the core's publisher, with a folder per lane and ``control`` for notices.
    """

    inspector: Path
    core_inbox: Path
    core_outbox: Path


@dataclass(frozen=True)
class InspectorSettings:
    """The inspector.

    Attributes:
        seal_key: 32 raw bytes: opens what workers sealed to the core's side.
        socket: where it listens for the high half; its folder is closed to everybody else.
        clamd: clamd's Unix socket; where it is named nothing passes that was not scanned.
        scan_deadline_ms: how long one scan may take.
        scan_bytes: most that is scanned of one request; a larger one is refused.
    """

    seal_key: Path
    socket: Path
    clamd: Path | None = None
    scan_deadline_ms: int = number(3_000, least=100, most=3_000)
    scan_bytes: int = number(2 << 20, least=1 << 10, most=8 << 20)
