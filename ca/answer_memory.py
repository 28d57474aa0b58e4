"""The desk's short memory: the same request id brings the same answer for ten minutes.

It lives in memory only. The core's intake may ask twice for one request (a restart between
answer and commit); without this memory the second question would find the slip used up.

Bounded by number and by size; when it is full the oldest answers are forgotten.

Source: DESIGN invariants 3 and 9; F5.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from wire_formats.errors import Kind, Refused
from wire_formats.instants import MINUTE_MS

KEEP_MS: Final = 10 * MINUTE_MS
MAX_ANSWERS: Final = 512
MAX_BYTES: Final = 4 << 20


@dataclass(frozen=True, slots=True)
class _Kept:
    question_digest: bytes
    answer: bytes = field(repr=False)
    until_ms: int


class AnswerMemory:
    """Answers by request id."""

    def __init__(self, *, keep_ms: int = KEEP_MS, most: int = MAX_ANSWERS, most_bytes: int = MAX_BYTES) -> None:
        self._keep_ms = keep_ms
        self._most = most
        self._most_bytes = most_bytes
        self._bytes = 0
        self._kept: OrderedDict[bytes, _Kept] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def size_bytes(self) -> int:
        """Octets of the answers that are kept."""
        return self._bytes

    def recall(self, request_id: bytes, question_digest: bytes, *, now_ms: int) -> bytes | None:
        """Return the answer given before, or None.

        Raises:
            Refused: CONFLICT, another question had this id.
        """
        self.forget_old(now_ms)
        kept = self._kept.get(request_id)
        if kept is None:
            return None
        if kept.question_digest != question_digest:
            raise Refused(Kind.CONFLICT, "another question had this request id")
        return kept.answer

    def keep(self, request_id: bytes, question_digest: bytes, answer: bytes, *, now_ms: int) -> None:
        """Remember an answer for ten minutes."""
        if request_id in self._kept:
            return
        self._kept[request_id] = _Kept(question_digest, answer, now_ms + self._keep_ms)
        self._bytes += len(answer)
        while len(self._kept) > self._most or self._bytes > self._most_bytes:
            self._drop_oldest()

    def forget_old(self, now_ms: int) -> None:
        """Forget answers whose time is over."""
        while self._kept and next(iter(self._kept.values())).until_ms <= now_ms:
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        _, kept = self._kept.popitem(last=False)
        self._bytes -= len(kept.answer)
