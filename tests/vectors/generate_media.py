"""Writes ``media.json``: run ``python -m tests.vectors.generate_media`` after a deliberate change of format.

Signatures and seals differ at every run, so the committed file is the reference.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization

from tests.support.machines import NOW_MS, MachineAuthority, pem_of
from tests.support.media_kit import HIGH_SEAL
from wire_formats import lane_control, medium, medium_receipt
from wire_formats.drop import DropName
from wire_formats.suites import SigningKey

PATH = Path(__file__).with_name("media.json")
FILES = (
    ("interactive", DropName(7, 1, "ferry_low"), b"first bundle"),
    ("interactive", DropName(7, 2, "ferry_low"), b"second bundle, a little longer"),
    ("control", DropName(0, 0x201, "ferry_low", "notice"), b"an acknowledgement"),
)


def _signer(key: SigningKey) -> dict[str, str]:
    public = key.certificate.public_bytes(serialization.Encoding.DER)
    return {"certificate_der": public.hex(), "kid": key.kid.hex(), "certificate_pem": pem_of(key).decode()}


def make() -> dict[str, Any]:
    """Make every vector."""
    persons, machines = MachineAuthority("Golden persons"), MachineAuthority("Golden machines")
    operators = {name: persons.operator(name) for name in ("li", "wang")}
    high = machines.machine("ferry_high", "ferry_high")
    entries = [medium.Entry(lane, name, len(data), hashlib.sha256(data).digest()) for lane, name, data in FILES]
    export = bytes(range(16))
    statement = medium.MediumStatement(
        direction="inbound",
        sender="ferry_low",
        recipient="ferry_high",
        recipient_key=HIGH_SEAL.public.digest,
        serial="WH-2026-0001",
        export=export,
        epoch=NOW_MS - 1,
        sequence=3,
        previous=bytes(range(32)),
        files=len(entries),
        size=sum(entry.size for entry in entries),
        root=medium.entries_root(entries),
        lanes=medium.count_lanes(entries),
        made_ms=NOW_MS,
        expires_ms=NOW_MS + 168 * 3_600_000,
    )
    plain = medium.encode_manifest([medium.sign_statement(statement, key) for key in operators.values()], entries)
    content = b"".join(data for _, _, data in FILES)
    told = lane_control.Acknowledgement("inbound", "interactive", 7, 2, (), NOW_MS + 1)
    receipt = medium_receipt.MediumReceipt(
        serial=statement.serial,
        export=export,
        statement=statement.digest(),
        direction="inbound",
        files=len(entries),
        imported_ms=NOW_MS + 1,
        made_ms=NOW_MS + 2,
        acknowledgements=(lane_control.sign_control(told, high), b""),
    )
    return {
        "now_ms": NOW_MS,
        "persons_pem": persons.pem.decode(),
        "machines_pem": machines.pem.decode(),
        "signers": {name: _signer(key) for name, key in (*operators.items(), ("ferry_high", high))},
        "recipient_private": HIGH_SEAL.raw.hex(),
        "content": content.hex(),
        "statement": {
            "bytes": medium.encode_statement(statement).hex(),
            "digest": statement.digest().hex(),
            "root": statement.root.hex(),
        },
        "manifest_plain": plain.hex(),
        "manifest": medium.seal_manifest(plain, HIGH_SEAL.public).hex(),
        "chunk": medium.seal_chunk(content, HIGH_SEAL.public, export, 0).hex(),
        "receipt": medium_receipt.sign_receipt(receipt, high).hex(),
    }


if __name__ == "__main__":
    PATH.write_text(json.dumps(make(), ensure_ascii=False, indent=1, sort_keys=True) + "\n", encoding="utf-8")
