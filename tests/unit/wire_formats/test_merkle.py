"""Merkle trees against the definition of RFC 9162 and against tampering."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire_formats import merkle
from wire_formats.errors import PeerError

ENTRIES = st.lists(st.binary(max_size=8), min_size=1, max_size=70)


def _by_definition(entries: list[bytes]) -> bytes:
    """RFC 9162, 2.1.1, written down as it stands there."""
    if not entries:
        return hashlib.sha256(b"").digest()
    if len(entries) == 1:
        return hashlib.sha256(b"\x00" + entries[0]).digest()
    split = 1
    while split * 2 < len(entries):
        split *= 2
    left, right = _by_definition(entries[:split]), _by_definition(entries[split:])
    return hashlib.sha256(b"\x01" + left + right).digest()


@given(ENTRIES)
def test_root_equals_the_definition(entries: list[bytes]) -> None:
    assert merkle.root([merkle.leaf_hash(e) for e in entries]) == _by_definition(entries)


def test_empty_tree() -> None:
    assert merkle.root([]) == _by_definition([])


@given(ENTRIES, st.data())
def test_every_leaf_can_be_proved_and_nothing_else(entries: list[bytes], data: st.DataObject) -> None:
    leaves = [merkle.leaf_hash(e) for e in entries]
    index = data.draw(st.integers(0, len(leaves) - 1))
    expected = merkle.root(leaves)
    proof = merkle.inclusion_proof(leaves, index)
    merkle.verify_inclusion(leaf=leaves[index], index=index, count=len(leaves), proof=proof, expected=expected)
    wrong = merkle.leaf_hash(b"another" + entries[index])
    for bad in (
        {"leaf": wrong},
        {"index": len(leaves)},
        {"proof": [*proof, bytes(32)]},
        {"expected": wrong},
        {"count": 0},
    ):
        good = {"leaf": leaves[index], "index": index, "count": len(leaves), "proof": proof, "expected": expected}
        with pytest.raises(PeerError):
            merkle.verify_inclusion(**{**good, **bad})  # type: ignore[arg-type]
    if proof:
        with pytest.raises(PeerError):
            merkle.verify_inclusion(
                leaf=leaves[index], index=index, count=len(leaves), proof=proof[:-1], expected=expected
            )


def test_no_such_leaf() -> None:
    with pytest.raises(ValueError, match="no such leaf"):
        merkle.inclusion_proof([bytes(32)], 1)
