"""Overload: three times what the hall can do is asked of it, and those who are let in should hardly notice.

What is measured in turn, in one run: queries of signed-in users at 20/s (unloaded), as fast as 32 of them ask
(saturation), then at three times that rate: once strangers beside fewer signed-in users than the hall can serve, once
signed-in users alone. A page for a stranger is quick work, so that three times as many may not be overload; there is a
third run with so many of them that it is.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import Any, Final

from perf.client import Client
from perf.cpu import CpuMeter
from perf.figures import measure, milliseconds, percentile, show
from perf.hall import HOST, Hall
from perf.measures import RATE_PER_S, throughput

TIMES: Final = 3
#: The same in the run with a crowd of strangers.
CROWD_TIMES: Final = 7
STRETCH: Final = 4
UNLOADED_S: Final = 30
OVERLOAD_S: Final = 30
#: What was let in before overload was noticed is still inside so long.
SETTLE_S: Final = 2
#: Part of the saturating load that signed-in users ask for in the crowd.
SIGNED_IN_SHARE: Final = 0.25
CONNECTIONS: Final = 192
STRANGER_CONNECTIONS: Final = 96
_OK: Final = "200"
_REFUSED: Final = "503"
_SIGNED_IN: Final = "signed in"
_QUERY: Final = "/s/unit.profile"


@dataclass(frozen=True, slots=True)
class Seen:
    """What one group saw."""

    taken: dict[str, list[list[float]]]
    failed: int
    short: int
    late: list[float]

    @property
    def answered(self) -> list[float]:
        """Times of what was answered."""
        return self.settled(0.0)

    @property
    def refused(self) -> list[float]:
        """Times of what was refused honestly."""
        return [took for _, took in self.taken.get(_REFUSED, [])]

    def settled(self, from_s: float) -> list[float]:
        """Times of what was answered, of what was due so long after the beginning."""
        return [took for due, took in self.taken.get(_OK, []) if due >= from_s]

    @property
    def others(self) -> dict[str, int]:
        """Everything else, which should not be."""
        return {status: len(times) for status, times in self.taken.items() if status not in (_OK, _REFUSED)}


def overload(hall: Hall) -> None:
    """Unloaded, saturated, and at three times the saturating load."""
    crowd = hall.crowd(16)
    calm = _ask(hall, UNLOADED_S, [_signed_in(hall, crowd, RATE_PER_S, connections=16)])[_SIGNED_IN]
    show(f"signed-in queries at {RATE_PER_S}/s", milliseconds(calm.answered))
    unloaded_s = percentile(calm.answered, 0.99)
    saturating = throughput(hall)
    show("saturating load", f"{saturating:.0f}/s; three times that is {TIMES * saturating:.0f}/s")
    for times in (TIMES, CROWD_TIMES):
        strangers = (times - SIGNED_IN_SHARE) * saturating / 2
        groups = [
            _signed_in(hall, crowd, SIGNED_IN_SHARE * saturating),
            _strangers(hall, "certificate only", "unit", "/login", strangers, certificates=True),
            _strangers(hall, "at the site", "site", "/", strangers, certificates=False),
        ]
        what = f"{SIGNED_IN_SHARE:g} x signed in, {times - SIGNED_IN_SHARE:g} x strangers"
        _overloaded(hall, what, groups, unloaded_s)
    _overloaded(hall, f"{TIMES} x signed in", [_signed_in(hall, crowd, TIMES * saturating)], unloaded_s)


def _overloaded(hall: Hall, what: str, groups: list[dict[str, Any]], unloaded_s: float) -> None:
    meter = CpuMeter(hall.root)
    seen = _ask(hall, OVERLOAD_S, groups)
    show(f"overload: {what}", "")
    for group in groups:
        name = str(group["name"])
        of = seen[name]
        offered = sum(map(len, of.taken.values())) + of.failed + of.short
        told = f"{offered / OVERLOAD_S:.0f}/s offered, {len(of.answered) / OVERLOAD_S:.0f}/s answered, "
        told += f"{len(of.refused)} refused, {of.failed} failed, {of.short} not sent"
        show(f"  {name}", told)
        if of.others:
            show("    other answers", str(of.others))
        if of.answered:
            show("    answered in", milliseconds(of.answered))
        if of.refused:
            show("    refused in", milliseconds(of.refused))
        show("    sent late by", milliseconds(of.late))
    admitted = seen[_SIGNED_IN]
    whole = percentile(admitted.answered, 0.99) / unloaded_s
    show("  p99 of admitted signed-in, to unloaded p99", f"{whole:.1f} x, the first {SETTLE_S} s included")
    ratio = percentile(admitted.settled(SETTLE_S), 0.99) / unloaded_s
    measure(f"  the same from second {SETTLE_S} on", ratio, "x", at_most=STRETCH)
    meter.show("answer to signed-in", len(admitted.answered))


def _ask(hall: Hall, seconds: int, groups: list[dict[str, Any]]) -> dict[str, Seen]:
    plan = {"authority": str(hall.root / "demo" / "root.pem"), "seconds": seconds, "groups": groups}
    told = subprocess.run(
        [sys.executable, "-m", "perf.crowd"], input=json.dumps(plan), capture_output=True, text=True, check=False
    )
    if told.returncode:
        raise SystemExit(f"perf.crowd: {told.stderr[-2000:]}")
    return {name: Seen(**of) for name, of in json.loads(told.stdout).items()}


def _signed_in(hall: Hall, crowd: list[Client], rate: float, connections: int = CONNECTIONS) -> dict[str, Any]:
    labels = hall.operators()
    visitors = [
        {"certificate": _certificate(hall, label), "request": _get(_QUERY, client)}
        for label, client in zip(labels, crowd, strict=True)
    ]
    port = hall.ports[hall.accounts.account(labels[0]).window]
    return {"name": _SIGNED_IN, "port": port, "rate": rate, "connections": connections, "visitors": visitors}


def _strangers(hall: Hall, name: str, entrance: str, path: str, rate: float, *, certificates: bool) -> dict[str, Any]:
    labels = hall.operators() if certificates else [None]
    visitors = [{"certificate": label and _certificate(hall, label), "request": _get(path, None)} for label in labels]
    port = hall.ports[entrance]
    return {"name": name, "port": port, "rate": rate, "connections": STRANGER_CONNECTIONS, "visitors": visitors}


def _certificate(hall: Hall, label: str) -> str:
    return str(hall.root / "demo" / f"{label}.pem")


def _get(path: str, client: Client | None) -> str:
    headers = {"Accept-Language": "en"} if client is None else client.memory.headers(None)
    lines = "".join(f"{name}: {value}\r\n" for name, value in {"Host": HOST, **headers}.items())
    return f"GET {path} HTTP/1.1\r\n{lines}\r\n"
