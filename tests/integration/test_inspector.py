"""The inspector as a process of its own (E7): real sockets, real deaths, and its walls."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ferry.inspector.frames import FrameReader, Question, Refusal, encode_question, parse_answer
from ops.layout import Installation, Layout, Ports
from ops.provision.role_files import ferry_inspector_table
from ops.provision.toml_text import toml_text
from ops.walls import landlock
from tests.support.ferry_kit import requests
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
    end = time.monotonic() + 30
    while True:
        opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        opened.settimeout(20)
        try:
            opened.connect(path)
        except OSError:
            opened.close()
            assert time.monotonic() < end, "no inspector"
            time.sleep(0.05)
        else:
            return opened


def ask(talk: socket.socket, items: list[Item]) -> list[bytes | Refusal]:
    now_ms = max((parse_header(item.header).created_ms for item in items), default=0)
    talk.sendall(encode_question(Question(7, now_ms, tuple(items))))
    reader = FrameReader()
    while True:
        for content in reader.feed(talk.recv(65536)):
            answer = parse_answer(content)
            assert answer.ticket == 7
            return list(answer.verdicts)


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
        assert process.wait(timeout=20) == 0
    assert not (layout.ferry_inspector / "run" / "inspector.sock").exists()


def test_nonsense_ends_the_conversation_and_not_the_inspector(layout: Layout) -> None:
    with running(layout) as process:
        with connect(layout) as talk:
            talk.sendall(b"\xff" * 100)
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
