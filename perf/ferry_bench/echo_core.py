"""``python -m perf.ferry_bench.echo_core FOLDER/core/echo.toml``: a core without a database.

It takes what lies in the inbox, interactive before bulk, and answers in bundles for each worker, as the core's
publisher does after a commit.  It checks no seal and opens nothing: what is measured is the road, not the core.

Settings: ``most_items`` answers in one bundle, ``durable`` whether each file is waited for until it is on the disk.
"""

from __future__ import annotations

import hashlib
import os
import sys
import time
import tomllib
from pathlib import Path
from typing import Final

from perf.ferry_bench.arrivals import Arrivals
from wire_formats.answer import AnswerHeader, AnswerStatus, encode_answer_header
from wire_formats.bundle import MAX_BUNDLE_BYTES, Item, SealStream, encode_bundle, new_bundle, parse_bundle
from wire_formats.drop import DropName, list_drop, prepare_drop, read_drop, remove_drop, write_drop
from wire_formats.request import LANES, RequestHeader, parse_header
from wire_formats.suites import SigningKey, load_signing_key

#: An answer as large as a page of a ledger; nobody opens it.
ANSWER_BYTES: Final = 1_024
#: Files taken before they are answered, as the core commits many requests at once; of bulk always one.
_AT_ONCE: Final = {"interactive": 256, "bulk": 1}
_IDLE_S: Final = 0.25


class EchoCore:
    """Answers requests.

    Args:
        folder: the core's folder of an installation.
        key: the core's signing key.
        most_items: answers in one bundle.
        durable: wait for the disk with each file.
    """

    def __init__(self, folder: Path, key: SigningKey, *, most_items: int, durable: bool) -> None:
        self._inbox, self._outbox = folder / "inbox", folder / "outbox"
        self._key = key
        self._most_items = most_items
        self._durable = durable
        self._content = os.urandom(ANSWER_BYTES)
        self._digest = hashlib.sha256(self._content).digest()
        epoch = _now_ms()
        self._streams = {lane: SealStream("outbound", lane, epoch) for lane in LANES}
        for lane in LANES:
            prepare_drop(self._outbox / lane)
            prepare_drop(self._inbox / lane)

    def serve(self) -> None:
        """Answer until the process that started this one is gone."""
        parent = os.getppid()
        arrivals = Arrivals(self._inbox / lane for lane in LANES)
        while os.getppid() == parent:
            if sum(self.turn(lane) for lane in LANES) == 0:
                arrivals.wait(_IDLE_S)

    def turn(self, lane: str) -> int:
        """Answer what waits on one lane; gives how many requests that were."""
        names, _ = list_drop(self._inbox / lane, most=_AT_ONCE[lane])
        answers: dict[str, list[Item]] = {}
        for name in names:
            bundle = parse_bundle(read_drop(self._inbox / lane, name, limit=MAX_BUNDLE_BYTES))
            for item in bundle.items:
                if item.content:  # the high half empties what it rejected
                    header = parse_header(item.header)
                    answers.setdefault(header.reply_to, []).append(self._answer(header))
        for group in answers.values():
            for start in range(0, len(group), self._most_items):
                self._drop(lane, group[start : start + self._most_items])
        for name in names:
            remove_drop(self._inbox / lane, name)
        return sum(map(len, answers.values()))

    def _answer(self, request: RequestHeader) -> Item:
        header = AnswerHeader(
            request_id=request.id, service=request.service, version=request.version, status=AnswerStatus.DONE,
            lane=request.lane, reply_to=request.reply_to, answered_ms=_now_ms(), content_digest=self._digest,
        )  # fmt: skip
        return Item(encode_answer_header(header), self._content)

    def _drop(self, lane: str, items: list[Item]) -> None:
        stream = self._streams[lane]
        sealed = stream.seal(new_bundle("outbound", items), self._key, now_ms=_now_ms())
        name = DropName(stream.epoch, stream.sequence, "core")
        write_drop(self._outbox / lane, name, encode_bundle(sealed), durable=self._durable)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def main() -> None:
    """Serve with the settings named on the command line."""
    settings = Path(sys.argv[1])
    table = tomllib.loads(settings.read_text(encoding="ascii"))
    folder = settings.parent
    key = load_signing_key(*((folder / "keys" / name).read_bytes() for name in ("core.key.pem", "core.pem")))
    EchoCore(folder, key, most_items=table["most_items"], durable=table["durable"]).serve()


if __name__ == "__main__":
    main()
