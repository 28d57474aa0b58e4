"""New children beside the old ones, and a new master beside the old one: nobody outside notices."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ops.runtime.hand_over import LEAVE, OWN, PREDECESSOR
from tests.support.edge_bench import WAIT_S, EdgeBench, children_of, get, post, read_answer
from tests.support.test_ca import Credentials

DRAIN_S = 3


class Asker(threading.Thread):
    """Asks over new connections, one after the other, until told to stop."""

    def __init__(self, bench: EdgeBench, client: Credentials) -> None:
        super().__init__(daemon=True)
        self._bench = bench
        self._context = bench.context(client)
        self._going = True
        self.asked = 0
        self.lost: list[str] = []

    def run(self) -> None:
        while self._going:
            self.asked += 1
            try:
                with contextlib.closing(self._bench.connect("unit", context=self._context)) as connection:
                    connection.sendall(post("/", b"a=b"))
                    assert read_answer(connection).status == 200
            except (OSError, ssl.SSLError, AssertionError) as error:
                self.lost.append(repr(error))

    def stop(self) -> None:
        self._going = False
        self.join(30)


@contextmanager
def asking(bench: EdgeBench, client: Credentials) -> Iterator[Asker]:
    """Someone asks meanwhile."""
    asker = Asker(bench, client)
    asker.start()
    try:
        yield asker
    finally:
        asker.stop()


def kept(bench: EdgeBench, client: Credentials) -> ssl.SSLSocket:
    """A connection that has been used and is idle."""
    connection = bench.connect("unit", client)
    connection.sendall(get("/"))
    assert read_answer(connection).headers["connection"] == "keep-alive"
    return connection


def last_answer(connection: ssl.SSLSocket) -> None:
    """An idle connection still gets its answers; the first of a process that leaves ends it."""
    told = "keep-alive"
    end = time.monotonic() + WAIT_S
    while told == "keep-alive":  # until the process has been told to leave
        assert time.monotonic() < end
        time.sleep(0.05)
        connection.sendall(post("/", b"a=b"))
        answer = read_answer(connection)
        assert answer.status == 200
        told = answer.headers["connection"]
    assert told == "close"
    assert connection.recv(1) == b""
    connection.close()


def answering(bench: EdgeBench, client: Credentials) -> set[int]:
    """Children that answer new connections."""
    return {int(json.loads(bench.ask("unit", client, get("/")).body)["pid"]) for _ in range(10)}


def test_old_children_serve_until_all_the_new_ones_do(tmp_path: Path) -> None:
    bench = EdgeBench(tmp_path, f"children = 2\ndrain_s = {DRAIN_S}")
    client = bench.authority.client()
    try:
        bench.start()
        old = set(children_of(bench.process.pid))
        one, other = kept(bench, client), kept(bench, client)
        with asking(bench, client) as asker:
            bench.process.send_signal(signal.SIGHUP)
            bench.wait_for(lambda: len(children_of(bench.process.pid)) == 4)
            bench.process.send_signal(signal.SIGHUP)  # in haste: the second generation is not needed any more
            last_answer(one)
            bench.wait_for(lambda: old.isdisjoint(answering(bench, client)))
            bench.wait_for(lambda: old.isdisjoint(children_of(bench.process.pid)))
            bench.wait_for(lambda: asker.asked > 20)
        assert asker.lost == []
        assert other.recv(1) == b"", "an idle connection is closed in order at the end"
        other.close()
        bench.wait_for(lambda: len(children_of(bench.process.pid)) == 2)
    finally:
        assert bench.stop() == 0


def test_a_new_master_takes_the_sockets_over(tmp_path: Path) -> None:
    bench = EdgeBench(tmp_path, f"children = 2\ndrain_s = {DRAIN_S}")
    client = bench.authority.client()
    far, own = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with far, own:
        bench.start({OWN: own})
        old, ports = bench.process, bench.ports
        assert old is not None
        try:
            idle = kept(bench, client)
            with asking(bench, client) as asker:
                bench.start({PREDECESSOR: far})
                assert bench.ports == ports, "port 0 means any, so they are the same sockets"
                far.send(LEAVE)
                old.send_signal(signal.SIGTERM)
                last_answer(idle)
                assert old.wait(DRAIN_S + WAIT_S) == 0
                asked = max(asker.asked, 30)
                bench.wait_for(lambda: asker.asked > asked + 20)
            assert asker.lost == []
        finally:
            old.kill()
            old.wait()
            old.stdout.close()
            old.stderr.close()
            assert bench.stop() == 0
