"""A tree that only grows, over nodes that are stored once and never change.

A node is named by its level (leaves are 0) and its index in that level; it covers the leaves
``index << level`` up to ``(index + 1) << level`` and is complete, hence final, when they are all there.
On disk complete nodes lie in the order in which they become complete (post-order), 32 bytes each: a
leaf, then the parents it completes.  So a log grows by appending, and a tree of n leaves has
``2n - popcount(n)`` stored nodes.

    leaves       0     1           2     3
    positions    0     1     2     3     4     5     6
    node        (0,0) (0,1) (1,0) (0,2) (0,3) (1,1) (2,0)

A root, an inclusion proof and a consistency proof need at most two stored nodes for each level.

Source: RFC 9162, 2.1.1 (tree), 2.1.3 (inclusion), 2.1.4 (consistency).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from wire_formats import merkle
from wire_formats.errors import Kind, PeerError

DIGEST_BYTES: Final = merkle.DIGEST_BYTES
#: The root of a tree without leaves.
EMPTY_ROOT: Final = merkle.root(())
#: What a witness is sent at most, after C2SP tlog-witness.
MAX_PROOF: Final = 63

#: Gives a stored node by level and index.
Nodes = Callable[[int, int], bytes]


def stored_nodes(size: int) -> int:
    """Give how many complete nodes a tree of this size has."""
    return 2 * size - size.bit_count()


def node_position(level: int, index: int) -> int:
    """Give where a complete node lies in post-order, counted in nodes."""
    last_leaf = ((index + 1) << level) - 1
    return stored_nodes(last_leaf) + level


class Frontier:
    """The right edge of a growing tree: what appending a leaf needs, at most one hash for each level.

    Args:
        size: number of leaves.
        peaks: roots of the complete subtrees it consists of, largest first; one for each bit of ``size``.
    """

    __slots__ = ("_peaks", "size")

    def __init__(self, size: int = 0, peaks: Sequence[bytes] = ()) -> None:
        if len(peaks) != size.bit_count():
            raise ValueError("one peak for each bit of the size")
        self.size = size
        self._peaks = list(peaks)

    @classmethod
    def stored(cls, size: int, nodes: Nodes) -> Frontier:
        """Take up a stored tree."""
        return cls(size, [nodes(level, index) for level, index in peaks_of(size)])

    def copy(self) -> Frontier:
        """Give another one at the same size."""
        return Frontier(self.size, self._peaks)

    def append(self, leaf: bytes) -> list[bytes]:
        """Add a leaf hash; gives the nodes that became complete, in the order in which they are stored."""
        complete = [leaf]
        size = self.size
        while size & 1:
            complete.append(merkle.node_hash(self._peaks.pop(), complete[-1]))
            size >>= 1
        self._peaks.append(complete[-1])
        self.size += 1
        return complete

    def root(self) -> bytes:
        """Give the root."""
        if not self._peaks:
            return EMPTY_ROOT
        root = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            root = merkle.node_hash(peak, root)
        return root


def peaks_of(size: int) -> list[tuple[int, int]]:
    """Give level and index of the complete subtrees a tree of this size consists of, largest first."""
    peaks = []
    start = 0
    for level in range(size.bit_length() - 1, -1, -1):
        if size >> level & 1:
            peaks.append((level, start >> level))
            start += 1 << level
    return peaks


def root_at(size: int, nodes: Nodes) -> bytes:
    """Give the root the tree had when it had this size."""
    return Frontier.stored(size, nodes).root()


def inclusion_path(index: int, size: int, nodes: Nodes) -> list[bytes]:
    """Give the proof that a leaf is in the tree of this size, from the leaf's sibling upwards.

    Raises:
        ValueError: no leaf has this index.
    """
    if not 0 <= index < size:
        raise ValueError("no such leaf")
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        split = start + _split(end - start)
        if index < split:
            path.append(_range_root(split, end, nodes))
            end = split
        else:
            path.append(_range_root(start, split, nodes))
            start = split
    return path[::-1]


def consistency_path(old: int, size: int, nodes: Nodes) -> list[bytes]:
    """Give the proof that the tree of this size begins with the tree of the old size.

    Empty when the old size is 0 or the same.

    Raises:
        ValueError: the old tree is larger.
    """
    if not 0 <= old <= size:
        raise ValueError("the old tree is larger than the new one")
    if old in (0, size):
        return []
    path: list[bytes] = []
    start, end = 0, size
    while old != end:
        split = start + _split(end - start)
        if old <= split:
            path.append(_range_root(split, end, nodes))
            end = split
        else:
            path.append(_range_root(start, split, nodes))
            start = split
    if start > 0:  # the old tree is no left edge of the new one, so its last part must be named
        path.append(_range_root(start, end, nodes))
    return path[::-1]


def verify_consistency(*, old: int, size: int, old_root: bytes, root: bytes, proof: Sequence[bytes]) -> None:
    """Check that the tree with this root begins with the tree that has the old root.

    Raises:
        PeerError: DIGEST_MISMATCH: it does not, or this proof does not show it.
    """
    if not 0 <= old <= size or len(proof) > MAX_PROOF or any(len(step) != DIGEST_BYTES for step in proof):
        raise PeerError(Kind.DIGEST_MISMATCH, "consistency proof of a wrong form")
    if old in (0, size):
        if proof or old_root != (EMPTY_ROOT if old == 0 else root) or (size == 0 and root != EMPTY_ROOT):
            raise PeerError(Kind.DIGEST_MISMATCH, "nothing needs proof, and the roots differ")
        return
    if (old_root, root) != _both_roots(old, size, old_root, proof):
        raise PeerError(Kind.DIGEST_MISMATCH, "the trees are not consistent")


def _both_roots(old: int, size: int, old_root: bytes, proof: Sequence[bytes]) -> tuple[bytes, bytes]:
    """Build both roots from a proof, from the bottom upwards."""
    rest = list(proof)
    if old & (old - 1) == 0:  # the old root is itself a node of the new tree
        rest.insert(0, old_root)
    if not rest:
        raise PeerError(Kind.DIGEST_MISMATCH, "consistency proof is incomplete")
    at, last = old - 1, size - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    old_made = new_made = rest[0]
    for step in rest[1:]:
        if last == 0:
            raise PeerError(Kind.DIGEST_MISMATCH, "consistency proof is too long")
        if at & 1 or at == last:
            old_made, new_made = merkle.node_hash(step, old_made), merkle.node_hash(step, new_made)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            new_made = merkle.node_hash(new_made, step)
        at, last = at >> 1, last >> 1
    if last != 0:
        raise PeerError(Kind.DIGEST_MISMATCH, "consistency proof is incomplete")
    return old_made, new_made


def _split(width: int) -> int:
    """Give the largest power of two below ``width`` (at least 2)."""
    return 1 << (width - 1).bit_length() - 1


def _range_root(start: int, end: int, nodes: Nodes) -> bytes:
    """Give the root over leaves ``start`` up to ``end``, a range that the RFC's splitting can reach."""
    width = end - start
    if width & (width - 1) == 0:
        level = width.bit_length() - 1
        return nodes(level, start >> level)
    split = start + _split(width)
    return merkle.node_hash(_range_root(start, split, nodes), _range_root(split, end, nodes))
