"""What one worker is told; read from its own TOML file by ``wire_formats.settings_reader``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from wire_formats.settings_reader import number

_DAY_S = 24 * 3600


@dataclass(frozen=True)
class WorkerSettings:
    """One worker process. Paths may be relative to the settings file; keys and certificates are named, not held.

    Attributes:
        name: Worker name, for example ``worker-1``; answers come to ``inbox/<name>/``.
        socket: Unix socket on which the edges reach this worker.
        exchange_url: SQLAlchemy URL of the exchange database.
        outbox: Folder with ``interactive/`` and ``bulk/``.
        inbox: Folder with one folder per worker.
        signing_key: PEM of the worker's key.
        signing_certificate: PEM of its certificate.
        trust_issuers: PEM of the machine CA.
        trust_certificates: PEM bundle of the core's, both ferry halves' and the deny key's certificates.
        high_half_key: 32 raw bytes, the high half's public seal key.
        core_key: 32 raw bytes, the core's public seal key for secret fields.
        quarantine: Folder for inbox files that failed a check.
        session_idle_s: A session ends after this time without activity.
        session_absolute_s: A session ends after this time in any case.
        sessions_per_account: Live sessions of one account; the oldest goes.
        answer_wait_ms: How long a page waits for the answer to a query.
        query_life_s: After this the core refuses a query.
        transaction_life_s: After this the core refuses a transaction; until then it is resent.
        result_keep_s: How long a transaction's trace and sealed answer stay here after it is over.
        resend_first_ms: First pause before an unanswered transaction is sent again; doubles each time.
        resend_most_ms: Longest such pause.
        outbox_files: More files than this in a lane of the outbox: the ferry is behind, users wait.
        per_session: Requests of one session under way.
        per_account: Requests of one account under way.
        per_unit: Requests of one unit, community or person under way: queries at this worker, transactions and chunks
            of workbooks at all workers.
        per_worker: Requests of this worker under way.
        bundle_wait_us: How long the first request waits for company while the bundler is busy, microseconds.
        drafts_per_account: Live drafts of one account.
        draft_bytes: Size of one draft, sealed.
        draft_keep_s: Life of a draft after its last change.
        draft_undo_s: How long a deleted draft can be restored.
        uploads_under_way: Workbooks of one account under way.
        batch_same_s: The same file within this time is the same batch.
        batch_keep_s: How long a batch and its failed rows are kept.
        login_failures: Failed logins per certificate or address before a pause.
        login_window_s: Within this time.
        login_pause_s: The pause.
        sweep_s: How often old rows are removed.
    """

    name: str
    socket: Path
    exchange_url: str
    outbox: Path
    inbox: Path
    signing_key: Path
    signing_certificate: Path
    trust_issuers: Path
    trust_certificates: Path
    high_half_key: Path
    core_key: Path
    quarantine: Path
    session_idle_s: int = number(1_800, least=60, most=_DAY_S)
    session_absolute_s: int = number(28_800, least=300, most=_DAY_S)
    sessions_per_account: int = number(5, least=1, most=50)
    answer_wait_ms: int = number(8_000, least=100, most=60_000)
    query_life_s: int = number(120, least=10, most=3_600)
    transaction_life_s: int = number(_DAY_S, least=60, most=3 * _DAY_S)
    result_keep_s: int = number(14 * _DAY_S, least=3_600, most=366 * _DAY_S)
    resend_first_ms: int = number(5_000, least=200, most=600_000)
    resend_most_ms: int = number(300_000, least=1_000, most=3_600_000)
    outbox_files: int = number(200, least=1, most=100_000)
    per_session: int = number(20, least=1, most=10_000)
    per_account: int = number(200, least=1, most=100_000)
    per_unit: int = number(400, least=1, most=100_000)
    per_worker: int = number(5_000, least=1, most=1_000_000)
    bundle_wait_us: int = number(2_000, least=0, most=100_000)
    drafts_per_account: int = number(50, least=1, most=1_000)
    draft_bytes: int = number(64 * 1024, least=1_024, most=1_048_576)
    draft_keep_s: int = number(60 * _DAY_S, least=3_600, most=366 * _DAY_S)
    draft_undo_s: int = number(_DAY_S, least=60, most=30 * _DAY_S)
    uploads_under_way: int = number(5, least=1, most=100)
    batch_same_s: int = number(_DAY_S, least=60, most=366 * _DAY_S)
    batch_keep_s: int = number(30 * _DAY_S, least=3_600, most=366 * _DAY_S)
    login_failures: int = number(10, least=1, most=1_000)
    login_window_s: int = number(900, least=10, most=_DAY_S)
    login_pause_s: int = number(300, least=10, most=_DAY_S)
    sweep_s: int = number(60, least=1, most=3_600)
