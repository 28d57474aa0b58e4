"""What the core is told; read from its TOML file by `wire_formats.settings_reader`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from wire_formats.settings_reader import number

_DAY_S: Final = 24 * 3600


@dataclass(frozen=True)
class CoreSettings:
    """The core process: intake and publisher. Paths may be relative to the settings file; secrets are named, not held.

    Attributes:
        database_url: SQLAlchemy URL of the production database.
        inbox: folder with `interactive/` and `bulk/`.
        outbox: folder with `interactive/`, `bulk/` and `control/`.
        deny_drop: drop in which the CA leaves its deny list for the core.
        quarantine: folder for bundles that failed a check.
        signing_key: PEM of the core's key; signs answers and grants.
        signing_certificate: PEM of its certificate.
        trust_issuers: PEM of the machine CA.
        trust_certificates: PEM bundle of the workers', both ferry halves' and the core's certificates.
        seal_key: 32 raw bytes, private seal key for secret fields.
        pepper: 32 raw bytes mixed into every password before hashing.
        account_master_key: 32 raw bytes from which each account's draft key grows.
        desk_socket: Unix socket of the certificate desk.
        grant_life_s: how long a login lasts at most.
        items_per_commit: requests in one write transaction.
        slow_threads: threads for passwords and the desk.
        slow_waiting: password and desk work waiting at most; beyond it the user is told to try again.
        outbox_files: with more files than this in a lane of the outbox, intake waits for the ferry.
        desk_timeout_s: how long the certificate desk may take.
        applied_keep_days: how long answers are kept for replay; longer than any request may live.
    """

    database_url: str
    inbox: Path
    outbox: Path
    deny_drop: Path
    quarantine: Path
    signing_key: Path
    signing_certificate: Path
    trust_issuers: Path
    trust_certificates: Path
    seal_key: Path
    pepper: Path
    account_master_key: Path
    desk_socket: Path
    grant_life_s: int = number(28_800, least=300, most=_DAY_S)
    items_per_commit: int = number(256, least=1, most=1_024)
    slow_threads: int = number(2, least=1, most=16)
    slow_waiting: int = number(64, least=1, most=1_000)
    outbox_files: int = number(2_000, least=10, most=100_000)
    desk_timeout_s: int = number(10, least=1, most=60)
    applied_keep_days: int = number(90, least=7, most=3_660)
