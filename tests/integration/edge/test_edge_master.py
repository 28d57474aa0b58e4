"""The edge's processes: ports, stale deny list, caps, and what happens when the master dies."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import ssl

import pytest

from tests.support.edge_bench import EdgeBench, children_of, get, is_alive, post, read_answer


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
    bench = EdgeBench(tmp_path, "children = 1\ndeny_limit_s = 2")
    client = bench.authority.client()
    try:
        bench.start()
        bench.wait_for(lambda: bench.ask("unit", client, post("/login", b"user=a")).status == 503)
        answer = bench.ask("unit", client, post("/login", b"user=a"))
        assert (answer.status, answer.headers["retry-after"]) == (503, "60")
        assert bench.ask("unit", client, get("/login")).status == 200

        def lets_in_after_news() -> bool:
            """Each notice is news for two seconds only: a busy machine may need another."""
            bench.deny()
            answers = (bench.ask("unit", client, post("/login", b"user=a")).status for _ in range(20))
            return 200 in answers

        bench.wait_for(lets_in_after_news)
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

        def one_more() -> bool:
            """That the last connection is gone is seen a moment later."""
            with contextlib.suppress(OSError, ssl.SSLError):
                held.append(bench.connect("site"))
            return len(held) == 4

        bench.wait_for(one_more)
        with pytest.raises((OSError, ssl.SSLError)):
            bench.ask("site", None, get("/"))
        for connection in held:
            connection.close()

        def serves() -> bool:
            with contextlib.suppress(OSError, ssl.SSLError):
                return bool(bench.ask("unit", client, get("/")).status == 200)
            return False

        bench.wait_for(serves)
    finally:
        assert bench.stop() == 0


def test_children_leave_when_their_master_dies(tmp_path):
    bench = EdgeBench(tmp_path, "children = 2\ndrain_s = 2").start()
    children = children_of(bench.process.pid)
    bench.process.kill()
    bench.process.wait()
    bench.wait_for(lambda: not any(is_alive(pid) for pid in children))
    assert bench.stop() == -signal.SIGKILL


def test_everybody_told_to_stop_at_once_stops_once(tmp_path):
    bench = EdgeBench(tmp_path, "children = 2\ndrain_s = 20").start()
    with contextlib.closing(bench.connect("unit", bench.authority.client())) as held:
        held.sendall(get("/slow"))
        children = children_of(bench.process.pid)
        for pid in (*children, bench.process.pid, *children):
            with contextlib.suppress(ProcessLookupError):  # a child without a connection may be gone already
                os.kill(pid, signal.SIGTERM)
        assert read_answer(held).status == 200
    assert bench.stop() == 0
    assert "Traceback" not in bench.log()
