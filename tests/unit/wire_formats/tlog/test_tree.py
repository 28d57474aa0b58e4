"""Trees that grow: against the definition, against an independent implementation, and against tampering."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymerkle import InmemoryTree, InvalidProof

from tests.support.log_kit import MemoryTree
from wire_formats import merkle
from wire_formats.errors import PeerError
from wire_formats.tlog import tree

SIZES = range(1, 71)
LEAVES = [merkle.leaf_hash(bytes([number])) for number in range(max(SIZES))]
WHOLE = MemoryTree(LEAVES)


def _verify(old: int, size: int, proof: list[bytes], **changes: bytes) -> None:
    roots = {"old_root": merkle.root(LEAVES[:old]), "root": merkle.root(LEAVES[:size]), **changes}
    tree.verify_consistency(old=old, size=size, old_root=roots["old_root"], root=roots["root"], proof=proof)


def test_every_size_has_the_root_and_the_nodes_of_the_definition() -> None:
    growing = tree.Frontier()
    assert growing.root() == tree.EMPTY_ROOT
    stored = 0
    for size in SIZES:
        stored += len(growing.append(LEAVES[size - 1]))
        assert stored == tree.stored_nodes(size)
        assert growing.root() == merkle.root(LEAVES[:size]) == tree.root_at(size, WHOLE.node)
        assert tree.Frontier.stored(size, WHOLE.node).root() == growing.root()


def test_a_node_covers_its_leaves_wherever_it_lies() -> None:
    for level in range(6):
        for index in range(len(LEAVES) >> level):
            covered = LEAVES[index << level : (index + 1) << level]
            assert WHOLE.node(level, index) == merkle.root(covered)


def test_every_inclusion_is_proved_as_for_a_bundle() -> None:
    for size in SIZES:
        for index in range(size):
            assert tree.inclusion_path(index, size, WHOLE.node) == merkle.inclusion_proof(LEAVES[:size], index)
    with pytest.raises(ValueError, match="no such leaf"):
        tree.inclusion_path(5, 5, WHOLE.node)


def test_every_two_sizes_are_consistent_and_nothing_else_is_believed() -> None:
    for size in SIZES:
        for old in range(size + 1):
            proof = tree.consistency_path(old, size, WHOLE.node)
            _verify(old, size, proof)
            for bad in ([*proof, bytes(32)], proof[:-1]):
                if bad != proof:
                    with pytest.raises(PeerError):
                        _verify(old, size, bad)
            for changes in ({"old_root": bytes(32)}, {"root": bytes(32)}):
                if old or "old_root" in changes:
                    with pytest.raises(PeerError):
                        _verify(old, size, proof, **changes)
    with pytest.raises(ValueError, match="larger"):
        tree.consistency_path(6, 5, WHOLE.node)
    with pytest.raises(PeerError):
        tree.verify_consistency(old=6, size=5, old_root=bytes(32), root=bytes(32), proof=[])


@given(st.integers(1, 60), st.integers(2, 70), st.data())
def test_a_forked_tree_is_not_consistent(old: int, size: int, data: st.DataObject) -> None:
    size = max(size, old + 1)
    at = data.draw(st.integers(0, old - 1))
    forked = MemoryTree([*LEAVES[:at], merkle.leaf_hash(b"another"), *LEAVES[at + 1 : size]])
    proof = tree.consistency_path(old, size, forked.node)
    with pytest.raises(PeerError):
        _verify(old, size, proof, root=forked.root())


@given(st.integers(1, 60), st.integers(2, 70), st.data())
def test_a_changed_proof_is_not_believed(old: int, size: int, data: st.DataObject) -> None:
    size = max(size, old + 1)
    proof = tree.consistency_path(old, size, WHOLE.node)
    if not proof:
        return
    at = data.draw(st.integers(0, len(proof) - 1))
    changed = bytearray(proof[at])
    changed[data.draw(st.integers(0, 31))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(PeerError):
        _verify(old, size, [*proof[:at], bytes(changed), *proof[at + 1 :]])


def test_an_independent_implementation_agrees_on_roots_and_inclusion() -> None:
    other = InmemoryTree(algorithm="sha256")
    for size in SIZES:
        other.append_entry(bytes([size - 1]))
        assert other.get_root(size) == tree.root_at(size, WHOLE.node)
        for index in range(size):
            base, *path = other.prove_inclusion(index + 1, size).path
            assert base == LEAVES[index]
            assert path == tree.inclusion_path(index, size, WHOLE.node)


def test_an_independent_implementation_finds_our_roots_consistent() -> None:
    """Its proofs list other subtrees than the RFC's, so the roots are what both must agree on."""
    other = InmemoryTree(algorithm="sha256")
    for size in SIZES:
        other.append_entry(bytes([size - 1]))
        for old in range(1, size):
            proof = other.prove_consistency(old, size)
            proof.verify(tree.root_at(old, WHOLE.node), tree.root_at(size, WHOLE.node))
            with pytest.raises(InvalidProof):
                proof.verify(tree.root_at(old, WHOLE.node), bytes(32))


def _subproof(old: int, leaves: list[bytes], whole: bool) -> list[bytes]:  # noqa: FBT001 - the RFC's own parameter
    """RFC 9162, 2.1.4.1, written down as it stands there."""
    if old == len(leaves):
        return [] if whole else [merkle.root(leaves)]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    if old <= split:
        return [*_subproof(old, leaves[:split], whole), merkle.root(leaves[split:])]
    return [*_subproof(old - split, leaves[split:], whole=False), merkle.root(leaves[:split])]


def test_consistency_proofs_are_those_of_the_definition() -> None:
    for size in SIZES:
        for old in range(1, size):
            assert tree.consistency_path(old, size, WHOLE.node) == _subproof(old, LEAVES[:size], whole=True)


def test_peaks_need_the_right_number() -> None:
    with pytest.raises(ValueError, match="one peak"):
        tree.Frontier(3, [bytes(32)])
