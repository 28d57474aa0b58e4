"""Requests as workers make them: queries, single declarations, chunks of a workbook; each sealed to the high half."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from wire_formats.bundle import Item
from wire_formats.canonical import Json, encode_json
from wire_formats.catalogue import SERVICES, ServiceKind
from wire_formats.instants import HOUR_MS
from wire_formats.request import Batch, RequestHeader, encode_header, make_content, seal_content
from wire_formats.seal import SealPublicKey

QUERY: Final = "person.contributions"
TRANSACTION: Final = "wage.declare"
WORKBOOK: Final = "wage.batch"
ROWS: Final = 10_000
#: Of a citizen who does not exist; the last digit checks the others.
_ID_NUMBER: Final = "11010519491231002X"
_BODIES: Final[dict[str, dict[str, Json]]] = {
    QUERY: {"id_number": _ID_NUMBER, "from_month": "2024-01", "to_month": "2024-12"},
    TRANSACTION: {"year": 2024, "id_number": _ID_NUMBER, "name": "张三", "wage": 543_210},
}
_ROWS_OF_CHUNK: Final = 500
#: As long as the grant of a signed-in user.
_GRANT_BYTES: Final = 400


@dataclass(frozen=True, slots=True)
class Made:
    """One request.

    Attributes:
        id: its id.
        worker: who sends it.
        lane: its lane.
        item: as it stands in a bundle.
        tracked: whether its author wants to know where its bundle is.
    """

    id: bytes
    worker: str
    lane: str
    item: Item
    tracked: bool

    @property
    def size(self) -> int:
        """Bytes in a bundle."""
        return len(self.item.header) + len(self.item.content)


class Maker:
    """Makes requests.

    Args:
        high_half: whom contents are sealed to.
    """

    def __init__(self, high_half: SealPublicKey) -> None:
        self._high_half = high_half
        self._fingerprint, self._grant, self._reply_key = os.urandom(32), os.urandom(_GRANT_BYTES), os.urandom(32)

    def single(self, service: str, worker: str) -> Made:
        """Make a query or a declaration of one person."""
        return self._make(service, _BODIES[service], worker, None)

    def workbook(self, worker: str) -> Iterator[Made]:
        """Make the chunks of one workbook of 10,000 rows."""
        batch, chunks = os.urandom(16), ROWS // _ROWS_OF_CHUNK
        for number in range(chunks):
            first = number * _ROWS_OF_CHUNK + 1
            rows: list[Json] = [
                {"row": row, "id_number": _ID_NUMBER, "name": "张三", "wage": 400_000 + row}
                for row in range(first, first + _ROWS_OF_CHUNK)
            ]
            yield self._make(WORKBOOK, {"year": 2024, "rows": rows}, worker, Batch(batch, number + 1, chunks))

    def _make(self, code: str, body: dict[str, Json], worker: str, batch: Batch | None) -> Made:
        service, now_ms = SERVICES[code], time.time_ns() // 1_000_000
        content, digest = make_content(encode_json(body), os.urandom(16))
        header = RequestHeader(
            id=os.urandom(16), service=code, version=service.version, lane=service.lane, window="unit",
            created_ms=now_ms, expires_ms=now_ms + HOUR_MS, certificate=self._fingerprint, grant=self._grant,
            reply_to=worker, reply_key=self._reply_key, body_digest=digest, batch=batch,
        )  # fmt: skip
        encoded = encode_header(header)
        item = Item(encoded, seal_content(content, encoded, self._high_half))
        return Made(header.id, worker, service.lane, item, service.kind is ServiceKind.TRANSACTION)
