"""`ferrygate ferry evidence` and `verify`: what crossed, proved with public keys only (存证).

Needs no running system: evidence is read from a half's folder of logs, and a proof or a whole log is checked against a
folder of certificates, on any machine.  What is said to be proved was recomputed here; what is not proved is said, too.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Final

from ferry.witness.audit import Audit, audit_half, compare
from ferry.witness.evidence_desk import Given, evidence_of_crossing, evidence_of_request
from ops.cli.faults import CannotRunError
from ops.cli.ferry_half import FILES
from ops.cli.words import Words, add_root
from ops.layout import Layout
from wire_formats.errors import PeerError
from wire_formats.ids import parse_request_id, reference_number
from wire_formats.instants import SECOND_MS, iso
from wire_formats.request import parse_header
from wire_formats.settings_reader import load_settings
from wire_formats.tlog.evidence import Evidence, Proved, format_evidence, parse_evidence, verify_evidence
from wire_formats.tlog.proof import MAX_PROOF_BYTES
from wire_formats.trust import TrustStore

EXIT_NOT_PROVED: Final = 1
ISSUERS: Final = "machine_issuers.pem"
MACHINES: Final = "machines*.pem"
_EVIDENCE: Final = (
    "Write the evidence (证据) that a request, its answer, or one crossing of the log went over the gap: one file that "
    "`ferrygate ferry verify` or anybody's own program checks with public keys only (docs/witnessed-log.md)."
)
_VERIFY: Final = (
    "Check evidence files, or audit a half's whole log and, with --other, both halves' logs against each other. Needs "
    "nothing but the files and certificates. Exit code 0 when all is proved, 1 when anything is not."
)


def evidence(words: Sequence[str]) -> int:
    """Write one evidence file.

    Raises:
        CannotRunError: no such request or log, or the file cannot be written.
        SettingsError: the half's settings cannot be used.
    """
    parser = _evidence_words()
    asked = parser.parse_args(words)
    if (asked.request is None) == (asked.entry is None):
        parser.error("name a request, or --log and --entry")
    logs, trust = _installed(asked.root.resolve(), asked.side)
    trust = _trust(asked.trust) if asked.trust is not None else trust
    try:
        if asked.request is not None:
            given = evidence_of_request(logs, asked.request, trust, answer=asked.answer)
        else:
            given = evidence_of_crossing(logs, asked.log, asked.entry, trust)
        asked.out.write_bytes(format_evidence(given.evidence))
    except PeerError as error:
        raise CannotRunError(f"{logs}: {error.private}") from None
    except OSError as error:
        raise CannotRunError(f"{error.filename}: {error.strerror}") from None
    print(f"{asked.out}: evidence written; it proves:")
    print("\n".join(f"  {line}" for line in told(given)))
    return 0


def verify(words: Sequence[str]) -> int:
    """Check evidence files or audit logs, and print what is proved.

    Raises:
        CannotRunError: certificates or files cannot be read.
    """
    parser = _verify_words()
    asked = parser.parse_args(words)
    if bool(asked.files) == (asked.logs is not None):
        parser.error("name evidence files, or --logs")
    trust = _trust(asked.trust)
    try:
        if asked.files:
            return max(_verify_file(path, trust) for path in asked.files)
        return _audit(asked.logs, asked.other, trust, every=asked.every, processes=asked.processes)
    except OSError as error:
        raise CannotRunError(f"{error.filename}: {error.strerror}") from None


def told(given: Given) -> Iterator[str]:
    """Say what an evidence file proves, and what not."""
    evidence, proved = given
    said, origin = proved.entry.statement, proved.checkpoint.origin
    yield _subject(evidence, proved)
    author = proved.entry.author
    yield (
        f"was in a bundle of {said.count} by {proved.author.role} {proved.author.name} "
        f"(its number {author.sequence} of epoch {author.epoch}), which sealed all of it"
    )
    yield (
        f"crossed the gap {said.direction} on lane {said.lane}: {proved.sealer.name} sealed it as number "
        f"{said.sequence} of epoch {said.epoch} at {iso(said.made_ms)}"
    )
    size, at = proved.checkpoint.size, iso(proved.cosigned_s * SECOND_MS)
    yield f"is entry {evidence.index} of log {origin.number} of {proved.log.name}, signed by it at size {size}"
    yield f"{proved.witness.name} had seen that log, and no other, at {at}, and cosigned it"
    yield "not proved: what the content says (the header binds it by digest), and who sat at the keyboard"


def _subject(evidence: Evidence, proved: Proved) -> str:
    item = evidence.item
    if item is None:
        return "one crossing:"
    if not item.header:
        return f"an item whose header has the digest {item.digest.hex()} (the header itself is not in the evidence):"
    number = f"{proved.request_id.hex()} ({reference_number(proved.request_id)})"
    if proved.entry.statement.direction == "outbound":
        return f"an answer to request {number}:"
    header = parse_header(item.header)
    return f"request {number} for {header.service}, made {iso(header.created_ms)}:"


def _verify_file(path: Path, trust: TrustStore) -> int:
    with path.open("rb") as file:
        data = file.read(MAX_PROOF_BYTES + 1)
    try:
        evidence = parse_evidence(data)
        proved = verify_evidence(evidence, trust)
    except PeerError as error:
        print(f"{path}: NOT PROVED: {error.private or error.kind.name}")
        return EXIT_NOT_PROVED
    print(f"{path}: proved")
    print("\n".join(f"  {line}" for line in told(Given(evidence, proved))))
    return 0


def _audit(logs: Path, other: Path | None, trust: TrustStore, *, every: bool, processes: int) -> int:
    with ProcessPoolExecutor(processes) as work:
        audits = [(folder, audit_half(folder, trust, every=every, work=work)) for folder in (logs, other) if folder]
    for folder, audit in audits:
        print("\n".join(_summary(folder, audit)))
    found = [audit for _, audit in audits]
    if other is not None:
        between = compare(audits[0][1], logs, audits[1][1], other)
        print(f"both halves: {between.crossings} crossings sent and received, {between.under_way} sent only", end=" ")
        print("(lost and sent again, held, or still on the road)")
        for line in _findings(between):
            print(line)
        found.append(between)
    good = not any(audit.counts for audit in found)
    print("proved: nothing was removed, altered, inserted or reordered" if good else "NOT PROVED: see above")
    if other is None:
        print("not proved: that the other half saw the same; --other compares its logs")
    return 0 if good else EXIT_NOT_PROVED


def _summary(folder: Path, audit: Audit) -> Iterator[str]:
    yield (
        f"{folder}: {audit.role} {audit.name}, {audit.logs} log(s) from number {audit.begins}, "
        f"{audit.crossings} crossings, {audit.witnessed} under a cosigned checkpoint of {audit.checkpoints}"
    )
    if audit.first_s:
        yield f"  cosigned from {iso(audit.first_s * SECOND_MS)} to {iso(audit.last_s * SECOND_MS)}"
    if audit.crossings > audit.witnessed:
        yield f"  {audit.crossings - audit.witnessed} crossings are not witnessed yet: only their half vouches for them"
    if audit.repeated:
        yield f"  {audit.repeated} entries stand there twice, as a crash may leave them"
    yield from _findings(audit)


def _findings(audit: Audit) -> Iterator[str]:
    for what, where in audit.findings:
        yield f"  {what}: {where}"
    for what, count in audit.counts.items():
        listed = sum(finding.what == what for finding in audit.findings)
        if count > listed:
            yield f"  {what}: {count - listed} more"


def _installed(root: Path, side: str) -> tuple[Path, TrustStore]:
    half = f"ferry_{side}"
    ferry = load_settings(FILES[side], Layout(root).settings(half)).ferry
    return ferry.crossings_folder, _store([ferry.trust_issuers], [ferry.trust_machines])


def _trust(folder: Path) -> TrustStore:
    """Read a folder of certificates; older machines' files may lie beside the present one.

    Raises:
        CannotRunError: they are not there, or no certificates.
    """
    machines = sorted(folder.glob(MACHINES))
    if not machines or not (folder / ISSUERS).exists():
        raise CannotRunError(f"{folder}: {ISSUERS} and machines.pem are wanted there, as in a half's trust folder")
    return _store([folder / ISSUERS], machines)


def _store(issuers: Sequence[Path], machines: Sequence[Path]) -> TrustStore:
    try:
        return TrustStore.from_pem([path.read_bytes() for path in issuers], [path.read_bytes() for path in machines])
    except PeerError as error:
        raise CannotRunError(f"{machines[0]}: {error.private}") from None
    except OSError as error:
        raise CannotRunError(f"{error.filename}: {error.strerror}") from None


def _request(text: str) -> bytes:
    """Take a request's id or reference number.

    Raises:
        argparse.ArgumentTypeError: neither.
    """
    try:
        return parse_request_id(text)
    except PeerError:
        raise argparse.ArgumentTypeError(
            f"'{text[:60]}' is neither a request's id (32 hexadecimal digits) nor a reference number"
        ) from None


def _evidence_words() -> Words:
    parser = Words(prog="ferrygate ferry evidence", description=_EVIDENCE)
    add_root(parser)
    parser.add_argument(
        "request", metavar="REQUEST", nargs="?", type=_request, help="id or reference number (回执号) of the request"
    )
    parser.add_argument("--answer", action="store_true", help="the answer to it instead of the request")
    parser.add_argument("--log", metavar="N", type=int, default=1, help="with --entry: number of the log (default: 1)")
    parser.add_argument(
        "--entry", metavar="N", type=int, help="instead of a request: one crossing, by its entry from 0"
    )
    parser.add_argument("--side", choices=("high", "low"), default="high", help="whose log (default: high)")
    parser.add_argument("--trust", metavar="FOLDER", type=Path, help="certificates (default: the half's own)")
    parser.add_argument("--out", metavar="FILE", type=Path, required=True, help="the evidence (replaced if it exists)")
    return parser


def _verify_words() -> Words:
    parser = Words(prog="ferrygate ferry verify", description=_VERIFY)
    parser.add_argument("files", metavar="FILE", nargs="*", type=Path, help="evidence files")
    parser.add_argument("--logs", metavar="FOLDER", type=Path, help="instead: audit all logs in a half's folder")
    parser.add_argument("--other", metavar="FOLDER", type=Path, help="with --logs: the other half's folder")
    parser.add_argument(
        "--trust", metavar="FOLDER", type=Path, required=True, help=f"certificates: {ISSUERS} and {MACHINES}"
    )
    parser.add_argument("--every", action="store_true", help="with --logs: check every signature and every seal (slow)")
    parser.add_argument(
        "--processes", metavar="N", type=int, default=min(8, os.cpu_count() or 1), help="with --logs: how many at work"
    )
    return parser
