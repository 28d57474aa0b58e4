"""Settings of the `ca` role; read by `wire_formats.settings_reader`, unknown keys are refused.

Secrets are named by path only: key files, their passphrase and the pepper must have mode 0600.

Source: DESIGN "Settings"; research/pki.md sections 5 and 7.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from wire_formats.settings_reader import number


@dataclass(frozen=True, slots=True)
class CaSettings:
    """What one authority needs.

    Attributes:
        database: SQLAlchemy URL of the ledger.
        pepper_file: at least 32 octets that must not be in the database's backups.
        issuing_folder: `<authority>.key.pem` and `<authority>.chain.pem` of each authority.
        issuing_passphrase_file: opens the issuing keys; first line.
        deny_key: key of the machine with role `ca_deny`.
        deny_certificate: its certificate.
        deny_drop: the core's control outbox.
        deny_copy: the drop in which the core itself reads the deny list.
        socket: Unix socket of the desk; its folder is open to the core's user only.
        crl_folder: where revocation lists are written.
        issuing: names of the authorities this process signs for.
        code_days: how long a verification code can be used after printing, in days.
        heartbeat_s: longest silence of the deny list, in seconds.
        snapshot_s: how often the whole deny list is published, in seconds.
        look_ms: how often the ledger is asked for revocations made elsewhere.
        crl_s: how often the revocation lists are written, in seconds.
        desk_connections: open connections at the desk.
        desk_waiting: questions that may wait for the one working thread.
        desk_idle_s: a connection without a question is closed after this.
        shards: shards of the revocation list, kept in the serial number.
    """

    database: str
    pepper_file: Path
    issuing_folder: Path
    issuing_passphrase_file: Path
    deny_key: Path
    deny_certificate: Path
    deny_drop: Path
    deny_copy: Path
    socket: Path
    crl_folder: Path
    issuing: tuple[str, ...] = ("issuing_persons", "issuing_machines")
    code_days: int = number(60, least=1, most=366)
    heartbeat_s: int = number(5, least=1, most=600)
    snapshot_s: int = number(300, least=10, most=86_400)
    look_ms: int = number(250, least=50, most=10_000)
    crl_s: int = number(3600, least=10, most=86_400)
    desk_connections: int = number(16, least=1, most=256)
    desk_waiting: int = number(64, least=1, most=1024)
    desk_idle_s: int = number(60, least=1, most=3600)
    shards: int = number(1, least=1, most=64)
