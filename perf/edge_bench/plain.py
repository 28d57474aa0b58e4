"""Handshakes, requests, uploads, latency, revoked certificates: the front end without a firewall."""

from __future__ import annotations

from statistics import median

from perf.edge_bench import requests
from perf.edge_bench.candidates import HAPROXY, HAPROXY_NEW, NGINX, NGINX_NEW, NGINX_REVOKED, OURS, OURS_REVOKED, Server
from perf.edge_bench.plan import WARM_S, Plan, closed_loop, full_handshakes, in_turn, measured
from perf.edge_bench.targets import Sample, p50_p99, row, show_part, verdict
from perf.edge_bench.wire import Client, Handshakes, Loop, OpenLoop

_ALL = (NGINX, NGINX_NEW, HAPROXY, HAPROXY_NEW, OURS)
_CONNECTIONS = 32
_UPLOADS_AT_ONCE = 8
_LATENCY_RATE = 2_000
_SESSIONS_S = 10.0


def handshakes(plan: Plan) -> None:
    """Full handshakes with a client certificate."""
    with plan.bench.serving(*_ALL) as servers:
        show_part("full handshake", OURS, in_turn(plan, servers, lambda server: full_handshakes(plan, server)))


def resumed(plan: Plan) -> None:
    """Handshakes that resume an earlier session by its ticket."""
    with plan.bench.serving(*_ALL) as servers:
        tickets = {server.name: _sessions(plan, server) for server in servers}

        def once(server: Server) -> Sample:
            clients = tickets[server.name]
            began: list[Handshakes] = []

            def begin(loop: Loop) -> Handshakes:
                began.append(Handshakes(loop, server.port, clients, width=8))
                return began[0]

            sample = measured(plan, server, begin)
            if began[0].reused < began[0].count:
                row(f"  {server.name}: not resumed", f"{began[0].count - began[0].reused} of {began[0].count}")
            return sample

        show_part("resumed handshake", OURS, in_turn(plan, servers, once))


def small_requests(plan: Plan) -> None:
    """Small requests over 32 kept connections, 2,000 different ones."""
    with plan.bench.serving(*_ALL) as servers:
        sent = {server.name: requests.small(server.port) for server in servers}
        samples = in_turn(plan, servers, lambda server: closed_loop(plan, server, sent[server.name], _CONNECTIONS))
        show_part("small request", OURS, samples)


def uploads(plan: Plan) -> None:
    """Multipart uploads of 100 KiB; ours parses them, the peers pass them on."""
    with plan.bench.serving(*_ALL) as servers:
        sent = {server.name: requests.uploads(server.port) for server in servers}
        samples = in_turn(plan, servers, lambda server: closed_loop(plan, server, sent[server.name], _UPLOADS_AT_ONCE))
        show_part("100 KiB upload", OURS, samples)


def latency(plan: Plan) -> None:
    """Time of an answer at 2,000 requests a second, sent whether or not earlier ones are answered."""
    with plan.bench.serving(NGINX, HAPROXY, OURS) as servers:
        seen: dict[str, list[tuple[float, float]]] = {server.name: [] for server in servers}
        for _ in range(plan.rounds):
            for server in servers:
                seen[server.name].append(_latency_once(plan, server))
    p50s = {name: median(p50 for p50, _ in both) for name, both in seen.items()}
    p99s = {name: median(p99 for _, p99 in both) for name, both in seen.items()}
    for name in seen:
        row(f"latency at {_LATENCY_RATE}/s, {name}", f"p50 {p50s[name] * 1e6:6.0f} us, p99 {p99s[name] * 1e6:6.0f} us")
    for name in seen:
        if name != OURS and OURS in seen:
            times = p50s[OURS] / p50s[name], p99s[OURS] / p99s[name]
            row(f"  ours / {name}, p50", f"x{times[0]:.2f}  {verdict(times[0], at_most=1.1)}")
            row(f"  ours / {name}, p99", f"x{times[1]:.2f}  {verdict(times[1], at_most=1.3)}")


def revoked(plan: Plan) -> None:
    """Full handshakes while 100,000 certificates are revoked."""
    with plan.bench.serving(NGINX_REVOKED, OURS_REVOKED) as servers:
        samples = in_turn(plan, servers, lambda server: full_handshakes(plan, server))
        show_part("handshake, revoked", OURS_REVOKED, samples)


def _sessions(plan: Plan, server: Server) -> list[Client]:
    """Give a session of each client."""
    loop = Loop()
    fresh = plan.fresh_clients()
    made = Handshakes(loop, server.port, fresh, width=4)
    loop.run(_SESSIONS_S, until=lambda: len(made.taken) >= len(fresh))
    made.going = False
    loop.close()
    return made.taken


def _latency_once(plan: Plan, server: Server) -> tuple[float, float]:
    loop = Loop()
    load = OpenLoop(loop, server.port, plan.contexts, requests.small(server.port), _CONNECTIONS)
    load.start(_LATENCY_RATE)
    loop.run(WARM_S)
    load.taken.clear()
    loop.run(plan.seconds)
    loop.close()
    return p50_p99(load.taken)
