"""Nothing passes unscanned where a scanner is set up: clean, infected, dead, mute, and one that fails over an item."""

from __future__ import annotations

import errno
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from ferry.inspection import Inspector
from ferry.inspector import dialler
from ferry.inspector.dialler import Dialler
from ferry.inspector.frames import NotScanned, Refusal
from ferry.inspector.port import NearInspector
from ferry.inspector.scanning import ScanLimits, Scanner, scanned_bytes
from tests.support.ferry_kit import bundles_in, request_ids, requests, worker_author
from tests.support.machines import NOW_MS
from tests.support.virus_scanner import EICAR
from tests.support.wire_samples import HIGH_HALF
from tests.unit.ferry.driving import Driven
from wire_formats.bundle import Item
from wire_formats.canonical import encode_json
from wire_formats.catalogue import SERVICES
from wire_formats.errors import Kind
from wire_formats.request import parse_header

CONTENT = bytes(16) + encode_json({"note": "plain", "rows": [{"name": "张三"}]})
ADD = {
    "id_number": "11010519491231002X",
    "name": "张种植",
    "household": "10",
    "origin": "new",
    "start_month": "2026-01",
    "wage": 543_210,
}
#: For one that never answers; the others may take their time on a busy machine.
QUICK = ScanLimits(deadline_s=3.0, question_s=9.0)
PATIENT = ScanLimits(deadline_s=60.0, question_s=90.0)


class PlayedClamd:
    """Answers as clamd would, or as a broken one; each connection is served by a thread."""

    def __init__(self) -> None:
        self.dead = self.mute = False
        #: Reply to INSTREAM; None finds the test virus; b"" hangs up; "silent" never answers.
        self.reply: bytes | str | None = None
        self.scanned: list[bytes] = []

    def dial(self) -> socket.socket:
        if self.dead:
            raise ConnectionRefusedError(errno.ECONNREFUSED, "no clamd")
        ours, theirs = socket.socketpair()
        threading.Thread(target=self._serve, args=(theirs,), daemon=True).start()
        return ours

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as stream:
            command = b""
            while not command.endswith(b"\0"):
                command += stream.read(1)
            if self.mute or (command == b"zINSTREAM\0" and self.reply == "silent"):
                stream.read()
                return
            if command == b"zPING\0":
                connection.sendall(b"PONG\0")
                return
            data = b""
            while size := struct.unpack(">I", stream.read(4))[0]:
                data += stream.read(size)
            self.scanned.append(data)
            found = b"stream: Test.Eicar FOUND\0" if EICAR in data else b"stream: OK\0"
            with suppress(OSError):  # whose time is up has hung up
                connection.sendall(self.reply if isinstance(self.reply, bytes) else found)


@pytest.fixture
def clamd() -> PlayedClamd:
    return PlayedClamd()


def scanner(clamd: PlayedClamd, limits: ScanLimits = PATIENT) -> Scanner:
    return Scanner(clamd.dial, time.monotonic, limits)


def test_a_text_is_scanned_as_it_reads_and_not_as_it_is_written() -> None:
    seen = scanned_bytes(bytes(16) + encode_json({"note": EICAR.decode(), "rows": [{"name": "张三"}], "wage": 5}))
    assert EICAR not in encode_json({"note": EICAR.decode()})
    assert EICAR in seen
    assert "张三".encode() in seen


def test_what_is_clean_passes_and_what_is_infected_does_not(clamd: PlayedClamd) -> None:
    infected = bytes(16) + encode_json({"note": EICAR.decode()})
    refused = Refusal(Kind.BAD_FIELD, "refused before")
    found = scanner(clamd).scan_all([CONTENT, infected, refused, CONTENT])
    assert found == (CONTENT, Refusal(Kind.INFECTED, "virus scanner: Test.Eicar"), refused, CONTENT)
    assert len(clamd.scanned) == 3


@pytest.mark.parametrize("state", ["dead", "mute"])
def test_without_an_answer_nothing_passes_and_nobody_is_guilty(clamd: PlayedClamd, state: str) -> None:
    setattr(clamd, state, True)
    assert scanner(clamd, QUICK).scan_all([CONTENT]) == NotScanned("no_answer", guilty=False)


@pytest.mark.parametrize(
    ("reply", "told", "guilty"),
    [
        ("silent", "no_answer", True),
        (b"", "no_answer", True),
        (b"stream: OK", "clamd_error", True),
        (b"COMMAND READ TIMED OUT ERROR\0", "clamd_error", True),
        (b"INSTREAM size limit exceeded. ERROR\0", "too_large", False),
    ],
)
def test_one_that_answers_and_fails_over_an_item(
    clamd: PlayedClamd,
    reply: bytes | str,
    told: str,
    guilty: bool,  # noqa: FBT001 - a parameter
) -> None:
    clamd.reply = reply
    limits = QUICK if reply == "silent" else PATIENT
    assert scanner(clamd, limits).scan_all([CONTENT]) == NotScanned(told, guilty=guilty)


def test_more_than_its_own_limit_is_refused_and_not_streamed(clamd: PlayedClamd) -> None:
    found = scanner(clamd, ScanLimits(most_bytes=10)).scan_all([CONTENT])
    assert found == (Refusal(Kind.TOO_LARGE, "too large for the virus scanner"),)
    assert clamd.scanned == []


