"""A log of crossings in memory, with both halves' keys: what tests of proofs and evidence stand on."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from tests.support.machines import NOW_MS, MachineAuthority
from tests.support.wire_samples import answer_item, request_item
from wire_formats import merkle
from wire_formats.bundle import Bundle, SealStream, new_bundle, peek_statement
from wire_formats.cose import parse_sign1
from wire_formats.suites import SigningKey
from wire_formats.tlog import tree
from wire_formats.tlog.checkpoint import (
    Checkpoint,
    Origin,
    checkpoint_text,
    cosign,
    sign_checkpoint,
    witness_name,
)
from wire_formats.tlog.crossing import AuthorNumber, CrossingEntry, crossing_entry, encode_entry, entry_leaf
from wire_formats.tlog.evidence import Evidence, ItemEvidence
from wire_formats.tlog.note import Note


class MemoryTree:
    """A tree whose nodes lie in a list."""

    def __init__(self, leaves: Sequence[bytes] = ()) -> None:
        self.stored: list[bytes] = []
        self.frontier = tree.Frontier()
        for leaf in leaves:
            self.append(leaf)

    def append(self, leaf: bytes) -> None:
        self.stored.extend(self.frontier.append(leaf))

    @property
    def size(self) -> int:
        return self.frontier.size

    def node(self, level: int, index: int) -> bytes:
        return self.stored[tree.node_position(level, index)]

    def root(self, size: int | None = None) -> bytes:
        return tree.root_at(self.size if size is None else size, self.node)


class LogKit:
    """Keys, crossings and one half's log of them."""

    def __init__(self, role: str = "ferry_low") -> None:
        self.authority = MachineAuthority()
        self.low = self.authority.machine("ferry_low", "ferry_low")
        self.high = self.authority.machine("ferry_high", "ferry_high")
        self.worker = self.authority.machine("worker", "worker-1")
        self.core = self.authority.machine("core", "core")
        self.trust = self.authority.trust([self.low, self.high, self.worker, self.core])
        self.role = role
        self.key, self.witness = (self.low, self.high) if role == "ferry_low" else (self.high, self.low)
        self.witness_role = "ferry_high" if role == "ferry_low" else "ferry_low"
        self.origin = Origin(role, role, 1, self.key.kid)
        self.tree = MemoryTree()
        self.bundles: list[Bundle] = []
        self.entries: list[CrossingEntry] = []
        self._streams: dict[tuple[str, str], SealStream] = {}

    def cross(self, items: int = 1, *, direction: str = "inbound", lane: str = "interactive") -> Bundle:
        """Let one bundle cross and log it."""
        inbound = direction == "inbound"
        author, half = (self.worker, self.low) if inbound else (self.core, self.high)
        bundle = new_bundle(direction, [request_item(lane=lane) if inbound else answer_item() for _ in range(items)])
        for who, key in (("author", author), ("half", half)):
            stream = self._streams.setdefault((who, direction + lane), SealStream(direction, lane, NOW_MS))
            bundle = stream.seal(bundle, key, now_ms=NOW_MS)
        self.log(bundle)
        return bundle

    def log(self, bundle: Bundle) -> None:
        entry = entry_of(bundle)
        self.bundles.append(bundle)
        self.entries.append(entry)
        self.tree.append(entry_leaf(encode_entry(entry)))

    def checkpoint(self, size: int | None = None) -> Checkpoint:
        size = self.tree.size if size is None else size
        return Checkpoint(self.origin, size, self.tree.root(size))

    def note(self, checkpoint: Checkpoint | None = None, *, at_s: int = NOW_MS // 1000, cosigned: bool = True) -> Note:
        checkpoint = checkpoint or self.checkpoint()
        note = Note(checkpoint_text(checkpoint), (sign_checkpoint(checkpoint, self.key),))
        if not cosigned:
            return note
        name = witness_name(self.witness_role, self.witness_role)
        return note.signed(cosign(checkpoint, name, self.witness, at_s=at_s))

    def evidence(self, index: int, item: int | None = None, *, note: Note | None = None) -> Evidence:
        bundle = self.bundles[index]
        about = None
        if item is not None:
            leaves = [merkle.leaf_hash(each.header) for each in bundle.items]
            path = tuple(merkle.inclusion_proof(leaves, item))
            about = ItemEvidence(item, leaves[item], bundle.items[item].header, path)
        path = tuple(tree.inclusion_path(index, self.tree.size, self.tree.node))
        seals = (bundle.seals[0], bundle.seals[1])
        return Evidence(self.entries[index], seals, about, index, path, note or self.note())


def entry_of(bundle: Bundle) -> CrossingEntry:
    """Make the entry of a bundle that carries the author's and the crossing's seal."""
    author, crossing = (parse_sign1(seal) for seal in bundle.seals[:2])
    made, said = (peek_statement(seal) for seal in bundle.seals[:2])
    return crossing_entry(
        said, crossing.kid, AuthorNumber(author.kid, made.epoch, made.sequence), seals=bundle.seals[:2]
    )


def fork(kit: LogKit, at: int, key: SigningKey) -> MemoryTree:
    """Give another tree that agrees with the kit's up to ``at`` and differs from there."""
    leaves = [entry_leaf(encode_entry(entry)) for entry in kit.entries]
    other = [hashlib.sha256(key.kid + leaf).digest() for leaf in leaves[at:]]
    return MemoryTree([*leaves[:at], *other])
