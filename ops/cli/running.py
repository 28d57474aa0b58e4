"""`ferrygate status`, `replace` and `stop`: talk to the running supervisor."""

from __future__ import annotations

import json
import os
import select
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from ops.cli import installation
from ops.cli.faults import CannotRunError
from ops.cli.table import duration, render
from ops.layout import Layout
from ops.supervisor.control import ask

STATUS_DEADLINE_S: Final = 5.0
STOP_DEADLINE_S: Final = 5.0
STOPPED_WITHIN_S: Final = 60
NOTHING_RUNS: Final = "{root}: nothing runs here; `make run` or `ferrygate up` starts it"
MOST_STATUS_BYTES: Final = 1_000_000
EXIT_NOT_HEALTHY: Final = 1


def status(root: Path) -> int:
    """Print a table of all processes and their figures; 0 when all are healthy, 1 otherwise.

    Raises:
        CannotRunError: nothing runs there.
    """
    layout, _ = installation.load(root)
    told = processes(layout)
    rows = [_row(process) for process in told]
    print(render(("process", "state", "up", "pid", "restarts", "page", "figures"), rows))
    lanes = list(_lanes(layout))
    if lanes:
        print()
        print(render(("half", "way", "lane", "as", "link", "figures"), lanes))
    links = list(_links(layout))
    if links:
        print()
        print(render(("half", "end", "transport", "lane", "figures"), links))
    return 0 if all(process["state"] == "healthy" for process in told) else EXIT_NOT_HEALTHY


def processes(layout: Layout) -> list[dict[str, Any]]:
    """Give every process as the supervisor sees it.

    Raises:
        CannotRunError: nothing runs there.
    """
    told: list[dict[str, Any]] = _ask(layout, {"command": "status"}, STATUS_DEADLINE_S)["processes"]
    return told


def ask_to_replace(layout: Layout, name: str) -> dict[str, Any]:
    """Have one process replaced; gives the supervisor's answer when the new one is healthy and the old one has ended.

    Raises:
        CannotRunError: nothing runs there.
    """
    return _ask(layout, {"command": "replace", "name": name})


def replace(root: Path, name: str) -> int:
    """Replace one process and wait until the new one is healthy.

    Raises:
        CannotRunError: nothing runs there, or it cannot be replaced.
    """
    layout, _ = installation.load(root)
    answer = ask_to_replace(layout, name)
    if not answer["ok"]:
        raise CannotRunError(f"{name} was not replaced: {answer['reason']}; `ferrygate status` shows all processes")
    print(f"{name} replaced")
    return 0


def stop(root: Path) -> int:
    """Ask the supervisor to stop everything, and wait until it has.

    Raises:
        CannotRunError: nothing runs there, or it has not stopped in time.
    """
    layout, _ = installation.load(root)
    with _end_of(layout) as supervisor:
        _ask(layout, {"command": "stop"}, STOP_DEADLINE_S)
        print("stopping: every role finishes what it has in hand", flush=True)
        if not supervisor.poll(STOPPED_WITHIN_S * 1000):
            raise CannotRunError(f"{root}: not stopped after {STOPPED_WITHIN_S} s; `ferrygate status` tells what runs")
    print("stopped")
    return 0


@contextmanager
def _end_of(layout: Layout) -> Iterator[select.poll]:
    """Give what becomes ready when the running supervisor has ended.

    Raises:
        CannotRunError: nothing runs there.
    """
    try:
        descriptor = os.pidfd_open(int(layout.supervisor_lock.read_text(encoding="ascii")))
    except (OSError, ValueError):
        raise CannotRunError(NOTHING_RUNS.format(root=layout.root)) from None
    try:
        ended = select.poll()
        ended.register(descriptor, select.POLLIN)
        yield ended
    finally:
        os.close(descriptor)


def _ask(layout: Layout, asked: dict[str, str], deadline_s: float | None = None) -> dict[str, Any]:
    try:
        return ask(layout.control, asked) if deadline_s is None else ask(layout.control, asked, deadline_s=deadline_s)
    except (OSError, ValueError):
        raise CannotRunError(NOTHING_RUNS.format(root=layout.root)) from None


def _row(process: dict[str, Any]) -> tuple[str, ...]:
    told = [f"{name}={number}" for name, number in sorted(process["figures"].items())]
    told += process["reasons"]
    if process["state"] not in ("healthy", "starting") and process["last_words"]:
        told.append(process["last_words"])
    return (
        process["name"],
        process["state"],
        duration(process["up_ms"]) if process["pid"] else "-",
        str(process["pid"] or "-"),
        str(process["restarts"]),
        f":{process['metrics_port']}" if process["metrics_port"] else "-",
        " ".join(told)[:160],
    )


def _half_told(layout: Layout) -> Iterator[tuple[str, dict[str, Any]]]:
    """Read the status files of the ferry's halves."""
    for half in (layout.ferry_low, layout.ferry_high):
        try:
            told = json.loads((half / "state" / "status.json").read_bytes()[:MOST_STATUS_BYTES])
        except (OSError, ValueError):
            continue
        if isinstance(told, dict):
            yield half.name, told


def _links(layout: Layout) -> Iterator[tuple[str, ...]]:
    """Tell of each half's transport what it has to tell; a trouble is a line of its own."""
    for half, told in _half_told(layout):
        for end, link in told.get("transport", {}).items():
            if link["figures"]:
                yield half, end, link["kind"], "", _figures(link["figures"])
            for lane, figures in link["lanes"].items():
                yield half, end, link["kind"], lane, _figures(figures)
            for trouble in link["troubles"]:
                yield half, end, link["kind"], "", f"! {trouble}"
        one_way = told.get("one_way", {})
        if one_way:
            yield half, "", "one way only", "", _figures(one_way)
        if one_way.get("asked"):
            yield (
                half,
                "",
                "one way only",
                "",
                "! bundles are missing: `ferrygate ferry resend-list write`",
            )


def _figures(figures: dict[str, Any]) -> str:
    return " ".join(
        f"{name}={value:g}" if isinstance(value, float) else f"{name}={value}" for name, value in figures.items()
    )


def _lanes(layout: Layout) -> Iterator[tuple[str, ...]]:
    """Read what the ferry's halves tell about each lane in their status files."""
    for half, told in _half_told(layout):
        for lane in told.get("lanes", ()):
            hidden = ("way", "lane", "role", "link", "epoch")
            figures = " ".join(f"{k}={v}" for k, v in lane.items() if k not in hidden and v != "")
            yield half, str(lane["way"]), str(lane["lane"]), str(lane["role"]), str(lane["link"]), figures
