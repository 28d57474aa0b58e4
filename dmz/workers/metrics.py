"""What a worker counts. Labels are bounded: lanes, services of the catalogue, named results."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class WorkerMetrics:
    """Counters of one worker process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.requests = Counter(
            "dmz_worker_requests_total", "requests sent to the core", ["service", "result"], registry=registry
        )
        self.answer_seconds = Histogram(
            "dmz_worker_answer_seconds", "from submit to the answer of a query", buckets=_SECONDS, registry=registry
        )
        self.bundle_items = Histogram(
            "dmz_worker_bundle_items", "requests in one bundle", ["lane"], buckets=_SIZES, registry=registry
        )
        self.resent = Counter("dmz_worker_resent_total", "unanswered transactions sent again", registry=registry)
        self.commit_writes = Histogram(
            "dmz_worker_commit_writes", "writes that shared one COMMIT", buckets=_SIZES, registry=registry
        )
        self.answers = Counter(
            "dmz_worker_answers_total", "answers by what became of them", ["result"], registry=registry
        )
        self.quarantined = Counter("dmz_worker_quarantined_total", "inbox files moved aside", registry=registry)
        self.outbox_files = Gauge("dmz_worker_outbox_files_total", "files in the outbox", ["lane"], registry=registry)
        self.under_way = Gauge("dmz_worker_under_way_total", "unanswered requests", ["kind"], registry=registry)
        self.logins = Counter("dmz_worker_logins_total", "logins by result", ["result"], registry=registry)
        self.workbooks = Counter(
            "dmz_worker_workbooks_total", "uploaded workbooks by result", ["result"], registry=registry
        )
        self.workbook_rows = Counter(
            "dmz_worker_workbook_rows_total", "rows read by result", ["result"], registry=registry
        )
