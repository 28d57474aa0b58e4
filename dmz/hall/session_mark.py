"""The mark by which a worker tells the edge that a request came from somebody who is signed in.

Sessions live in the exchange database, which an edge cannot read; so the worker that has looked the session up says in
its answer how long it still lives. The edge keeps that beside a digest of the cookie (``dmz.admission.session_marks``).

Source: decision 0017; catalogue E11.
"""

from __future__ import annotations

from dataclasses import replace

from dmz.hall.backend_port import Session
from dmz.messages import MAX_SIGNED_IN_S, HallResponse
from wire_formats.instants import SECOND_MS


def with_mark(answer: HallResponse, session: Session, now_ms: int) -> HallResponse:
    """Add the mark of a live session, unless the answer says something of its own (it ends or begins one)."""
    if answer.signed_in_s is not None:
        return answer
    left_s = (session.expires_at_ms - now_ms) // SECOND_MS
    return replace(answer, signed_in_s=min(max(left_s, 0), MAX_SIGNED_IN_S))
