"""The witnessed log: one piece of evidence checked, a million crossings audited by the operators' own command.

The log is made here from its description, with the keys of a fresh installation: a checkpoint for every thousand
crossings, as a busy road makes them.  Its seals are left out; `--every` is measured on a smaller log with real ones.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from perf.figures import measure, percentile, show
from wire_formats import merkle
from wire_formats.bundle import Bundle, Item, SealStatement, SealStream, new_bundle, peek_statement
from wire_formats.request import RequestHeader, encode_header
from wire_formats.suites import SigningKey, load_signing_key
from wire_formats.tlog import tree
from wire_formats.tlog.checkpoint import (
    MOST_LEAVES,
    Checkpoint,
    Origin,
    checkpoint_text,
    cosign,
    sign_checkpoint,
    witness_name,
)
from wire_formats.tlog.crossing import (
    AuthorNumber,
    CrossingEntry,
    crossing_entry,
    encode_entry,
    entry_leaf,
    statement_digest,
)
from wire_formats.tlog.evidence import Evidence, ItemEvidence, format_evidence, parse_evidence, verify_evidence
from wire_formats.tlog.note import Note, format_note
from wire_formats.trust import TrustStore

CROSSINGS: Final = 1_000_000
_EACH: Final = 1_000
_TIMES: Final = 500
_ITEMS: Final = 16
_TARGET_MS: Final = 1.0
_TARGET_S: Final = 60.0


def witnessed_log() -> None:
    """Measure one verification and one audit."""
    with TemporaryDirectory(prefix="ferrygate-log-") as text:
        site = _Site(Path(text))
        began = time.process_time()
        log = _Log(site, CROSSINGS)
        took = time.process_time() - began
        show("log: entries and tree made here", f"{took / CROSSINGS * 1e6:8.1f} us a crossing, encoding and hashing")
        _verify(site, log)
        seconds, mib = site.audit(log.folder)
        measure(f"log: audit of {CROSSINGS:,} crossings", seconds, "s", at_most=_TARGET_S)
        show("  memory of its largest process", f"{mib:6.0f} MiB")
        show("  on the disk", f"{log.bytes / CROSSINGS:6.0f} bytes a crossing (entries and nodes)")


def _verify(site: _Site, log: _Log) -> None:
    data = format_evidence(log.evidence(site))
    took = []
    for _ in range(_TIMES):
        began = time.perf_counter()
        proved = verify_evidence(parse_evidence(data), site.trust)
        took.append(time.perf_counter() - began)
        assert proved.request_id
    measure("log: one request proved, from its file", percentile(took, 0.5) * 1e3, "ms", at_most=_TARGET_MS)
    show("  99th percentile, size of the file", f"{percentile(took, 0.99) * 1e3:6.2f} ms, {len(data):,} bytes")


class _Site:
    """Keys and certificates of a fresh installation."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        root = folder / "var"
        environment = {**os.environ, "CITY_UNITS": "2", "FERRYGATE_WORKERS": "1"}
        command = [sys.executable, "-m", "ops.provision", str(root)]
        subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
        self.low = _key(root / "ferry_low", "ferry_low")
        self.high = _key(root / "ferry_high", "ferry_high")
        self.worker = _key(root / "dmz", "worker-1")
        self.trust_folder = root / "ferry_high" / "trust"
        names = ("machine_issuers.pem", "machines.pem")
        issuers, machines = ((self.trust_folder / name).read_bytes() for name in names)
        self.trust = TrustStore.from_pem([issuers], [machines])
        [signer] = self.trust.of_role("ferry_low")
        self.low_name = signer.name
        [signer] = self.trust.of_role("ferry_high")
        self.high_name = signer.name

    def audit(self, logs: Path) -> tuple[float, float]:
        """Audit a half's logs by the operators' command; gives seconds and MiB."""
        words = ["verify", "--logs", str(logs), "--trust", str(self.trust_folder)]
        began = time.monotonic()
        subprocess.run([sys.executable, "-m", "ops", "ferry", *words], check=True, stdout=subprocess.DEVNULL)
        return time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


