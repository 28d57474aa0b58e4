"""Audits whole logs: every entry, every node, every checkpoint, the chain of numbers, the other half's view.

    entries ─▶ nodes as stored ─▶ root of every cosigned checkpoint ─▶ signatures of both halves
    entries ─▶ numbers without gaps and chains without breaks, in each stream of each sender
    log after log: each stands on the root of the one before
    the other half's folder: it cosigned no other tree of ours; what it received we sent, and the reverse

A checkpoint's root stands for everything before it, so signatures of the last one and of some in between are
checked, all roots are; ``every`` checks every signature, and every seal against its entry.

Memory is what the set of leaves needs, about 100 bytes a crossing; the work is spread over ``processes``.

Source: DESIGN invariant 10; research, section 10.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

from ferry.witness.peer import PEER
from ferry.witness.reading import LogReader, logs_in, notes_in
from wire_formats import merkle
from wire_formats.errors import PeerError
from wire_formats.tlog import tree
from wire_formats.tlog.checkpoint import Origin, parse_checkpoint
from wire_formats.tlog.crossing import ENTRY_BYTES, CrossingEntry, entry_leaf, parse_entry, statement_digest
from wire_formats.tlog.evidence import verify_cosigned, verify_seals
from wire_formats.tlog.note import Note
from wire_formats.trust import TrustStore

#: Entries of one piece of work; a power of two, so that its nodes lie together.
CHUNK: Final = 1 << 13
#: Signatures checked beside the last one, spread over the log.
SAMPLED: Final = 200
#: Findings of one kind that are listed; the rest is counted.
MOST_LISTED: Final = 20
_WINDOW: Final = 8192
_SHORT: Final = 16


class Finding(NamedTuple):
    """Something that is not as it must be.

    Attributes:
        what: fixed word.
        where: which log, entry, lane or checkpoint.
    """

    what: str
    where: str


@dataclass
class Audit:
    """What an audit found.

    Attributes:
        role: of the half whose logs these are.
        begins: number of the first log; streams may begin in the middle when it is not 1.
        name: its machine name.
        logs: number of logs.
        crossings: entries looked at.
        witnessed: entries under a cosigned checkpoint.
        checkpoints: cosigned checkpoints.
        first_s: second of the first cosignature.
        last_s: of the last one.
        repeated: entries that stand in the log a second time; a crash may do that.
        under_way: sent and not received, between two halves: lost, held, or still on the road.
        findings: what is wrong, at most 20 of a kind.
        counts: how many of each kind.
    """

    role: str = ""
    name: str = ""
    begins: int = 1
    logs: int = 0
    crossings: int = 0
    witnessed: int = 0
    checkpoints: int = 0
    first_s: int = 0
    last_s: int = 0
    repeated: int = 0
    under_way: int = 0
    findings: list[Finding] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    sent: set[bytes] = field(default_factory=set, repr=False)
    received: set[bytes] = field(default_factory=set, repr=False)
    streams: dict[tuple[str, str, int], _Stream] = field(default_factory=dict, repr=False)

    def find(self, what: str, where: str) -> None:
        """Note a finding."""
        count = self.counts[what] = self.counts.get(what, 0) + 1
        if count <= MOST_LISTED:
            self.findings.append(Finding(what, where))


@dataclass
class _Stream:
    """The numbers of one direction, lane and epoch, as far as they were read."""

    last: int = 0
    digests: dict[int, bytes] = field(default_factory=dict)


def audit_half(folder: Path, trust: TrustStore, *, every: bool = False, work: Executor | None = None) -> Audit:
    """Audit all logs of one half.

    Args:
        folder: of the half's logs.
        trust: the machines' certificates.
        every: whether every signature and seal is checked.
        work: spreads the work over processes.

    Raises:
        PeerError: there is no log.
    """
    audit = Audit()
    before: tuple[Origin, bytes] | None = None
    for path in logs_in(folder):
        with LogReader(path) as log:
            _check_origin(audit, log, before)
            _check_entries(audit, log, path, work)
            root = _check_checkpoints(audit, log, trust, every=every)
            if every:
                _check_seals(audit, log, trust)
            audit.logs += 1
            audit.crossings += log.size
            before = log.origin, root
    if before is None:
        audit.find("no_log", folder.name)
    return audit


def compare(one: Audit, folder: Path, other: Audit, other_folder: Path) -> Audit:
    """Hold the logs of both halves against each other; gives what is wrong between them.

    Args:
        one: a half's audit.
        folder: its folder.
        other: the other half's audit.
        other_folder: its folder.
    """
    between = Audit()
    if {one.role, other.role} != {"ferry_low", "ferry_high"}:
        between.find("not_two_halves", f"{one.role} and {other.role}")
        return between
    for own, witness in ((folder, other_folder), (other_folder, folder)):
        _check_witnessed(between, own, witness)
    for receiver, sender in ((one, other), (other, one)):
        _check_received(between, receiver, sender)
    return between


def _check_origin(audit: Audit, log: LogReader, before: tuple[Origin, bytes] | None) -> None:
    origin = log.origin
    if before is None:
        audit.role, audit.name, audit.begins = origin.role, origin.name, origin.number
        return
    expected = Origin(audit.role, audit.name, before[0].number + 1, before[1])
    if origin != expected:
        audit.find("broken_history", f"log {origin.number} does not stand on log {before[0].number}")


def _check_entries(audit: Audit, log: LogReader, path: Path, work: Executor | None) -> None:
    pieces = [(path, start, min(start + CHUNK, log.size)) for start in range(0, log.size, CHUNK)]
    run: Callable[..., Iterable[_Piece]] = map if work is None else work.map
    frontier: list[bytes] = []
    for piece in run(_piece, pieces):
        for what, index in piece.faults:
            audit.find(what, f"log {log.origin.number} entry {index}")
        _take_numbers(audit, log.origin.number, piece)
        frontier.append(piece.root)
    for what, index in _upper_nodes(frontier, log):
        audit.find(what, f"log {log.origin.number} entry {index}")


class _Piece(NamedTuple):
    """What one piece of work found: faults, the root over it, number and digests of every entry."""

    start: int
    faults: list[tuple[str, int]]
    root: bytes
    rows: list[tuple[str, str, int, int, bytes, bytes, bytes]]


def _piece(asked: tuple[Path, int, int]) -> _Piece:
    """Look at some entries of a log and at the nodes below their common root."""
    path, start, end = asked
    with LogReader(path) as log:
        data = log.entries(start, end)
        first = tree.stored_nodes(start)
        stored = log.nodes(first, first + tree.stored_nodes(end - start))
    faults: list[tuple[str, int]] = []
    rows = []
    frontier = tree.Frontier()
    at = 0
    for index in range(end - start):
        raw = data[index * ENTRY_BYTES : (index + 1) * ENTRY_BYTES]
        made = frontier.append(entry_leaf(raw))
        joined = b"".join(made)
        if stored[at : at + len(joined)] != joined:
            faults.append(("entry_altered", start + index))
        at += len(joined)
        try:
            rows.append(_row(parse_entry(raw), made[0]))
        except PeerError:
            faults.append(("entry_malformed", start + index))
    return _Piece(start, faults, frontier.root(), rows)


def _row(entry: CrossingEntry, leaf: bytes) -> tuple[str, str, int, int, bytes, bytes, bytes]:
    said = entry.statement
    return said.direction, said.lane, said.epoch, said.sequence, said.previous, statement_digest(said), leaf


def _upper_nodes(roots: list[bytes], log: LogReader) -> Iterator[tuple[str, int]]:
    """Check the nodes above the pieces of work, where two of them have met."""
    level = CHUNK.bit_length() - 1
    row = roots[: log.size // CHUNK]
    while len(row) > 1:
        row = [merkle.node_hash(row[i], row[i + 1]) for i in range(0, len(row) - 1, 2)]
        level += 1
        for index, made in enumerate(row):
            with suppress(PeerError):
                if log.node(level, index) == made:
                    continue
            yield "node_altered", index << level


def _take_numbers(audit: Audit, number: int, piece: _Piece) -> None:
    """Follow every stream: the sender's numbers run without gaps, chains name the statement before."""
    sending = "inbound" if audit.role == "ferry_low" else "outbound"
    for offset, (direction, lane, epoch, sequence, previous, digest, leaf) in enumerate(piece.rows):
        where = f"log {number} entry {piece.start + offset}: {direction} {lane} epoch {epoch} number {sequence}"
        leaves = audit.sent if direction == sending else audit.received
        if leaf[:_SHORT] in leaves:
            audit.repeated += 1
            continue
        leaves.add(leaf[:_SHORT])
        stream = audit.streams.setdefault((direction, lane, epoch), _Stream())
        if sequence in stream.digests or (direction == sending and sequence <= stream.last):
            audit.find("number_used_twice", where)
            continue
        if direction == sending and sequence != stream.last + 1 and (stream.last or audit.begins == 1):
            audit.find("numbers_missing", f"{where}, after number {stream.last}")
        before = bytes(32) if sequence == 1 else stream.digests.get(sequence - 1)
        if before is not None and before != previous:
            audit.find("chain_broken", where)
        stream.last = max(stream.last, sequence)
        stream.digests[sequence] = digest
        if len(stream.digests) > 2 * _WINDOW:
            stream.digests = {n: d for n, d in stream.digests.items() if n > stream.last - _WINDOW}


