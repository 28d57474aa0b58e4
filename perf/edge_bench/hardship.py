"""Many idle connections, a storm of handshakes, new certificates under load, clients that are slow on purpose."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Final

from perf.edge_bench import requests
from perf.edge_bench.candidates import HAPROXY, HAPROXY_NEW, NGINX, NGINX_NEW, OURS, Server
from perf.edge_bench.plan import WARM_S, Plan
from perf.edge_bench.processes import program
from perf.edge_bench.targets import p50_p99, row, verdict
from perf.edge_bench.wire import ClosedLoop, Handshakes, Loop, OpenLoop

_IDLE_STEPS: Final = (1_000, 5_000)
#: Opened at once: fewer than any listener's queue holds.
_BATCH: Final = 100
_STORM_WIDTH: Final = 128
_STORM_RATE: Final = 300
_RELOADS: Final = 6
_BETWEEN_RELOADS_S: Final = 2.0
_SLOW_RATE: Final = 200
_SLOW_S: Final = 6
_SLOW_CONNECTIONS: Final = 400
_SLOW_WAYS: Final = {
    "slow head": ("-H", "-i", "2", "-x", "24"),
    "slow body": ("-B", "-i", "2", "-s", "8192", "-x", "24"),
    "slow read": ("-X", "-w", "1", "-y", "2", "-n", "2", "-z", "1", "-k", "3"),
}


def idle(plan: Plan) -> None:
    """Memory of connections that have been made and say nothing."""
    most = {}
    for name in (NGINX, HAPROXY, OURS):
        with plan.bench.serving(name) as servers:
            for server in servers:
                most[name] = _idle_once(plan, server)
    if OURS in most:
        row("  ours, KiB a connection", f"{most[OURS]:.1f}  {verdict(most[OURS], at_most=30)}")
        for name in (NGINX, HAPROXY):
            if name in most:
                times = most[OURS] / most[name]
                row(f"  ours / {name}", f"x{times:.2f}  {verdict(times, at_most=1.45)}")


def storm(plan: Plan) -> None:
    """Requests at 300/s while 128 clients shake hands as fast as they can."""
    seen = {}
    with plan.bench.serving(NGINX, NGINX_NEW, HAPROXY, HAPROXY_NEW, OURS) as servers:
        for server in servers:
            seen[server.name] = _storm_once(plan, server)
    for name, at_most in ((NGINX, 0.3), (NGINX_NEW, 0.3), (HAPROXY, 0.6), (HAPROXY_NEW, 0.6)):
        if name in seen and OURS in seen:
            times = seen[OURS] / seen[name]
            row(f"  ours / {name}, p99", f"x{times:.2f}  {verdict(times, at_most=at_most)}")


def _storm_once(plan: Plan, server: Server) -> float:
    """Give the p99 of the requests, seconds.

    The storm is a process of its own that gives way to us, so that its own work is not taken for the server's.
    """
    loop = Loop()
    load = OpenLoop(loop, server.port, plan.contexts, requests.small(server.port), 16)
    environment = {**os.environ, **({} if plan.bench.newer is None else {"LD_LIBRARY_PATH": str(plan.bench.newer)})}
    words = [sys.executable, "-m", "perf.edge_bench.storm", str(server.port), str(plan.bench.pki.folder)]
    with subprocess.Popen(
        [*words, str(_STORM_WIDTH), str(2 * plan.seconds)], stdout=subprocess.PIPE, env=environment, text=True
    ) as flood:
        assert flood.stdout is not None
        flood.stdout.readline()  # it has begun
        load.start(_STORM_RATE)
        loop.run(2 * plan.seconds)
        loop.close()
        rate = float(flood.stdout.readline())
    p50, p99 = p50_p99(load.taken)
    row(
        f"request in a storm of handshakes, {server.name}",
        f"p50 {p50 * 1e3:6.1f} ms, p99 {p99 * 1e3:6.1f} ms, {rate:.0f} handshakes/s",
    )
    return p99


def upgrade(plan: Plan) -> None:
    """Six times new certificates in twelve seconds, 48 connections asking, 24 shaking hands: who loses a request?"""
    for name in (NGINX, HAPROXY, OURS):
        with plan.bench.serving(name) as servers:
            for server in servers:
                _upgrade_once(plan, server)


def slow(plan: Plan) -> None:
    """Requests at 200/s while 400 clients are slow on purpose, at the entrance that asks for no certificate."""
    if program("slowhttptest") is None:
        print("slow clients are left out: apt-get install slowhttptest", flush=True)
        return
    for name in (NGINX, HAPROXY, OURS):
        with plan.bench.serving(name) as servers:
            for server in servers:
                for way, words in _SLOW_WAYS.items():
                    _slow_once(plan, server, way, words)


def _idle_once(plan: Plan, server: Server) -> float:
    loop = Loop()
    base, held, told = server.memory_kib(), 0, 0.0
    for step in _IDLE_STEPS:
        while held < step:
            OpenLoop(loop, server.port, plan.contexts, requests.small(server.port, 1), _BATCH)
            held += _BATCH
        loop.run(0.5)
        now = server.memory_kib()
        told = (now - base) / held
        row(f"{held} idle connections, {server.name}", f"{told:6.1f} KiB each, {now / 1024:.0f} MiB in all")
    loop.close()
    return told


def _upgrade_once(plan: Plan, server: Server) -> None:
    if server.reload is None:
        return
    loop = Loop()
    asking = ClosedLoop(loop, server.port, plan.contexts, requests.small(server.port), 48)
    shaking = Handshakes(loop, server.port, plan.fresh_clients(), width=24)
    loop.run(WARM_S)
    for _ in range(_RELOADS):
        server.group.signal(server.reload)
        loop.run(_BETWEEN_RELOADS_S)
    asking.going = shaking.going = False
    loop.run(WARM_S)
    loop.close()
    odd = sum(count for status, count in asking.statuses.items() if status != 200)
    lost = asking.failed + odd
    told = verdict(lost, at_most=0) if server.name == OURS else ""
    row(
        f"{_RELOADS} upgrades under load, {server.name}",
        f"{lost} of {asking.count} requests lost, {shaking.failed} of {shaking.count} handshakes  {told}",
    )


def _slow_words(server: Server) -> list[str]:
    url = f"https://localhost:{server.site_port}/"
    return ["slowhttptest", "-c", str(_SLOW_CONNECTIONS), "-r", "200", "-l", str(_SLOW_S), "-p", "3", "-u", url]


def _slow_once(plan: Plan, server: Server, way: str, words: tuple[str, ...]) -> None:
    loop = Loop()
    load = OpenLoop(loop, server.port, plan.contexts, requests.small(server.port), 16)
    log = plan.bench.folder / "slow.log"
    with log.open("wb") as out:
        attack = subprocess.Popen(
            [*_slow_words(server), *words],
            stdout=out,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
        )
    try:
        loop.run(1.0)
        load.start(_SLOW_RATE)
        loop.run(_SLOW_S - 2.0)
    finally:
        attack.terminate()
        attack.wait()
        loop.close()
    p50, p99 = p50_p99(load.taken)
    row(
        f"request beside 400 clients of {way}, {server.name}",
        f"p50 {p50 * 1e3:5.1f} ms, p99 {p99 * 1e3:5.1f} ms,"
        f" {load.failed + load.refused} of {len(load.taken) + load.failed} lost",
    )