class _Log:
    """One log of the low half, on the disk."""

    def __init__(self, site: _Site, count: int) -> None:
        self.folder = site.folder / "crossings"
        path = self.folder / "log-000001"
        path.mkdir(parents=True)
        self._origin = Origin("ferry_low", site.low_name, 1, site.low.kid)
        (path / "origin").write_text(f"{self._origin}\n", encoding="ascii")
        frontier = tree.Frontier()
        notes = []
        assert count <= MOST_LEAVES
        self._bundle, first = _real_crossing(site)
        with (path / "entries").open("wb") as entries, (path / "nodes").open("wb") as nodes:
            for raw in _entries(site, first, count):
                entries.write(raw)
                nodes.write(b"".join(frontier.append(entry_leaf(raw))))
                if frontier.size % _EACH == 0 or frontier.size == count:
                    notes.append(self._note(site, frontier))
        (path / "checkpoints").write_bytes(b"".join(map(format_note, notes)))
        self._path, self._entry, self._last, self._size = path, first, notes[-1], count
        self.bytes = sum((path / name).stat().st_size for name in ("entries", "nodes"))

    def evidence(self, site: _Site) -> Evidence:
        """Give the evidence of one request of the first crossing."""
        digests = [merkle.leaf_hash(item.header) for item in self._bundle.items]
        item = ItemEvidence(3, digests[3], self._bundle.items[3].header, tuple(merkle.inclusion_proof(digests, 3)))
        seals = (self._bundle.seals[0], self._bundle.seals[1])
        path = tuple(tree.inclusion_path(0, self._size, self._node))
        return Evidence(self._entry, seals, item, 0, path, self._last)

    def _node(self, level: int, index: int) -> bytes:
        with (self._path / "nodes").open("rb") as file:
            file.seek(tree.node_position(level, index) * tree.DIGEST_BYTES)
            return file.read(tree.DIGEST_BYTES)

    def _note(self, site: _Site, frontier: tree.Frontier) -> Note:
        checkpoint = Checkpoint(self._origin, frontier.size, frontier.root())
        name = witness_name("ferry_high", site.high_name)
        line = cosign(checkpoint, name, site.high, at_s=int(time.time()))
        return Note(checkpoint_text(checkpoint), (sign_checkpoint(checkpoint, site.low), line))


def _real_crossing(site: _Site) -> tuple[Bundle, CrossingEntry]:
    now_ms = time.time_ns() // 1_000_000
    bundle = new_bundle("inbound", [Item(_header(site, now_ms), b"") for _ in range(_ITEMS)])
    bundle = SealStream("inbound", "interactive", now_ms).seal(bundle, site.worker, now_ms=now_ms)
    bundle = SealStream("inbound", "interactive", now_ms).seal(bundle, site.low, now_ms=now_ms)
    author = AuthorNumber(site.worker.kid, now_ms, 1)
    return bundle, crossing_entry(peek_statement(bundle.seals[1]), site.low.kid, author, seals=bundle.seals)


def _header(site: _Site, now_ms: int) -> bytes:
    return encode_header(
        RequestHeader(
            id=os.urandom(16), service="wage.declare", version=1, lane="interactive", window="unit",
            created_ms=now_ms, expires_ms=now_ms + 120_000, certificate=os.urandom(32), grant=os.urandom(400),
            reply_to="worker-1", reply_key=os.urandom(32), body_digest=os.urandom(32),
        )
    )  # fmt: skip


def _entries(site: _Site, first: CrossingEntry, count: int) -> Iterator[bytes]:
    yield encode_entry(first)
    said = first.statement
    for sequence in range(2, count + 1):
        said = SealStatement(
            said.direction, said.lane, said.epoch, sequence, statement_digest(said), 1, bytes(32), said.made_ms + 1
        )
        author = AuthorNumber(site.worker.kid, said.epoch, sequence)
        yield encode_entry(CrossingEntry(said, site.low.kid, author, bytes(32), bytes(32)))


def _key(zone: Path, name: str) -> SigningKey:
    keys = zone / "keys"
    return load_signing_key((keys / f"{name}.key.pem").read_bytes(), (keys / f"{name}.pem").read_bytes())
