"""Merkle trees after RFC 9162: one signature for a bundle, one short proof for each request.

A leaf is ``SHA-256(0x00 || entry)``, a node ``SHA-256(0x01 || left || right)``; the split is the
largest power of two below the count.

Source: RFC 9162, 2.1.1 and 2.1.3.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

from wire_formats.errors import Kind, PeerError

DIGEST_BYTES: Final = 32


def leaf_hash(entry: bytes) -> bytes:
    """Hash one entry."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two children."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root(leaves: Sequence[bytes]) -> bytes:
    """Give the root over leaf hashes; the empty tree is the hash of nothing."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    # Bottom-up with an odd node carried up unchanged equals the RFC's top-down split.
    level = list(leaves)
    while len(level) > 1:
        paired = [node_hash(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
        if len(level) % 2:
            paired.append(level[-1])
        level = paired
    return level[0]


def inclusion_proof(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """Give the audit path of one leaf, from the bottom up.

    Raises:
        ValueError: no leaf has this index.
    """
    if not 0 <= index < len(leaves):
        raise ValueError("no such leaf")
    path = []
    level, at = list(leaves), index
    while len(level) > 1:
        sibling = at ^ 1
        if sibling < len(level):
            path.append(level[sibling])
        paired = [node_hash(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
        if len(level) % 2:
            paired.append(level[-1])
        level, at = paired, at // 2
    return path


def verify_inclusion(*, leaf: bytes, index: int, count: int, proof: Sequence[bytes], expected: bytes) -> None:
    """Check that a leaf is in the tree with this root.

    Raises:
        PeerError: DIGEST_MISMATCH when the proof does not lead to the root.
    """
    if not 0 <= index < count:
        raise PeerError(Kind.DIGEST_MISMATCH, "leaf index beyond the tree")
    at, last, current = index, count - 1, leaf
    steps = iter(proof)
    while last > 0:
        if at % 2 or at < last:
            sibling = next(steps, None)
            if sibling is None or len(sibling) != DIGEST_BYTES:
                raise PeerError(Kind.DIGEST_MISMATCH, "inclusion proof is incomplete")
            current = node_hash(sibling, current) if at % 2 else node_hash(current, sibling)
        at, last = at // 2, last // 2
    if next(steps, None) is not None or current != expected:
        raise PeerError(Kind.DIGEST_MISMATCH, "inclusion proof does not lead to the root")
