"""The edge's processes: ports, stale deny list, caps, and what happens when the master dies."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import ssl
import time

import pytest

from tests.support.edge_bench import EdgeBench, children_of, get, post, read_answer


def test_a_taken_port_is_one_clear_line(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        bench = EdgeBench(tmp_path)
        text = (tmp_path / "edge.toml").read_text().replace("unit_port = 0", f"unit_port = {port}")
        (tmp_path / "edge.toml").write_text(text)
        with pytest.raises(AssertionError, match=f"cannot listen on 127.0.0.1 port {port} \\(unit\\)"):
            bench.start()
        assert bench.stop() == 2


def test_a_stale_deny_list_stops_logins_only(tmp_path):
    bench = EdgeBench(tmp_path, "children = 1\ndeny_limit_s = 1")
    client = bench.authority.client()
    try:
        bench.start()
        time.sleep(1.2)
        answer = bench.ask("unit", client, post("/login", b"user=a"))
        assert (answer.status, answer.headers["retry-after"]) == (503, "60")
        assert bench.ask("unit", client, get("/login")).status == 200
        bench.deny()
        bench.wait_for(lambda: bench.ask("unit", client, post("/login", b"user=a")).status == 200, 3)
    finally:
        assert bench.stop() == 0


def test_connection_caps(tmp_path):
    bench = EdgeBench(tmp_path, "children = 1\ncertificate_connections = 2\naddress_connections = 4")
    client = bench.authority.client()
    try:
        bench.start()
        held = [bench.connect("unit", client) for _ in range(2)]
        for connection in held:
            connection.sendall(get("/"))
            assert read_answer(connection).status == 200
        assert bench.ask("unit", client, get("/")).status == 429
        held += [bench.connect("site") for _ in range(2)]
        with pytest.raises((OSError, ssl.SSLError)):
            bench.ask("site", None, get("/"))
        for connection in held:
            connection.close()
        bench.wait_for(lambda: bench.ask("unit", client, get("/")).status == 200)
    finally:
        assert bench.stop() == 0


def test_children_leave_when_their_master_dies(tmp_path):
    bench = EdgeBench(tmp_path, "children = 2\ndrain_s = 2").start()
    children = children_of(bench.process.pid)
    bench.process.kill()
    bench.process.wait()
    bench.wait_for(lambda: not any(_runs(pid) for pid in children))
    assert bench.stop() == -signal.SIGKILL


def test_everybody_told_to_stop_at_once_stops_once(tmp_path):
    bench = EdgeBench(tmp_path, "children = 2\ndrain_s = 2").start()
    with contextlib.closing(bench.connect("unit", bench.authority.client())) as held:
        held.sendall(get("/slow"))
        children = children_of(bench.process.pid)
        for pid in (*children, bench.process.pid, *children):
            with contextlib.suppress(ProcessLookupError):  # a child without a connection may be gone already
                os.kill(pid, signal.SIGTERM)
        assert read_answer(held).status == 200
    assert bench.stop() == 0
    assert "Traceback" not in bench.log()


def _runs(pid: int) -> bool:
    """Whether a process runs; one that ended and waits to be reaped does not."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError), open(f"/proc/{pid}/stat") as stat:
        return stat.read().rpartition(")")[2].split()[0] != "Z"
    return False
