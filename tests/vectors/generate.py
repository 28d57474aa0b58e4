"""Writes ``golden.json``: run ``python -m tests.vectors.generate`` after a deliberate change of format.

ECDSA signatures differ at every run, so the committed file is the reference; the test checks that
today's code and an independent implementation both accept it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization

from tests.support.machines import NOW_MS, MachineAuthority, pem_of
from tests.support.wire_samples import HIGH_HALF, SESSION, WAGE_BODY, answer_item
from wire_formats import bundle, deny_list, grant, ids, lane_control, request, seal
from wire_formats.canonical import encode_json
from wire_formats.suites import SigningKey

PATH = Path(__file__).with_name("golden.json")


def _machine(key: SigningKey) -> dict[str, str]:
    public = key.certificate.public_bytes(serialization.Encoding.DER)
    return {"certificate_der": public.hex(), "kid": key.kid.hex(), "certificate_pem": pem_of(key).decode()}


def make() -> dict[str, Any]:
    """Make every vector."""
    authority = MachineAuthority("Golden machines")
    machines = {
        name: authority.machine(role, name)
        for role, name in (
            ("worker", "worker-1"),
            ("ferry_low", "ferry-low"),
            ("ferry_high", "ferry-high"),
            ("core", "core"),
            ("ca_deny", "ca-deny"),
        )
    }
    granted = grant.Grant(
        bytes(range(16)),
        "42010200001",
        "unit",
        "42010200001",
        bytes(range(32)),
        ("wage.declare", "unit.profile"),
        NOW_MS,
        NOW_MS + 1,
        "420102",
    )
    grant_bytes = grant.sign_grant(granted, machines["core"])
    salt = bytes(range(16))
    body = encode_json(WAGE_BODY)
    content, digest = request.make_content(body, salt)
    header = request.RequestHeader(
        id=bytes(range(16)),
        service="wage.declare",
        version=1,
        lane="interactive",
        window="unit",
        created_ms=NOW_MS,
        expires_ms=NOW_MS + 120_000,
        certificate=bytes(range(32)),
        grant=grant_bytes,
        reply_to="worker-1",
        reply_key=SESSION.public.raw,
        body_digest=digest,
        batch=request.Batch(bytes(range(16)), 2, 20),
    )
    header_bytes = request.encode_header(header)
    sealed = request.seal_content(content, header_bytes, HIGH_HALF.public)
    item = bundle.Item(header_bytes, sealed)
    outer = bundle.SealStream("inbound", "interactive", NOW_MS).seal(
        bundle.new_bundle("inbound", [item, item]), machines["worker-1"], now_ms=NOW_MS, tracked=True
    )
    outer = bundle.SealStream("inbound", "interactive", NOW_MS + 1).seal(
        outer, machines["ferry-low"], now_ms=NOW_MS + 1
    )
    reply = answer_item(header.id, b'{"answer":{},"errors":[],"hops":{}}')
    outbound = bundle.SealStream("outbound", "interactive", NOW_MS).seal(
        bundle.new_bundle("outbound", [reply]), machines["core"], now_ms=NOW_MS
    )
    increment = deny_list.DenyIncrement(1, deny_list.FIRST, NOW_MS, full=True, serials=(5, 1 << 119), size=2)
    low = machines["ferry-low"]
    return {
        "now_ms": NOW_MS,
        "issuer_pem": authority.pem.decode(),
        "machines": {name: _machine(key) for name, key in machines.items()},
        "high_half_private": HIGH_HALF.raw.hex(),
        "session_private": SESSION.raw.hex(),
        "reference_number": {"id": bytes(range(16)).hex(), "text": ids.reference_number(bytes(range(16)))},
        "request": {
            "header": header_bytes.hex(),
            "body": body.decode(),
            "salt": salt.hex(),
            "sealed_content": sealed.hex(),
            "leaf": request.header_digest(header_bytes).hex(),
        },
        "answer": {"header": reply.header.hex(), "sealed_content": reply.content.hex()},
        "inbound_bundle": {"bytes": bundle.encode_bundle(outer).hex(), "root": outer.root().hex()},
        "outbound_bundle": {"bytes": bundle.encode_bundle(outbound).hex(), "root": outbound.root().hex()},
        "grant": grant_bytes.hex(),
        "deny_increment": deny_list.sign_increment(increment, machines["ca-deny"]).hex(),
        "heartbeat": lane_control.sign_control(
            lane_control.Heartbeat("inbound", "bulk", NOW_MS, 7, bytes(32), NOW_MS), low
        ).hex(),
        "acknowledgement": lane_control.sign_control(
            lane_control.Acknowledgement("outbound", "bulk", NOW_MS, 7, (9,), NOW_MS), low
        ).hex(),
        "progress": lane_control.sign_control(lane_control.Progress(bytes(32), "taken", NOW_MS), low).hex(),
        "sealed_secret": seal.seal_secret(HIGH_HALF.public, "Sesam 芝麻", field="password"),
    }


if __name__ == "__main__":
    PATH.write_text(json.dumps(make(), ensure_ascii=False, indent=1, sort_keys=True) + "\n", encoding="utf-8")
