"""The edge: a master without a reactor forks children; each child has its own reactor, log and metrics page."""

from __future__ import annotations

import mmap
import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from twisted.internet.task import deferLater

from dmz.admission.gate import AdmissionGate, Ranks
from dmz.admission.metrics import AdmissionMetrics
from dmz.admission.session_marks import SessionMarks, table_bytes
from dmz.admission.settings import AdmissionSettings
from dmz.answering import Answerer
from dmz.edge.form_keeper import FormKeeper
from dmz.edge.master import EdgeChild, EdgeMaster
from dmz.edge.service import Collaborators, EdgeService
from dmz.edge.settings import EdgeSettings
from dmz.intrusion.service import IntrusionService
from dmz.intrusion.settings import IntrusionSettings
from dmz.intrusion.shared_offences import SharedOffences
from dmz.intrusion.watch import Post
from dmz.messages import Handler
from dmz.switch.content_switch import STATIC, WORKERS, build_switch
from dmz.switch.settings import SwitchSettings
from dmz.waf.guard import build_firewall, guarded
from dmz.waf.hall_routes import hall_route_table
from dmz.waf.rule_store import read_rules
from dmz.waf.settings import FirewallSettings
from ops.roles.role_file import LoadedRole
from ops.runtime.access_lines import AccessLines
from ops.runtime.clock import SystemClock
from ops.runtime.hand_over import HandOver
from ops.runtime.limits import die_with_parent, harden, keep_freed_memory
from ops.runtime.log_output import RotatingFile
from ops.runtime.metrics_page import Health
from ops.runtime.readiness import supervisor_pid
from ops.runtime.role_main import (
    EXIT_CANNOT_START,
    EXIT_FAILED,
    Running,
    Surroundings,
    begin_log,
    run_role,
    say,
)
from ops.runtime.role_settings import RoleSettings
from wire_formats.drop import prepare_drop
from wire_formats.settings_reader import SettingsError, load_settings


@dataclass(frozen=True)
class EdgeFile:
    """``edge.toml``."""

    role: RoleSettings
    edge: EdgeSettings
    workers: dict[str, str]
    static: dict[str, str]
    intrusion: IntrusionSettings
    switch: SwitchSettings = field(default_factory=SwitchSettings)
    firewall: FirewallSettings = field(default_factory=FirewallSettings)
    admission: AdmissionSettings = field(default_factory=AdmissionSettings)


def load(settings: Path) -> LoadedRole:
    """Read the settings file.

    Raises:
        SettingsError: it, or a rule file of the firewall, cannot be used.
    """
    file = load_settings(EdgeFile, settings)
    sockets = {WORKERS: file.workers, STATIC: file.static}
    paths = {pool: {name: settings.parent / path for name, path in at.items()} for pool, at in sockets.items()}
    read_rules(file.firewall)  # a mistake in a rule file is told before any child starts
    return LoadedRole(file.role, lambda: run_master(file, paths, _hall_firewall(file)))


_EVENT_FILES: Final = 3
Sockets = dict[str, dict[str, Path]]
#: Puts a firewall around the content switch.
Guard = Callable[[Handler | Answerer, Surroundings], Handler | Answerer]


def rule_cache(edge: EdgeSettings) -> Path:
    """Give the folder in which an edge keeps its compiled firewall rules."""
    return edge.snapshots.parent / "rules"


def _hall_firewall(file: EdgeFile) -> Guard:
    """Give the firewall with the rules of the settings; they are compiled in each child, or taken from its folder."""
    return lambda inner, around: guarded(
        inner,
        build_firewall(file.firewall, rule_cache(file.edge)),
        registry=around.registry,
        seconds=around.reactor.seconds,
        pause=lambda: deferLater(around.reactor, 0),
    )


