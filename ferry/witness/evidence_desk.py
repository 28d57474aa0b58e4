"""Writes the evidence of one request, of its answer, or of one crossing, from a half's logs.

The newest log is looked at first.  What is written was verified first: an evidence file that would not hold is
not given out.

Source: DESIGN invariant 10; catalogue F11.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from ferry.witness.reading import Found, LogReader, logs_in
from wire_formats import merkle
from wire_formats.errors import Kind, PeerError
from wire_formats.tlog import tree
from wire_formats.tlog.checkpoint import parse_checkpoint
from wire_formats.tlog.crossing import parse_entry
from wire_formats.tlog.evidence import Evidence, ItemEvidence, Proved, verify_evidence
from wire_formats.trust import TrustStore


class Given(NamedTuple):
    """An evidence file's content, and what it proves."""

    evidence: Evidence
    proved: Proved


def evidence_of_request(folder: Path, request_id: bytes, trust: TrustStore, *, answer: bool) -> Given:
    """Give the evidence that a request, or an answer to it, crossed.

    A request that was sent again crossed more than once; the first crossing is the one that counts.

    Args:
        folder: of one half's logs.
        request_id: 16 bytes.
        trust: the machines' certificates.
        answer: whether the answer is asked for instead of the request.

    Raises:
        PeerError: NOT_FOUND has no kind of its own here: MALFORMED with the reason, or what does not hold.
    """
    direction = "outbound" if answer else "inbound"
    unseen = False
    for path in logs_in(folder):
        with LogReader(path) as log:
            for found in log.find(request_id):
                entry = parse_entry(log.entries(found.entry, found.entry + 1))
                if entry.statement.direction != direction:
                    continue
                if log.first_covering(found.entry) is None:
                    unseen = True
                    continue
                return _given(log, found.entry, found, trust)
    if unseen:
        raise PeerError(Kind.MALFORMED, "it crossed, and the other half has not cosigned that yet")
    raise PeerError(Kind.MALFORMED, f"no {'answer to that request' if answer else 'such request'} in these logs")


def evidence_of_crossing(folder: Path, number: int, index: int, trust: TrustStore) -> Given:
    """Give the evidence of one entry of one log.

    Raises:
        PeerError: it is not there, not cosigned yet, or does not hold.
    """
    for path in logs_in(folder):
        with LogReader(path) as log:
            if log.origin.number == number:
                return _given(log, index, None, trust)
    raise PeerError(Kind.MALFORMED, f"no log {number} in {folder.name}")


def _given(log: LogReader, index: int, found: Found | None, trust: TrustStore) -> Given:
    note = log.first_covering(index)
    material = found.material if found is not None else log.material(index)
    if note is None or index >= log.size:
        raise PeerError(Kind.MALFORMED, "no cosigned checkpoint covers that entry")
    if material is None:
        raise PeerError(Kind.MALFORMED, "the seals of that crossing are not kept here")
    size = parse_checkpoint(note.text).size
    evidence = Evidence(
        entry=parse_entry(log.entries(index, index + 1)),
        seals=material.seals,
        item=_item(found) if found is not None else None,
        index=index,
        path=tuple(tree.inclusion_path(index, size, log.node)),
        note=note,
    )
    return Given(evidence, verify_evidence(evidence, trust))


def _item(found: Found) -> ItemEvidence:
    digests = [digest for _, digest in found.material.items]
    path = tuple(merkle.inclusion_proof(digests, found.item))
    return ItemEvidence(found.item, digests[found.item], found.header, path)
