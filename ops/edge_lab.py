"""An edge to be measured (``python -m ops.edge_lab``): for `make bench-edge` only, no command of ferrygate leads here.

    python -m ops.edge_lab --settings edge.toml   the product's own edge, in front of workers that only echo
    python -m ops.edge_lab --echo worker.sock     such a worker: one process, every request answered with a few bytes

The settings are an edge's, with a table of the lab's own::

    [lab]
    rules = "off"  # no firewall; "own": the firewall with the lab's routes; else the folder of a core rule set
    denied = 100000  # revoked serials that the edge knows from its start, none of them of a client here

What differs from the role ``edge`` is only what stands behind it: the hall's routes are not the lab's.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from twisted.internet.task import deferLater

from dmz.edge.deny_set import SNAPSHOT
from dmz.edge.deny_table import DenyTable
from dmz.messages import HallRequest, HallResponse
from dmz.switch.content_switch import WORKERS
from dmz.switch.metrics import PortMetrics
from dmz.switch.settings import PortSettings
from dmz.switch.worker_port import WorkerPort
from dmz.waf.guard import guarded
from dmz.waf.pipeline import WafPipeline
from dmz.waf.routes import build_route_table
from dmz.waf.rule_store import compile_stored, read_rules
from dmz.waf.seclang.engine import Engine
from ops.lab_rules import LONGEST_TEXT, lab_routes, settings_of
from ops.roles.edge import EdgeFile, Guard, run_master
from ops.roles.worker import render_error
from ops.runtime.clock import SystemClock
from ops.runtime.metrics_page import Health
from ops.runtime.role_main import EXIT_CANNOT_START, Running, Surroundings, run_role, say
from ops.runtime.role_settings import RoleSettings
from wire_formats.deny_list import FIRST, MAX_SERIALS, DenyIncrement, increment_digest
from wire_formats.drop import prepare_drop, write_drop
from wire_formats.settings_reader import SettingsError, load_settings, number

OFF: Final = "off"
ANSWER: Final = HallResponse(200, (("Content-Type", "text/html; charset=utf-8"),), b"answered\n")


@dataclass(frozen=True)
class LabSettings:
    """The lab's own table; see above."""

    rules: str = OFF
    denied: int = number(0, least=0, most=1_000_000)


@dataclass(frozen=True)
class LabFile(EdgeFile):
    """An edge's settings file with the lab's table."""

    lab: LabSettings = field(default_factory=LabSettings)


def run_edge(settings: Path) -> int:
    """Run the edge until it is told to stop; gives the exit code.

    Raises:
        SettingsError: the file cannot be used.
    """
    file = load_settings(LabFile, settings)
    guard = guard_of(file.lab.rules)
    prepare_drop(file.edge.snapshots)
    if file.lab.denied:
        write_drop(file.edge.snapshots, SNAPSHOT, snapshot(file.lab.denied, SystemClock().now_ms()))
    sockets = {WORKERS: {name: settings.parent / path for name, path in file.workers.items()}}
    return run_master(file, sockets, guard)


def run_echo(socket: Path) -> int:
    """Run a worker that answers every request the same; gives the exit code."""

    def compose(around: Surroundings) -> Running:
        port = WorkerPort(
            echo, render_error, settings=PortSettings(), metrics=PortMetrics(around.registry), reactor=around.reactor
        )

        async def start() -> None:
            port.listen(socket)

        async def stop() -> None:
            await port.drain()

        return Running(start=start, stop=stop, health=lambda: Health(ready=not port.draining))

    return run_role(RoleSettings("echo"), compose)


async def echo(_request: HallRequest) -> HallResponse:
    """Answer."""
    return ANSWER


def guard_of(rules: str) -> Guard:
    """Give the firewall that the settings name.

    Raises:
        SettingsError: no such rule tree, or one that cannot be used.
    """
    if rules == OFF:
        return lambda switch, _: switch
    settings = settings_of(rules)
    # Compiled before the fork, so that all children share it.
    engine = Engine(compile_stored(read_rules(settings), None))
    pipeline = WafPipeline(build_route_table(lab_routes()), engine, most_text=LONGEST_TEXT)
    return lambda switch, around: guarded(
        switch,
        pipeline,
        registry=around.registry,
        seconds=around.reactor.seconds,
        pause=lambda: deferLater(around.reactor, 0),
    )


def snapshot(count: int, now_ms: int) -> bytes:
    """Write a deny list of ``count`` serials as an edge keeps it for its next start."""
    table, previous = DenyTable(), FIRST
    for epoch, first in enumerate(range(1, count + 1, MAX_SERIALS), 1):
        serials = tuple((1 << 150) + serial for serial in range(first, min(first + MAX_SERIALS, count + 1)))
        increment = DenyIncrement(epoch, previous, now_ms, epoch == 1, serials, count)
        table.apply(increment)
        previous = increment_digest(increment)
    written = table.snapshot()
    assert written is not None  # the increments above hold the whole list
    return written


def main() -> int:
    """Run what was asked for; gives the exit code."""
    parser = argparse.ArgumentParser(prog="python -m ops.edge_lab", description=__doc__)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--settings", type=Path, help="an edge's settings with a table [lab]")
    which.add_argument("--echo", type=Path, help="the Unix socket of a worker that only echoes")
    words = parser.parse_args()
    try:
        return run_echo(words.echo) if words.echo else run_edge(words.settings)
    except SettingsError as error:
        say(str(error))
        return EXIT_CANNOT_START


if __name__ == "__main__":
    sys.exit(main())
