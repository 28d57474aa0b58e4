"""The same mutated requests at a real edge over TLS: it answers as the parsers do, reaches nobody else, and lives on.

The edge behind the bench has the hall's firewall and a pipeline that logs what reaches it. For every input the number
of good answers and the word of the refusal in the log must be what the oracle found in this process.
"""

from __future__ import annotations

import contextlib
import random
import re
import ssl
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

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
_WINDOWS: Final = ("unit", "community", "person", "site")
_STATUS: Final = re.compile(rb"HTTP/1\.1 ([0-9]{3}) ")
_GROUP: Final = 50


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
        self._seen = 0

    def run(self, seed: str, count: int) -> Findings:
        """Send the inputs of a seed."""
        findings = Findings()
        chance = random.Random(f"{seed} cuts")  # noqa: S311 - reproducible mutations, not secrets
        group: list[tuple[int, bytes, Reading]] = []
        for number, (data, window) in enumerate(inputs(seed, count, doors())):
            reading = self._door.examine(data, window, chance)
            self._send(data, window, reading)
            group.append((number, data, reading))
            findings.inputs += 1
            if len(group) == _GROUP or number == count - 1:
                self._compare(group, seed, findings)
                group = []
        findings.outcomes = self._door.outcomes
        return findings

    def _send(self, data: bytes, window: str, reading: Reading) -> None:
        """Send one input on its own connection and read every answer that is due."""
        due = len(reading.requests) + bool(reading.end)
        with contextlib.closing(self._bench.connect(window, context=self._contexts[window])) as connection:
            with contextlib.suppress(ConnectionError, ssl.SSLError):
                connection.sendall(data)
                received = b""
                while len(_STATUS.findall(received)) < due or not received.endswith((b"}", b"</html>\n")):
                    part = connection.recv(65_536)
                    if not part:
                        break
                    received += part

    def _compare(self, group: list[tuple[int, bytes, Reading]], seed: str, findings: Findings) -> None:
        """Compare a group with what the log says of it; one by one would cost a reading of the log each."""
        wanted: Counter[str] = Counter()
        for _, _, reading in group:
            wanted.update(self._words(reading))
        found = self._log(sum(wanted.values()))
        if found != wanted:
            words = f"the edge's log differs: {found - wanted} instead of {wanted - found}"
            findings.faults += [(seed, number, words, data) for number, data, _ in group]
        if children_of(self._bench.process.pid) != self._children:
            raise Fault("a child of the edge has died")

    def _words(self, reading: Reading) -> list[str]:
        """Give the words that the log must have for a reading."""
        words = []
        for request, head, _ in reading.requests:
            verdict = self._door.judge(request)
            words.append("answered" if verdict.allowed else verdict.kind.name.lower())
            if verdict.allowed:
                words.append(f"reached {request.path}")
            if not head.keep_alive:
                return words
        return [*words, reading.end] if reading.end else words

    def _log(self, least: int) -> Counter[str]:
        """Wait for the log of a group; gives its words."""
        found: list[str] = []

        def complete() -> bool:
            found[:] = [
                event["reason"] if event["log_format"] == "request_answered" else f"reached {event['path']}"
                for event in self._bench.all_events()[self._seen :]
                if event["log_format"] in ("request_answered", "worker_reached")
                and event.get("reason") != "client_left"
            ]
            return len(found) >= least

        with contextlib.suppress(AssertionError):
            self._bench.wait_for(complete, 10)
        self._seen = len(self._bench.all_events())
        return Counter(found)
