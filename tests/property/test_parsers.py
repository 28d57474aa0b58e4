"""Any bytes give a value or a PeerError, nothing else: for every parser of the wire.

``FUZZ_SECONDS`` in the environment makes this the long campaign; without it, it is a short one.
"""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.log_kit import LogKit
from tests.support.machines import NOW_MS, MachineAuthority
from tests.support.media_kit import HIGH_SEAL
from tests.support.wire_samples import answer_item, request_item
from tests.vectors.generate_media import PATH as MEDIA_PATH
from wire_formats import (
    answer,
    bundle,
    canonical,
    cbor,
    cose,
    deny_list,
    drop,
    grant,
    ids,
    instants,
    lane_control,
    lane_manifest,
    medium,
    medium_receipt,
    request,
)
from wire_formats.certificate_names import parse_account_uri, parse_machine_uri, parse_operator_uri
from wire_formats.errors import PeerError
from wire_formats.tlog import crossing, evidence

AUTHORITY = MachineAuthority()
LOG = LogKit()
LOG.cross(2)
WORKER = AUTHORITY.machine("worker", "worker-1")
LOW = AUTHORITY.machine("ferry_low", "ferry_low")
CORE = AUTHORITY.machine("core", "core")
DENY = AUTHORITY.machine("ca_deny", "ca_deny")
TRUST = AUTHORITY.trust([WORKER, LOW, CORE, DENY])
MEDIA = json.loads(MEDIA_PATH.read_text(encoding="utf-8"))
GRANT = grant.Grant(
    bytes(16), "420100000001", "unit", "U1", bytes(32), ("wage.batch", "unit.profile"), 0, NOW_MS + 1, "420102"
)


def _sealed_bundle() -> bytes:
    stream = bundle.SealStream("inbound", "interactive", NOW_MS)
    return bundle.encode_bundle(stream.seal(bundle.new_bundle("inbound", [request_item()]), WORKER, now_ms=NOW_MS))


def _parse_and_verify(data: bytes) -> object:
    return bundle.verify_seal(bundle.parse_bundle(data), 0, TRUST, role="worker", now_ms=NOW_MS)


