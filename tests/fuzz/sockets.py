"""The same mutated requests at a real edge over TLS: it answers as the parsers do, reaches nobody else, and lives on.

The edge behind the bench has the hall's firewall and a pipeline that logs what reaches it. For every input the number
of good answers and the word of the refusal in the log must be what the oracle found in this process.
"""

from __future__ import annotations

import contextlib
import json
import random
import re
import ssl
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from dmz.messages import Window
from tests.fuzz.campaign import Findings, inputs
from tests.fuzz.oracle import Fault, FrontDoor, Reading
from tests.fuzz.seeds import doors
from tests.support.edge_bench import EdgeBench, children_of

_SETTINGS: Final = """children = 1
address_connections = 100000
certificate_connections = 1000
address_new_per_s = 100000
address_requests_per_s = 1000000
certificate_requests_per_s = 1000000
upload_bytes = 1024
"""
_WINDOWS: Final[tuple[Window, ...]] = ("unit", "community", "person", "site")
_STATUS: Final = re.compile(rb"HTTP/1\.1 [2-5][0-9]{2} ")
#: Inputs between two looks at the log.
_GROUP: Final = 25
_REACHED: Final = "reached "


@contextlib.contextmanager
def running_edge() -> Iterator[EdgeBench]:
    """Start an edge with the firewall in a temporary folder."""
    with tempfile.TemporaryDirectory() as folder:
        bench = EdgeBench(Path(folder), _SETTINGS, guarded=True).start()
        try:
            yield bench
        finally:
            bench.stop()


class SocketCampaign:
    """Sends inputs to an edge and compares.

    Args:
        bench: a running edge.
    """

    def __init__(self, bench: EdgeBench) -> None:
        self._bench = bench
        self._door = FrontDoor()
        clients = {name: None if name == "site" else bench.authority.client(name, "U1") for name in _WINDOWS}
        self._contexts = {name: bench.context(client) for name, client in clients.items()}
        self._children = children_of(bench.process.pid)
        self._log = _Log(bench.directory / "edge.log")
        self._log.words()

    def run(self, seed: str, count: int) -> Findings:
        """Send the inputs of a seed."""
        findings = Findings()
        chance = random.Random(f"{seed} cuts")  # noqa: S311 - reproducible mutations, not secrets
        group: dict[int, bytes] = {}
        wanted: Counter[str] = Counter()
        for number, (data, window) in enumerate(inputs(seed, count, doors())):
            words = self._words(self._door.examine(data, window, chance))
            self._send(data, window, sum(not word.startswith(_REACHED) for word in words))
            group[number] = data
            wanted.update(words)
            findings.inputs += 1
            if len(group) == _GROUP or number == count - 1:
                self._compare(group, wanted, seed, findings)
                group, wanted = {}, Counter()
        findings.outcomes = self._door.outcomes
        return findings

    def _send(self, data: bytes, window: Window, due: int) -> None:
        """Send one input on its own connection and read until every answer that is due has begun."""
        with contextlib.closing(self._bench.connect(window, context=self._contexts[window])) as connection:
            with contextlib.suppress(ConnectionError, ssl.SSLError):
                connection.sendall(data)
                received = b""
                while len(_STATUS.findall(received)) < due and (part := connection.recv(65_536)):
                    received += part

    def _words(self, reading: Reading) -> list[str]:
        """Give the words that the log must have for a reading."""
        words = []
        for request, head, _ in reading.requests:
            verdict = self._door.judge(request)
            if verdict.allowed:
                words.append(f"{_REACHED}{request.path}")
            words.append("answered" if verdict.allowed else verdict.kind.name.lower())
            if not head.keep_alive:
                return words
        return [*words, reading.end] if reading.end else words

    def _compare(self, group: dict[int, bytes], wanted: Counter[str], seed: str, findings: Findings) -> None:
        """Compare a group with what the log says of it."""
        found: Counter[str] = Counter()

        def complete() -> bool:
            found.update(self._log.words())
            return found.total() >= wanted.total()

        with contextlib.suppress(AssertionError):
            self._bench.wait_for(complete, 30)
        if found != wanted:
            words = f"the edge's log differs: {found - wanted} instead of {wanted - found}"
            findings.faults += [(seed, number, words, data) for number, data in group.items()]
        if children_of(self._bench.process.pid) != self._children:
            raise Fault("a child of the edge has died")


class _Log:
    """Reads what has been added to the edge's log."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read_bytes = 0

    def words(self) -> list[str]:
        """Give why requests were answered so, and which paths reached the pipeline."""
        with self._path.open("rb") as file:
            file.seek(self._read_bytes)
            whole = file.read().splitlines(keepends=True)
        whole = [line for line in whole if line.endswith(b"\n")]
        self._read_bytes += sum(map(len, whole))
        found = []
        for event in map(json.loads, whole):
            if event["log_format"] == "worker_reached":
                found.append(f"{_REACHED}{event['path']}")
            elif event["log_format"] == "request_answered" and event["reason"] != "client_left":
                found.append(event["reason"])
        return found