def _check_checkpoints(audit: Audit, log: LogReader, trust: TrustStore, *, every: bool) -> bytes:
    """Check the cosigned checkpoints; gives the root of the whole log."""
    number, last_size, last = log.origin.number, 0, None
    count = sum(1 for _ in log.checkpoints())
    step = 1 if every else max(1, count // SAMPLED)
    for at, note in enumerate(log.checkpoints(), 1):
        checkpoint = parse_checkpoint(note.text)
        where = f"log {number} checkpoint of {checkpoint.size}"
        if not last_size < checkpoint.size <= log.size or checkpoint.origin != log.origin:
            audit.find("entries_missing" if checkpoint.size > log.size else "checkpoint_out_of_order", where)
            continue
        if _root(log, checkpoint.size) != checkpoint.root:
            audit.find("another_tree", where)
        if at % step == 0 or at == count:
            _check_signatures(audit, note, trust, where)
        last_size, last = checkpoint.size, note
    audit.checkpoints += count
    audit.witnessed += last_size
    if last is None and log.size:
        audit.find("not_witnessed", f"log {number} has no cosigned checkpoint")
    return _root(log, log.size) or b""


def _root(log: LogReader, size: int) -> bytes | None:
    with suppress(PeerError):
        return tree.root_at(size, log.node)
    return None


def _check_signatures(audit: Audit, note: Note, trust: TrustStore, where: str) -> None:
    try:
        _, _, at_s = verify_cosigned(note, trust)
    except PeerError as error:
        audit.find("signature", f"{where}: {error.private}")
        return
    audit.first_s = min(audit.first_s or at_s, at_s)
    audit.last_s = max(audit.last_s, at_s)


def _check_seals(audit: Audit, log: LogReader, trust: TrustStore) -> None:
    """Check every crossing's seals and items against its entry."""
    seen = 0
    try:
        for index, material in log.materials():
            where = f"log {log.origin.number} entry {index}"
            seen += index == seen
            entry = parse_entry(log.entries(index, index + 1))
            try:
                verify_seals(entry, material.seals, trust)
            except PeerError as error:
                audit.find("seal", f"{where}: {error.private}")
            if merkle.root([digest for _, digest in material.items]) != entry.statement.root:
                audit.find("items", where)
    except PeerError as error:
        audit.find("material_malformed", f"log {log.origin.number}: {error.private}")
    if seen < log.size:
        audit.find("material_missing", f"log {log.origin.number} from entry {seen}")


def _check_witnessed(between: Audit, own: Path, witness: Path) -> None:
    """Check that a witness cosigned no other tree of a log than the one that lies here."""
    for path in logs_in(own):
        with LogReader(path) as log:
            file = witness / PEER / f"{path.name}.checkpoints"
            data = file.read_bytes() if file.exists() else b""
            for note in notes_in(data, str(log.origin)):
                checkpoint = parse_checkpoint(note.text)
                where = f"{log.origin.role} log {log.origin.number} checkpoint of {checkpoint.size}"
                if checkpoint.size > log.size:
                    between.find("entries_missing", where)
                elif _root(log, checkpoint.size) != checkpoint.root:
                    between.find("another_tree", where)
            if data and not data.startswith(f"{log.origin}\n".encode()):
                between.find("another_log", f"{log.origin.role} log {log.origin.number}")


def _check_received(between: Audit, receiver: Audit, sender: Audit) -> None:
    """Check that whatever one half received stands in the log of the one that sent it."""
    between.crossings += len(receiver.received & sender.sent)
    between.under_way += len(sender.sent - receiver.received)
    for leaf in sorted(receiver.received - sender.sent):
        between.find("received_not_sent", f"leaf {leaf.hex()}… of {receiver.role}")
