"""Every metric of every role: name -> type, labels, meaning.

A name is ``<zone>_<noun>_<unit|total>``.  Labels have few, known values: never a name, a number of a
person, an address or an id.  A test compares this table with what the zones register.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Metric(NamedTuple):
    """One metric."""

    kind: str
    labels: tuple[str, ...]
    meaning: str


METRICS: Final[dict[str, Metric]] = {
    "ops_role_ready_total": Metric("Gauge", (), "1 when the process can do its work"),
    "ops_log_lost_total": Metric("Gauge", (), "log lines that could not be written"),
    "ops_background_total": Metric("Gauge", (), "pieces of background work that run now"),
    "ops_memory_bytes": Metric("Gauge", (), "resident memory of the process"),
    "dmz_edge_requests_total": Metric("Counter", ("window", "status"), "requests answered, by class of status"),
    "dmz_edge_refusals_total": Metric("Counter", ("reason",), "requests refused by the edge"),
    "dmz_edge_connections_refused_total": Metric("Counter", ("limit",), "connections closed at once"),
    "dmz_edge_handshakes_total": Metric("Counter", ("kind",), "TLS handshakes: full, resumed, failed"),
    "dmz_edge_request_seconds": Metric("Histogram", ("window",), "from the last byte of a request to its answer"),
    "dmz_edge_open_connections_total": Metric("Gauge", (), "connections open now"),
    "dmz_edge_body_memory_bytes": Metric("Gauge", (), "memory held for request bodies"),
    "dmz_edge_received_bytes": Metric("Counter", (), "request bytes, decrypted"),
    "dmz_edge_sent_bytes": Metric("Counter", (), "response bytes, before encryption"),
    "dmz_edge_deny_list_epoch_total": Metric("Gauge", (), "newest epoch of the deny list"),
    "dmz_edge_deny_list_serials_total": Metric("Gauge", (), "certificates denied"),
    "dmz_edge_deny_list_age_seconds": Metric("Gauge", (), "age of the deny list; -1: none yet"),
    "dmz_edge_deny_notices_refused_total": Metric("Counter", (), "notices that are no valid deny list"),
    "dmz_switch_requests_total": Metric("Counter", ("pool", "outcome"), "requests of the switch, by how they ended"),
    "dmz_switch_retries_total": Metric("Counter", ("pool", "why"), "requests sent to another worker"),
    "dmz_switch_workers_total": Metric("Gauge", ("pool", "state"), "workers of a pool, by state"),
    "dmz_switch_in_flight_total": Metric("Gauge", ("pool",), "requests under way at workers"),
    "dmz_switch_waiting_total": Metric("Gauge", ("pool",), "requests waiting for a place at a worker"),
    "dmz_switch_ejections_total": Metric("Counter", ("pool",), "workers ejected after errors in a row"),
    "dmz_switch_wait_seconds": Metric("Histogram", ("pool",), "time a request waited for a place"),
    "dmz_port_requests_total": Metric("Counter", ("outcome",), "requests at a worker's port, by how they ended"),
    "dmz_port_in_flight_total": Metric("Gauge", (), "requests in a worker's handler"),
    "dmz_port_connections_total": Metric("Gauge", (), "edges connected to a worker"),
    "dmz_waf_verdicts_total": Metric("Counter", ("stage", "verdict"), "the firewall's verdicts, requests and answers"),
    "dmz_waf_seconds": Metric("Histogram", (), "time the firewall took to judge a request"),
    "dmz_static_answers_total": Metric("Counter", ("status",), "answers of the static role"),
    "dmz_static_sent_bytes": Metric("Counter", (), "bytes of static files sent"),
    "dmz_worker_requests_total": Metric("Counter", ("service", "result"), "requests of a worker, by how they ended"),
    "dmz_worker_answer_seconds": Metric("Histogram", (), "from asking the core to its answer"),
    "dmz_worker_bundle_items": Metric("Histogram", ("lane",), "requests in one bundle"),
    "dmz_worker_resent_total": Metric("Counter", (), "unanswered transactions sent again"),
    "dmz_worker_commit_writes": Metric("Histogram", (), "writes that shared one COMMIT"),
    "dmz_worker_answers_total": Metric("Counter", ("result",), "answers, by what became of them"),
    "dmz_worker_quarantined_total": Metric("Counter", (), "inbox files moved aside"),
    "dmz_worker_outbox_files_total": Metric("Gauge", ("lane",), "files waiting for the ferry"),
    "dmz_worker_under_way_total": Metric("Gauge", ("kind",), "requests without an answer"),
    "dmz_worker_logins_total": Metric("Counter", ("result",), "logins, by result"),
    "dmz_worker_workbooks_total": Metric("Counter", ("result",), "uploaded workbooks, by result"),
    "dmz_worker_workbook_rows_total": Metric("Counter", ("result",), "rows of workbooks, by result of the page check"),
    "ca_signatures_total": Metric("Counter", ("profile",), "certificates signed, by profile"),
    "ca_lint_refusals_total": Metric("Counter", (), "certificates the house lint refused"),
    "ca_desk_questions_total": Metric("Counter", ("question", "outcome"), "questions at the certificate desk"),
    "ca_desk_seconds": Metric("Histogram", (), "time from a question to its answer"),
    "ca_desk_connections_total": Metric("Gauge", (), "open connections at the certificate desk"),
    "ca_wrong_codes_total": Metric("Counter", (), "wrong verification codes"),
    "ca_slips_locked_total": Metric("Counter", (), "slips locked after too many wrong codes"),
    "ca_deny_epoch_total": Metric("Gauge", (), "newest epoch of the published deny list"),
    "ca_denied_certificates_total": Metric("Gauge", (), "certificates on the deny list"),
    "ca_deny_published_seconds": Metric("Gauge", (), "when the deny list was last published, seconds since 1970"),
    "ca_deny_publish_failures_total": Metric("Counter", (), "looks at which the deny list could not be dropped"),
    "ferry_parcel_age_seconds": Metric("Histogram", ("lane", "way"), "age of a bundle when passed on"),
    "ferry_bundles_total": Metric("Counter", ("lane", "way"), "bundles passed on"),
    "ferry_items_total": Metric("Counter", ("lane", "way"), "requests and answers passed on"),
    "ferry_bundle_bytes_total": Metric("Counter", ("lane", "way"), "bytes passed on"),
    "ferry_duplicates_total": Metric("Counter", ("lane", "way"), "repeated bundles recognised"),
    "ferry_rejected_items_total": Metric("Counter", ("lane", "way"), "requests that failed inspection"),
    "ferry_resends_total": Metric("Counter", ("lane", "way"), "bundles sent again"),
    "ferry_gaps_total": Metric("Gauge", ("lane", "way"), "crossings missing now"),
    "ferry_queue_depth_total": Metric("Gauge", ("lane", "way"), "files waiting to be taken"),
    "ferry_unacknowledged_total": Metric("Gauge", ("lane", "way"), "bundles sent and not acknowledged"),
    "ferry_heartbeat_age_seconds": Metric("Gauge", ("lane", "way"), "since the other half was heard on this lane"),
    "ferry_lane_blocked_total": Metric("Gauge", ("lane", "way"), "1 while a lane cannot go on"),
    "ferry_set_aside_total": Metric("Counter", ("reason",), "bundles quarantined or held"),
    "ferry_quarantine_files_total": Metric("Gauge", (), "files in quarantine"),
    "ferry_held_files_total": Metric("Gauge", (), "held files that wait for two people"),
    "ferry_quarantine_refused_total": Metric("Counter", (), "set aside without keeping the bytes: quarantine full"),
    "ferry_bad_control_total": Metric("Counter", (), "control messages refused"),
    "ferry_notices_total": Metric("Counter", (), "deny-list notices carried"),
    "ferry_turn_failures_total": Metric("Counter", (), "steps that broke unexpectedly"),
    "ferry_turn_seconds": Metric("Histogram", (), "time of one step"),
    "core_intake_seconds": Metric("Histogram", ("group",), "handler time of one request"),
    "core_requests_total": Metric("Counter", ("status",), "requests answered, by status"),
    "core_bundles_total": Metric("Counter", ("lane", "verdict"), "bundles taken in, by lane and verdict"),
    "core_replays_total": Metric("Counter", (), "stored answers sent again"),
    "core_answers_stopped_total": Metric("Counter", (), "answers the outflow guard stopped"),
    "core_held_total": Metric("Counter", ("reason",), "requests held for a person to look at"),
    "core_commit_seconds": Metric("Histogram", (), "one write transaction of intake"),
    "core_slow_work_total": Metric("Gauge", (), "password and desk work under way"),
    "core_last_turn_seconds": Metric("Gauge", (), "last turn of the intake thread, seconds since 1970"),
    "core_intake_faults_total": Metric("Counter", (), "turns of the intake thread that failed"),
    "core_answers_total": Metric("Counter", ("lane",), "answers put into the outbox"),
}
