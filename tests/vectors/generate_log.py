"""Writes ``log.json``, the vectors of the witnessed log: run ``python -m tests.vectors.generate_log`` after a deliberate
change of format.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.support.log_kit import LogKit, MemoryTree
from tests.support.machines import NOW_MS, pem_of
from wire_formats import lane_control, merkle
from wire_formats.tlog import tree
from wire_formats.tlog.checkpoint import checkpoint_text
from wire_formats.tlog.crossing import encode_entry, entry_leaf, statement_digest
from wire_formats.tlog.evidence import format_evidence
from wire_formats.tlog.note import format_note
from wire_formats.tlog.submission import Submission, format_submission

PATH = Path(__file__).with_name("log.json")


def make() -> dict[str, Any]:
    """Make every vector."""
    kit = LogKit()
    for count in (3, 1, 2, 5, 1):
        kit.cross(count)
    kit.cross(1, direction="outbound")
    small = MemoryTree([merkle.leaf_hash(bytes([number])) for number in range(7)])
    head = kit.note(cosigned=False)
    signature = kit.low.suite.from_note(head.signatures[0].value)
    checkpoint = kit.checkpoint()
    proof = tuple(tree.consistency_path(4, 6, kit.tree.node))
    message = lane_control.TreeHead(1, kit.origin.base, 6, checkpoint.root, signature, 4, proof, NOW_MS)
    return {
        "now_ms": NOW_MS,
        "issuer_pem": kit.authority.pem.decode(),
        "machines_pem": {
            name: pem_of(key).decode()
            for name, key in (("low", kit.low), ("high", kit.high), ("worker", kit.worker), ("core", kit.core))
        },
        "tree_of_seven": {
            "entries": [bytes([number]).hex() for number in range(7)],
            "nodes": b"".join(small.stored).hex(),
            "roots": [small.root(size).hex() for size in range(8)],
            "inclusion_of_5_in_7": [step.hex() for step in tree.inclusion_path(5, 7, small.node)],
            "consistency_of_3_and_7": [step.hex() for step in tree.consistency_path(3, 7, small.node)],
        },
        "entries": [encode_entry(entry).hex() for entry in kit.entries],
        "leaves": [entry_leaf(encode_entry(entry)).hex() for entry in kit.entries],
        "statement_digests": [statement_digest(entry.statement).hex() for entry in kit.entries],
        "nodes": b"".join(kit.tree.stored).hex(),
        "checkpoint_text": checkpoint_text(checkpoint),
        "checkpoint": format_note(kit.note()).decode(),
        "submission": format_submission(Submission(4, proof, head)).decode(),
        "tree_head": lane_control.sign_control(message, kit.low).hex(),
        "cosignature": lane_control.sign_control(
            lane_control.Cosignature(
                1, kit.origin.base, 6, checkpoint.root, NOW_MS // 1000, kit.note().signatures[1].value[8:], NOW_MS
            ),
            kit.high,
        ).hex(),
        "tree_refused": lane_control.sign_control(lane_control.TreeRefused(1, 6, "old_size", NOW_MS), kit.high).hex(),
        "evidence_of_request": format_evidence(kit.evidence(3, 4)).decode(),
        "evidence_of_answer": format_evidence(kit.evidence(5, 0)).decode(),
        "evidence_of_crossing": format_evidence(kit.evidence(1)).decode(),
    }


if __name__ == "__main__":
    PATH.write_text(json.dumps(make(), ensure_ascii=False, indent=1, sort_keys=True) + "\n", encoding="utf-8")
