"""Which session cookies a worker has confirmed, and until when: a bounded table shared by all children of an edge.

A session lives in the exchange database, out of an edge's reach. A worker that has looked one up marks its answer with
the seconds it still lives; the edge keeps that under a digest of the cookie and of the client's certificate. So a
cookie that somebody has made up is in no table, and one that was stolen is not there with the thief's certificate.

The table is a piece of memory that the master has made before it forked (or any other buffer)::

    bucket   8 slots; a digest belongs to one bucket
    slot     digest, 16 bytes || end, u32 seconds since 1970 (0: free), native order

Nothing is locked. A slot is written in one go by whichever child learns; a child that reads while another writes may
take one session for a stranger once, and a digest made of two halves is nobody's. When a bucket is full, what ends
soonest makes room.

Source: decision 0017; invariants 5 (digests only) and 9.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from typing import Final, TypeAlias

from dmz.messages import SESSION_COOKIE_PREFIX, HallRequest, HallResponse

#: Memory that can be written: ``bytearray``, or an anonymous ``mmap`` that forked processes share.
Memory: TypeAlias = bytearray | memoryview

DIGEST_BYTES: Final = 16
BUCKET_SLOTS: Final = 8
_SLOT: Final = struct.Struct(f"={DIGEST_BYTES}sI")
_END: Final = struct.Struct("=I")
_LAST_S: Final = (1 << 32) - 1


def table_bytes(sessions: int) -> int:
    """Give the size of a table for at least so many sessions, bytes."""
    return max(1, -(-sessions // BUCKET_SLOTS)) * BUCKET_SLOTS * _SLOT.size


def session_key(request: HallRequest) -> bytes | None:
    """Give the digest under which a request's session would be known; None: it carries no session cookie."""
    name = SESSION_COOKIE_PREFIX + request.window
    for cookie, value in request.cookies:
        if cookie == name and value:
            return _digest(request, value)
    return None


def begun_key(request: HallRequest, response: HallResponse) -> bytes | None:
    """Give the digest of the session whose cookie an answer hands out; None: it hands out none."""
    start = f"{SESSION_COOKIE_PREFIX}{request.window}="
    for name, value in response.headers:
        if name.lower() == "set-cookie" and value.startswith(start):
            cookie = value[len(start) :].partition(";")[0]
            return _digest(request, cookie) if cookie else None
    return None


def _digest(request: HallRequest, cookie: str) -> bytes:
    client = b"" if request.client is None else request.client.fingerprint
    material = client + request.window.encode() + b"=" + cookie.encode("utf-8", "replace")
    return hashlib.sha256(material).digest()[:DIGEST_BYTES]


class SessionMarks:
    """The table.

    Args:
        memory: zeroed, or in use by another process; a whole number of buckets (``table_bytes``).

    Raises:
        ValueError: memory of another size.
    """

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        bucket = BUCKET_SLOTS * _SLOT.size
        self._buckets, rest = divmod(len(memory), bucket)
        if rest or not self._buckets:
            raise ValueError(f"a table of marks has a multiple of {bucket} bytes")

    def knows(self, key: bytes, now_s: int) -> bool:
        """Tell whether a session was confirmed and still lives."""
        first = self._first(key)
        bucket = bytes(self._memory[first : first + BUCKET_SLOTS * _SLOT.size])
        at = bucket.find(key)
        while at >= 0:
            if at % _SLOT.size == 0 and _END.unpack_from(bucket, at + DIGEST_BYTES)[0] > now_s:
                return True
            at = bucket.find(key, at + 1)
        return False

    def learn(self, key: bytes, end_s: int) -> None:
        """Keep a session until its end; what ends soonest of its bucket makes room."""
        free = soonest = -1
        soonest_end = _LAST_S + 1
        for at, digest, end in self._slots(key):
            if digest == key and end:
                free = at
                break
            if end < soonest_end:
                soonest, soonest_end = at, end
        _SLOT.pack_into(self._memory, free if free >= 0 else soonest, key, min(max(end_s, 1), _LAST_S))

    def forget(self, key: bytes) -> None:
        """Drop a session that is over."""
        for at, digest, _ in self._slots(key):
            if digest == key:
                _END.pack_into(self._memory, at + DIGEST_BYTES, 0)

    def note(self, request: HallRequest, response: HallResponse, now_s: int) -> None:
        """Take in what a worker's answer says of the session that came with the request or begins with the answer."""
        seconds = response.signed_in_s
        if seconds is None:
            return
        key, begun = session_key(request), begun_key(request, response)
        if key is not None and (seconds == 0 or begun is not None):
            self.forget(key)
        key = begun or key
        if key is not None and seconds > 0:
            self.learn(key, now_s + seconds)

    def _slots(self, key: bytes) -> Iterator[tuple[int, bytes, int]]:
        first = self._first(key)
        for at in range(first, first + BUCKET_SLOTS * _SLOT.size, _SLOT.size):
            digest, end = _SLOT.unpack_from(self._memory, at)
            yield at, digest, end

    def _first(self, key: bytes) -> int:
        """Give the place of a digest's bucket."""
        return int.from_bytes(key[:8], "big") % self._buckets * BUCKET_SLOTS * _SLOT.size