def test_a_question_has_its_time_and_no_more(clamd: PlayedClamd) -> None:
    passed = iter(range(1_000))
    found = Scanner(clamd.dial, lambda: float(next(passed)), ScanLimits(deadline_s=50, question_s=20)).scan_all(
        [CONTENT] * 50
    )
    assert isinstance(found, NotScanned)
    assert 0 < len(clamd.scanned) < 20


# --- the process that opens connections --------------------------------------------------------------------------


@pytest.fixture
def dialled(tmp_path: Path) -> Iterator[tuple[Dialler, Path, socket.socket]]:
    ours, theirs = socket.socketpair()
    path = tmp_path / "c.sock"
    serving = threading.Thread(target=dialler.serve, args=(theirs, path), kwargs={"deadline_s": 60})
    serving.start()
    yield Dialler(ours, deadline_s=60), path, ours
    ours.close()
    serving.join()
    theirs.close()


def test_it_gives_connections_to_one_socket_and_says_when_there_are_none(
    dialled: tuple[Dialler, Path, socket.socket],
) -> None:
    door, path, _ = dialled
    with pytest.raises(ConnectionRefusedError):
        door.dial()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()
        with door.dial() as opened:
            opened.sendall(b"hello")
            with listening.accept()[0] as accepted:
                assert accepted.recv(10) == b"hello"


def test_an_answer_that_was_given_up_on_is_not_taken_for_the_next() -> None:
    ours, theirs = socket.socketpair()
    late, right = socket.socketpair()
    door = Dialler(ours, deadline_s=0.05)
    with ours, theirs, late, right:
        with pytest.raises(TimeoutError):
            door.dial()
        for one in (late, right):
            socket.send_fds(theirs, [b"+"], [one.fileno()])
        with door.dial() as opened:
            opened.sendall(b"through the second")
        assert late.recv(100) == b"through the second"


def test_when_it_is_gone_there_is_no_connection() -> None:
    ours, theirs = socket.socketpair()
    theirs.close()
    with pytest.raises(OSError):
        Dialler(ours, deadline_s=1).dial()
    ours.close()


# --- the half ------------------------------------------------------------------------------------------------------


@pytest.fixture
def ferry(tmp_path: Path, clamd: PlayedClamd) -> Iterator[Driven]:
    driven = Driven(tmp_path, inspector=NearInspector(Inspector(SERVICES, HIGH_HALF), scanner(clamd, QUICK)))
    yield driven
    driven.stop()


def sent(ferry: Driven, *notes: str) -> list[Item]:
    items = [requests(1, now_ms=NOW_MS, service="employee.add", body={**ADD, "note": note})[0] for note in notes]
    worker_author(ferry.kit).send(items, now_ms=NOW_MS)
    return items


def delivered(ferry: Driven) -> set[bytes]:
    bundles = bundles_in(ferry.kit.core_inbox / "interactive")
    return {parse_header(item.header).id for bundle in bundles for item in bundle.items if item.content}


def aside(ferry: Driven, shelf: str) -> list[str]:
    return [path.name.split("-", 2)[2] for path in (ferry.kit.root / "ferry_high/quarantine" / shelf).glob("*.bundle")]


def absent(ferry: Driven) -> float:
    return float(ferry.high.half.parts.metrics.scanner_absent._value.get())


def test_an_infected_request_is_quarantined_and_the_others_of_its_bundle_go_on(ferry: Driven) -> None:
    first, _, last = sent(ferry, "plain", EICAR.decode(), "plain too")
    ferry.run(1)
    assert delivered(ferry) == set(request_ids([first, last]))
    assert aside(ferry, "quarantined") == ["infected.bundle"]
    assert aside(ferry, "held") == []


@pytest.mark.parametrize("state", ["dead", "mute"])
def test_while_it_is_dead_or_mute_requests_wait_and_it_is_told(ferry: Driven, clamd: PlayedClamd, state: str) -> None:
    setattr(clamd, state, True)
    items = sent(ferry, "plain", EICAR.decode())
    ferry.run(0.6)
    assert delivered(ferry) == set()
    assert aside(ferry, "held") == aside(ferry, "quarantined") == []
    assert absent(ferry) == 1
    lane = next(one for one in ferry.high.half.status().lanes if (one.way, one.lane) == ("inbound", "interactive"))
    assert lane.blocked == "virus scanner: no_answer"
    setattr(clamd, state, False)
    ferry.run(1)
    assert delivered(ferry) == set(request_ids(items[:1]))
    assert absent(ferry) == 0


def test_what_it_fails_over_is_held_after_three_times_and_the_lane_goes_on(ferry: Driven, clamd: PlayedClamd) -> None:
    clamd.reply = b""
    sent(ferry, "deadly")
    ferry.run(3)
    assert delivered(ferry) == set()
    assert len(aside(ferry, "held")) == 1
    clamd.reply = None
    good = worker_author(ferry.kit, "worker-2")
    items = requests(1, now_ms=NOW_MS, service="employee.add", body=ADD, reply_to="worker-2")
    good.send(items, now_ms=NOW_MS)
    ferry.run(1)
    assert delivered(ferry) == set(request_ids(items))