#: name -> (parser, a good input)
PARSERS: dict[str, tuple[Callable[[bytes], object], bytes]] = {
    "cbor": (cbor.decode, cbor.encode({1: [b"x", "y", None, True, -7]})),
    "canonical": (canonical.decode_json, canonical.encode_json({"a": [1, "二", None], "b": True})),
    "request header": (request.parse_header, request_item().header),
    "answer header": (answer.parse_answer_header, answer_item().header),
    "bundle": (_parse_and_verify, _sealed_bundle()),
    "statement": (bundle.parse_statement, cose.parse_sign1(bundle.parse_bundle(_sealed_bundle()).seals[0]).payload),
    "sign1": (cose.parse_sign1, cose.sign1(b"payload", WORKER)),
    "grant": (lambda data: grant.verify_grant(data, TRUST, now_ms=NOW_MS), grant.sign_grant(GRANT, CORE)),
    "control": (
        lambda data: lane_control.verify_control(data, TRUST, role="ferry_low", now_ms=NOW_MS),
        lane_control.sign_control(lane_control.Acknowledgement("inbound", "bulk", NOW_MS, 7, (9, 11), NOW_MS), LOW),
    ),
    "manifest": (
        lambda data: lane_manifest.verify_manifest(data, TRUST, role="ferry_low", now_ms=NOW_MS),
        lane_manifest.sign_manifest(
            lane_manifest.Manifest("inbound", "bulk", NOW_MS, 3, 5, (bytes(32), bytes(32)), 9, NOW_MS), LOW
        ),
    ),
    "resend list": (
        lambda data: lane_manifest.verify_resend_list(data, TRUST, role="ferry_low", now_ms=NOW_MS),
        lane_manifest.sign_resend_list(
            lane_manifest.ResendList("inbound", (lane_manifest.LaneGaps("bulk", NOW_MS, 7, (9, 11)),), NOW_MS), LOW
        ),
    ),
    "manifest's payload": (
        lane_manifest.parse_manifest,
        cbor.encode({1: "manifest", 2: "inbound", 3: "bulk", 4: 5, 5: 1, 6: 2, 7: [bytes(32)], 8: 9, 9: NOW_MS}),
    ),
    "resend list's payload": (
        lane_manifest.parse_resend_list,
        cbor.encode({1: "resend list", 2: "inbound", 3: [["bulk", 5, 7, [9, 11]]], 4: NOW_MS}),
    ),
    "medium manifest": (medium.parse_manifest, bytes.fromhex(MEDIA["manifest_plain"])),
    "sealed manifest": (lambda data: medium.open_manifest(data, HIGH_SEAL), bytes.fromhex(MEDIA["manifest"])),
    "medium statement": (medium.parse_statement, bytes.fromhex(MEDIA["statement"]["bytes"])),
    "medium receipt": (
        lambda data: medium_receipt.parse_receipt(cose.parse_sign1(data).payload),
        bytes.fromhex(MEDIA["receipt"]),
    ),
    "medium serial": (lambda data: medium.check_serial(data.decode("latin-1")), b"WH-2026-0001"),
    "operator name": (lambda data: parse_operator_uri(data.decode("latin-1")), b"urn:ferrygate:operator:gatekeeper:li"),
    "tree head": (
        lambda data: lane_control.verify_control(data, TRUST, role="ferry_low", now_ms=NOW_MS),
        lane_control.sign_control(
            lane_control.TreeHead(2, bytes(32), 9, bytes(32), bytes(64), 8, (bytes(32),) * 2, NOW_MS), LOW
        ),
    ),
    "cosignature": (
        lambda data: lane_control.verify_control(data, TRUST, role="ferry_low", now_ms=NOW_MS),
        lane_control.sign_control(
            lane_control.Cosignature(2, bytes(32), 9, bytes(32), NOW_MS // 1000, bytes(64), NOW_MS), LOW
        ),
    ),
    "tree refused": (
        lambda data: lane_control.verify_control(data, TRUST, role="ferry_low", now_ms=NOW_MS),
        lane_control.sign_control(lane_control.TreeRefused(2, 9, "split_view", NOW_MS), LOW),
    ),
    "log evidence": (
        lambda data: evidence.verify_evidence(evidence.parse_evidence(data), LOG.trust),
        evidence.format_evidence(LOG.evidence(0, 0)),
    ),
    "log entry": (crossing.parse_entry, crossing.encode_entry(LOG.entries[0])),
    "deny list": (
        lambda data: deny_list.verify_increment(data, TRUST, now_ms=NOW_MS),
        deny_list.sign_increment(
            deny_list.DenyIncrement(1, deny_list.FIRST, NOW_MS, full=True, serials=(5, 1 << 100), size=2), DENY
        ),
    ),
    "drop name": (lambda data: drop.parse_name(data.decode("latin-1")), str(drop.DropName(5, 6, "worker-1")).encode()),
    "reference number": (
        lambda data: ids.parse_reference_number(data.decode("latin-1")),
        ids.reference_number(bytes(range(16))).encode(),
    ),
    "request id": (lambda data: ids.parse_request_id(data.decode("latin-1")), bytes(range(16)).hex().encode()),
    "instant": (lambda data: instants.from_iso(data.decode("latin-1")), instants.iso(NOW_MS).encode()),
    "machine name": (lambda data: parse_machine_uri(data.decode("latin-1")), b"urn:ferrygate:machine:worker:w-1"),
    "account name": (lambda data: parse_account_uri(data.decode("latin-1")), b"urn:ferrygate:account:unit:42-1"),
}


@pytest.mark.parametrize("name", PARSERS)
def test_the_good_input_is_accepted(name: str) -> None:
    parser, good = PARSERS[name]
    parser(good)


@pytest.mark.parametrize("name", PARSERS)
@given(data=st.binary(max_size=300))
def test_any_bytes(name: str, data: bytes) -> None:
    _value_or_peer_error(PARSERS[name][0], data)


@pytest.mark.parametrize("name", PARSERS)
def test_mutated_good_input(name: str) -> None:
    parser, good = PARSERS[name]
    chance = random.Random(name)  # noqa: S311 - reproducible mutations, not secrets
    deadline = time.monotonic() + float(os.environ.get("FUZZ_SECONDS", "0"))
    rounds = 0
    while rounds < 300 or time.monotonic() < deadline:
        rounds += 1
        _value_or_peer_error(parser, _mutate(good, chance))


def _value_or_peer_error(parser: Callable[[bytes], object], data: bytes) -> None:
    try:
        parser(data)
    except PeerError:
        return


def _mutate(data: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(changed) + 1)
        step = chance.randrange(5)
        if step == 0 and at < len(changed):
            changed[at] = chance.randrange(256)
        elif step == 1:
            changed[at:at] = chance.randbytes(chance.randint(1, 8))
        elif step == 2:
            del changed[at : at + chance.randint(1, 16)]
        elif step == 3:
            changed[at:at] = changed[at : at + 32]
        elif at < len(changed):
            changed[at] ^= 1 << chance.randrange(8)
    return bytes(changed)