def run_master(file: EdgeFile, sockets: Sockets, guard: Guard) -> int:
    """Run an edge until it is told to stop; gives the exit code.

    Args:
        file: its settings.
        sockets: pool -> worker -> Unix socket.
        guard: called in each child.
    """
    parent = supervisor_pid(os.environ)
    if parent is not None and not die_with_parent(parent):
        return EXIT_FAILED
    harden(open_files=file.role.open_files)
    keep_freed_memory()
    clock = SystemClock()
    try:
        begin_log(file.role, clock)
        prepare_drop(file.intrusion.bans)
        hand_over = HandOver.from_environment(os.environ)
        # Before the fork, so that what one child learns all children know.
        marks = SessionMarks(memoryview(mmap.mmap(-1, table_bytes(file.admission.sessions))))
        beside = _Beside(hand_over, marks, SharedOffences(file.edge.children))
        master = EdgeMaster(file.edge, lambda child: _run_child(file, sockets, guard, child, beside), clock, hand_over)
    except (SettingsError, OSError) as error:
        say(str(error) if isinstance(error, SettingsError) else f"edge: {error}; `ferrygate doctor` tells more")
        return EXIT_CANNOT_START
    return master.run()


@dataclass(frozen=True)
class _Beside:
    """What the master has made and its children use."""

    hand_over: HandOver
    marks: SessionMarks
    offences: SharedOffences


def _run_child(file: EdgeFile, sockets: Sockets, guard: Guard, child: EdgeChild, beside: _Beside) -> int:
    role = _role_of_child(file.role, child.number)
    name = role.name

    def compose(around: Surroundings) -> Running:
        ranks = Ranks(beside.marks, around.clock)
        switch = build_switch(
            sockets,
            reactor=around.reactor,
            settings=file.switch,
            registry=around.registry,
            randomness=around.randomness,
            rank=ranks.priority_of,
        )
        intrusion = IntrusionService(
            file.intrusion,
            Post(name, keeper=child.number == 0, exchange=beside.offences.join()),
            reactor=around.reactor,
            clock=around.clock,
            registry=around.registry,
            sinks=_event_file(file.intrusion, child.number),
        )
        gate = AdmissionGate(
            guard(intrusion.scanned(switch), around),
            ranks,
            file.admission,
            reactor=around.reactor,
            metrics=AdmissionMetrics(around.registry),
        )
        given = Collaborators(
            reactor=around.reactor,
            clock=around.clock,
            randomness=around.randomness,
            watch=around.watch,
            registry=around.registry,
            takes_files=hall_route_table().takes_files,
            pipeline=intrusion.watched(FormKeeper(gate)),
            intrusion=intrusion.watch,
            access_log=AccessLines(around.log, clock=around.clock, role=name, at_turn_end=around.reactor.at_turn_end),
        )
        service = EdgeService(child, given)

        async def start() -> None:
            switch.start()
            intrusion.start(around.watch)
            await service.start()

        async def stop() -> None:
            intrusion.stop()
            await service.stop()
            await switch.stop()

        def health() -> Health:
            troubles = service.troubles() if switch.ready else (*service.troubles(), "no worker")
            return Health(ready=not troubles, reasons=troubles, figures=intrusion.figures())

        return Running(start=start, stop=stop, health=health)

    return run_role(role, compose, forked=beside.hand_over.for_forked(child.number, beside=child.beside))


def _role_of_child(role: RoleSettings, number: int) -> RoleSettings:
    """Give a child's own name, metrics port and log file."""
    name = f"{role.name}-{number}"
    return replace(
        role,
        name=name,
        metrics_port=role.metrics_port + number if role.metrics_port else 0,
        log_file=role.log_file.with_name(f"{name}.log") if role.log_file is not None else None,
    )


def _event_file(settings: IntrusionSettings, number: int) -> tuple[RotatingFile, ...]:
    """Open a child's file of CEF lines, if there is to be one."""
    path = settings.events
    if path is None:
        return ()
    own = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return (RotatingFile(own, most_bytes=settings.events_bytes, keep=_EVENT_FILES),)
