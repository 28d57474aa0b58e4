"""The inspector as a process of its own (E7): real sockets, real deaths, and its walls."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from ferry.inspector.frames import FrameReader, NotScanned, Question, Refusal, encode_question, parse_answer
from ops.layout import Installation, Layout, Ports
from ops.provision.role_files import ferry_inspector_table
from ops.provision.toml_text import toml_text
from ops.walls import landlock
from tests.support.ferry_kit import requests
from tests.support.virus_scanner import EICAR, Clamd
from tests.support.wire_samples import HIGH_HALF
from wire_formats.bundle import Item
from wire_formats.errors import Kind
from wire_formats.request import parse_header

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    found = Layout(tmp_path)
    for name in ("keys", "run", "log"):
        (found.ferry_inspector / name).mkdir(parents=True)
    (found.ferry_inspector / "keys" / "seal.x25519").write_bytes(HIGH_HALF.raw)
    found.settings("ferry_inspector").write_text(toml_text(ferry_inspector_table(Installation(ports=Ports()))))
    return found


@contextmanager
def running(layout: Layout) -> Iterator[subprocess.Popen[str]]:
    words = [
        sys.executable,
        "-m",
        "ops",
        "run",
        "ferry_inspector",
        "--settings",
        str(layout.settings("ferry_inspector")),
    ]
    process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def connect(layout: Layout) -> socket.socket:
    path = str(layout.ferry_inspector / "run" / "inspector.sock")
    end = time.monotonic() + 90
    while True:
        opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        opened.settimeout(60)
        try:
            opened.connect(path)
        except OSError:
            opened.close()
            assert time.monotonic() < end, "no inspector"
            time.sleep(0.05)
        else:
            return opened


def ask(talk: socket.socket, items: list[Item]) -> list[bytes | Refusal]:
    found = answer_of(talk, items)
    assert not isinstance(found, NotScanned), found
    return list(found)


def answer_of(talk: socket.socket, items: list[Item]) -> tuple[bytes | Refusal, ...] | NotScanned:
    now_ms = max((parse_header(item.header).created_ms for item in items), default=0)
    talk.sendall(encode_question(Question(7, now_ms, tuple(items))))
    reader = FrameReader()
    while True:
        data = talk.recv(65536)
        assert data, "the inspector has hung up"
        for content in reader.feed(data):
            answer = parse_answer(content)
            assert answer.ticket == 7
            return answer.verdicts


def test_it_opens_what_is_right_and_refuses_the_rest(layout: Layout) -> None:
    good = requests(2)
    broken = Item(good[0].header, good[0].content[:-1] + bytes([good[0].content[-1] ^ 1]))
    with running(layout) as process:
        with connect(layout) as talk:
            verdicts = ask(talk, [good[0], broken, good[1]])
            assert isinstance(verdicts[0], bytes)
            assert isinstance(verdicts[1], Refusal)
            assert verdicts[1].kind is Kind.BAD_SEAL
            assert verdicts[1].damaged
            assert isinstance(verdicts[2], bytes)
        with connect(layout) as again:
            assert len(ask(again, good)) == 2, "the next mover is served"
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0
    assert not (layout.ferry_inspector / "run" / "inspector.sock").exists()


def test_nonsense_ends_the_conversation_and_not_the_inspector(layout: Layout) -> None:
    with running(layout) as process:
        with connect(layout) as talk:
            talk.sendall(b"\xff" * 100)
            with suppress(ConnectionResetError):  # closed before all of it was read
                assert talk.recv(10) == b""
        with connect(layout) as again:
            assert len(ask(again, requests(1))) == 1
        assert process.poll() is None


@pytest.mark.skipif(landlock.version() == 0, reason="this kernel has no Landlock")
def test_it_lives_behind_walls_and_has_no_network(layout: Layout) -> None:
    with running(layout) as process, connect(layout) as talk:
        ask(talk, requests(1))
        status = dict(
            line.split(":", 1) for line in Path(f"/proc/{process.pid}/status").read_text().splitlines() if ":" in line
        )
        assert status["Seccomp"].strip() == "2"
        assert status["NoNewPrivs"].strip() == "1"
        opened = [os.readlink(path) for path in Path(f"/proc/{process.pid}/fd").iterdir()]
        sockets = [name for name in opened if name.startswith("socket:")]
        assert len(sockets) == 2, "its listener and the mover's connection"


# --- with a virus scanner ------------------------------------------------------------------------------------------


@pytest.fixture
def clamd() -> Iterator[Clamd]:
    with tempfile.TemporaryDirectory(prefix="fg") as folder:
        scanner = Clamd(Path(folder))
        try:
            yield scanner
        finally:
            scanner.stop()


def scanning(layout: Layout, clamd: Clamd) -> Layout:
    settings = layout.settings("ferry_inspector")
    settings.write_text(settings.read_text().replace("[inspector]\n", f'[inspector]\nclamd = "{clamd.socket}"\n'))
    return layout


def children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def noted(text: str) -> Item:
    body = {
        "id_number": "11010519491231002X", "name": "张种植", "household": "10", "origin": "new",
        "start_month": "2026-01", "wage": 543_210, "note": text,
    }  # fmt: skip
    return requests(1, service="employee.add", body=body)[0]


def test_a_real_clamd_is_asked_and_nothing_passes_without_it(layout: Layout, clamd: Clamd) -> None:
    plain, infected = noted("plain"), noted(EICAR.decode())
    with running(scanning(layout, clamd)), connect(layout) as talk:
        assert answer_of(talk, [plain]) == NotScanned("no_answer", guilty=False)
        clamd.start()
        found = ask(talk, [plain, infected, plain])
        assert isinstance(found[0], bytes)
        assert isinstance(found[1], Refusal)
        assert (found[1].kind, found[1].damaged) == (Kind.INFECTED, False)
        assert "Test.Eicar" in found[1].reason
        assert isinstance(found[2], bytes)
        clamd.stop()
        assert answer_of(talk, [plain]) == NotScanned("no_answer", guilty=False)


@pytest.mark.skipif(landlock.version() == 0, reason="this kernel has no Landlock")
def test_the_inspector_itself_still_opens_no_socket_and_its_child_sees_no_key(layout: Layout, clamd: Clamd) -> None:
    clamd.start()
    with running(scanning(layout, clamd)) as process, connect(layout) as talk:
        ask(talk, [noted("plain")])
        (child,) = children(process.pid)
        for pid in (process.pid, child):
            status = Path(f"/proc/{pid}/status").read_text()
            assert "Seccomp:\t2" in status
            assert "NoNewPrivs:\t1" in status
        opened = [os.readlink(path) for path in Path(f"/proc/{process.pid}/fd").iterdir()]
        assert sum(name.startswith("socket:") for name in opened) == 3, "listener, mover, and its child"
        theirs = [os.readlink(path) for path in Path(f"/proc/{child}/fd").iterdir()]
        assert sum(name.startswith("socket:") for name in theirs) == 1
        assert not any("seal" in name or "inspector.sock" in name for name in theirs)
        os.kill(child, signal.SIGKILL)
        assert process.wait(timeout=60) == 1, "whoever keeps the inspector alive starts both anew"
