"""The deny list as one edge knows it: a pure table, fed by verified increments.

    unknown ──full──▶ collecting ──all serials there──▶ complete ──next epoch──▶ complete
                          ▲                                 │
                          └──────────full────── gapped ◀────┘ an epoch is missing

A serial once denied stays denied until a complete newer list does not name it. After a gap the new serials still
count, but the list is no longer fresh: ``fresh_ms`` stands still until the next full list.

Source: wire_formats.deny_list; invariant 2.
"""

from __future__ import annotations

import hashlib
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from wire_formats.deny_list import FIRST, DenyIncrement, increment_digest
from wire_formats.errors import Kind, PeerError

MAX_SNAPSHOT_BYTES: Final = 64 * 1024 * 1024
_SERIAL_BYTES: Final = 20
_DIGEST_BYTES: Final = 32
#: Increments that wait for a predecessor; more than that and only a full list helps.
MAX_WAITING: Final = 64

_WireSnapshot = tuple[
    Literal[1],
    Annotated[int, Meta(ge=0)],
    Annotated[bytes, Meta(min_length=_DIGEST_BYTES, max_length=_DIGEST_BYTES)],
    Annotated[int, Meta(ge=0)],
    bytes,
]
_SNAPSHOTS: Final = msgspec.msgpack.Decoder(_WireSnapshot)


@dataclass(frozen=True, slots=True)
class Applied:
    """What an increment changed.

    Attributes:
        added: serials that were not denied before.
        gap: whether an epoch before it is missing.
        complete: whether the table now holds the whole list.
    """

    added: AbstractSet[int]
    gap: bool
    complete: bool


class DenyTable:
    """Revoked serials, their epoch, and how fresh they are."""

    def __init__(self) -> None:
        self.serials: set[int] = set()
        self.epoch = 0
        self.fresh_ms: int | None = None
        self._digest = FIRST
        self._collected: set[int] | None = None
        self._waiting: dict[int, DenyIncrement] = {}

    def __len__(self) -> int:
        return len(self.serials)

    def apply(self, increment: DenyIncrement) -> Applied | None:
        """Take in a verified increment; None when it is not newer than what is known."""
        if increment.epoch <= self.epoch:
            return None
        added = set(increment.serials) - self.serials
        self.serials |= added
        if increment.full or self._follows(increment):
            self._take(increment)
            while (following := self._waiting.pop(self.epoch + 1, None)) is not None and self._follows(following):
                self._take(following)
            self._waiting = {epoch: held for epoch, held in self._waiting.items() if epoch > self.epoch}
        elif len(self._waiting) < MAX_WAITING:
            self._waiting[increment.epoch] = increment
        return Applied(added, gap=bool(self._waiting), complete=self.complete)

    @property
    def complete(self) -> bool:
        """Whether the table holds the whole list of its epoch."""
        return self._collected is self.serials

    def age_ms(self, now_ms: int) -> int | None:
        """Give how long ago the newest complete list was made; None when there was none yet."""
        return None if self.fresh_ms is None else max(0, now_ms - self.fresh_ms)

    def snapshot(self) -> bytes | None:
        """Write the table for the next start; None unless it is complete."""
        if not self.complete or self.fresh_ms is None:
            return None
        packed = b"".join(serial.to_bytes(_SERIAL_BYTES, "big") for serial in sorted(self.serials))
        payload = msgspec.msgpack.encode((1, self.epoch, self._digest, self.fresh_ms, packed))
        return hashlib.sha256(payload).digest() + payload

    def _follows(self, increment: DenyIncrement) -> bool:
        return increment.epoch == self.epoch + 1 and increment.previous == self._digest

    def _take(self, increment: DenyIncrement) -> None:
        """Go one epoch on, and see whether the list is whole now."""
        new = set(increment.serials)
        if increment.full or increment.epoch == 1:
            self._collected = new
        elif self._collected is not None:
            self._collected |= new
        self.epoch, self._digest = increment.epoch, increment_digest(increment)
        if self._collected is not None and len(self._collected) == increment.size:
            early = {serial for held in self._waiting.values() for serial in held.serials}
            self.serials = self._collected
            self.serials |= early
            self.fresh_ms = increment.made_ms


def restore_table(data: bytes) -> DenyTable:
    """Read what ``DenyTable.snapshot`` wrote.

    Raises:
        PeerError: damaged, or not of this form.
    """
    if len(data) > MAX_SNAPSHOT_BYTES:
        raise PeerError(Kind.TOO_LARGE, "deny snapshot")
    if hashlib.sha256(data[_DIGEST_BYTES:]).digest() != data[:_DIGEST_BYTES]:
        raise PeerError(Kind.DIGEST_MISMATCH, "deny snapshot is damaged")
    try:
        _, epoch, digest, fresh_ms, packed = _SNAPSHOTS.decode(data[_DIGEST_BYTES:])
    except (ValueError, RecursionError) as error:
        raise PeerError(Kind.MALFORMED, f"deny snapshot: {error}") from None
    if len(packed) % _SERIAL_BYTES:
        raise PeerError(Kind.MALFORMED, "deny snapshot: serials")
    table = DenyTable()
    table.epoch, table.fresh_ms, table._digest = epoch, fresh_ms, digest
    table.serials = {
        int.from_bytes(packed[at : at + _SERIAL_BYTES], "big") for at in range(0, len(packed), _SERIAL_BYTES)
    }
    table._collected = table.serials
    return table
