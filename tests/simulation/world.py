"""Machines, disks and the four roles of one schedule, and who starts them again after they died."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.simulation import processes, sqlite
from tests.simulation.cable import Cable, CableRates
from tests.simulation.disk import SimDisk
from tests.simulation.kit import Kit
from tests.simulation.media_lane import MediaBounds
from tests.simulation.process_disk import Crash, Mounts, ProcessDisk
from tests.simulation.processes import Bounds, Kinds, Surrounding, Watch
from tests.simulation.scheduler import START_S, Machine, Process, Scheduler
from tests.simulation.trace import Trace

ROLES: Final = {"worker": "dmz", "low": "dmz", "high": "core", "core": "core"}
DEVICES: Final = ("dmz", "core", "gap")
_START: Final[dict[str, Callable[[Surrounding], Any]]] = {
    "worker": processes.start_worker,
    "low": processes.start_low,
    "high": processes.start_high,
    "core": processes.start_core,
}
#: A supervisor's pause before it starts a role again; longer each time it dies soon.
_FIRST_PAUSE_S: Final = 0.1
_LONGEST_PAUSE_S: Final = 5.0


@dataclass
class Role:
    """One of the four, through all its lives.

    Attributes:
        process: the present life; None between two.
        running: what was built in it.
        disk: the disks as it sees them.
        key: which of its keys it signs with after its next start.
        deaths: how often it died within a short time.
    """

    name: str
    process: Process | None = None
    running: Any = None
    disk: ProcessDisk | None = None
    key: int = 0
    deaths: int = 0
    started: float = 0.0
    stopped: bool = False


class World:
    """One schedule's machines.

    Args:
        seed: decides everything.
        kit: keys and databases to begin with.
        kinds: what the processes are built from.
        bounds: the bounds they run under.
        direct: whether both halves share one gap folder; else a carrier moves files between two.
        trace: what happened.
        cable: what the cables of a diode do, where one joins the halves.
        media: settings of the halves' media, where people carry them.
    """

    def __init__(
        self, seed: int, kit: Kit, kinds: Kinds, bounds: Bounds, *, direct: bool, trace: Trace,
        cable: CableRates | None = None, media: MediaBounds | None = None,
    ) -> None:  # fmt: skip
        self.seed, self.kit, self.kinds, self.bounds, self.trace = seed, kit, kinds, bounds, trace
        self.scheduler = Scheduler(seed, trace)
        trace.scheduler = self.scheduler
        self.chance = random.Random(f"{seed} world")
        self.disks = {name: SimDisk(name, random.Random(f"{seed} disk {name}")) for name in DEVICES}
        self.mounts = Mounts(self.disks, random.Random(f"{seed} mounts"))
        self.machines = {name: Machine(name, self.scheduler) for name in ("dmz", "core")}
        self.roles = {name: Role(name) for name in ROLES}
        self.gap = (processes.GAP, processes.GAP) if direct else (processes.GAP / "low", processes.GAP / "high")
        self.disturbed_s = START_S
        self.dark: set[str] = set()
        #: Disks that lost power: files that were removed may be back, more than a folder may hold.
        self.cut: set[str] = set()
        #: What may have cost a half its memory of the last moments (``audits``).
        self.excuses: set[str] = set()
        self.cable = Cable(self.scheduler, cable, random.Random(f"{seed} cable")) if cable is not None else None
        self.media = media
        self._watches: dict[str, Watch] = {}
        self.on_power: Callable[[str], None] = lambda _device: None
        sqlite.reseed(random.Random(f"{seed} sqlite"))
        self.disks["dmz"].install(str(processes.EXCHANGE), kit.exchange_image)
        self.disks["core"].install(str(processes.PRODUCTION), kit.core_image)
        for device, folder in (("dmz", "low"), ("core", "high")):
            self.disks[device].make_folder(f"/proc/sim/{device}/{folder}")
        for device in DEVICES:
            self.disks[device].now_ns = self._now_ns
            self._write_back(device)

    # --- what happens to the world

    def disturb(self, text: str) -> None:
        """Note a fault: figures of time do not hold for what it touches."""
        self.disturbed_s = self.scheduler.now
        self.trace.note(text)

    def start_all(self) -> None:
        """Start every role that does not run."""
        for name in ROLES:
            self.start(name)

    def start(self, name: str) -> None:
        """Start a role, as its supervisor does."""
        role = self.roles[name]
        if role.process is not None or role.stopped or ROLES[name] in self.dark:
            return
        machine = self.machines[ROLES[name]]
        process = Process(name, machine, self.scheduler, self._died)
        process.timers_follow_the_wall = self.kinds.timers_follow_the_wall
        disk = self.kinds.disk(process, self.mounts)
        role.process, role.disk, role.running, role.started = process, disk, None, self.scheduler.now
        self.scheduler.at(self.scheduler.now, lambda: self._build(role, process, disk), process)

    def kill(self, name: str) -> None:
        """kill -9."""
        process = self.roles[name].process
        if process is not None:
            process.die("killed")

    def crash_at(self, name: str, crash: Crash) -> None:
        """Let a role die at one of its next operations on a disk."""
        disk = self.roles[name].disk
        if disk is not None:
            disk.crash = crash

    def cut_power(self, device: str) -> None:
        """A machine goes dark, or the disk of the gap loses what is not written."""
        self.disturb(f"power of {device} fails")
        for process in list(self.machines[device].processes) if device in self.machines else ():
            process.die("power failure")
        self.disks[device].lose_power()
        self.cut.add(device)
        self.on_power(device)
        if device in self.machines:
            self.excuses.add("power")
            self.dark.add(device)
            self.scheduler.after(self.chance.uniform(0.5, 5.0), lambda: self._light(device))

    def gap_changed(self, path: str) -> None:
        """A file appeared: wake who watches its folder, unless the notice is lost."""
        folder = path.rsplit("/", 1)[0]
        for watch in self._watches.values():
            if folder in watch.listeners and watch.process.alive and self.chance.random() < 0.9:
                delay = self.chance.uniform(0.0001, 0.003)
                self.scheduler.at(self.scheduler.now + delay, lambda w=watch: _wake(w, folder), watch.process)  # type: ignore[misc]

    def end(self) -> None:
        """End every process without a trace, so that the next schedule finds nothing of this one."""
        for role in self.roles.values():
            process, disk = role.process, role.disk
            role.process, role.running, role.disk = None, None, None
            if process is not None:
                process.alive = False
            if disk is not None:
                free(disk)
        sqlite.leave()

    def _now_ns(self) -> int:
        process = self.trace.process
        return round((self.scheduler.now + (process.spent if process is not None else 0.0)) * 1e9)

    # --- supervisor and power

    def _build(self, role: Role, process: Process, disk: ProcessDisk) -> None:
        watch = Watch(process)
        self._watches[role.name] = watch
        seed = f"{self.seed} {role.name}"
        given = Surrounding(
            process, disk, watch, self.kit, self.kinds, self.bounds, role.key, self.gap, seed, self.cable, self.media
        )
        try:
            role.running = _START[role.name](given)
        except Exception as error:  # noqa: BLE001 - as the role's main: it says why and ends
            if process.alive:
                process.die(f"cannot start: {error}")
            return
        self.trace.note("started")

    def _died(self, process: Process, why: str, power: bool) -> None:  # noqa: FBT001
        role = self.roles[process.name]
        disk = role.disk
        role.process, role.running, role.disk = None, None, None
        if disk is not None:  # not at once: SQLite may still be on the stack
            self.scheduler.at(self.scheduler.now, lambda: free(disk))
        self._watches.pop(process.name, None)
        self.disturb(f"{process.name} dies: {why}")
        soon = self.scheduler.now - role.started < 10
        role.deaths = role.deaths + 1 if soon else 0
        if power:
            self.cut_power(process.machine.name)
            return
        pause = min(_FIRST_PAUSE_S * 2**role.deaths, _LONGEST_PAUSE_S)
        self.scheduler.after(pause * self.chance.uniform(0.5, 1.5), lambda: self.start(process.name))

    def _light(self, device: str) -> None:
        self.dark.discard(device)
        self.disturb(f"power of {device} is back")
        for name, machine in ROLES.items():
            if machine == device:
                self.scheduler.after(self.chance.uniform(0.1, 2.0), lambda name=name: self.start(name))  # type: ignore[misc]

    def _write_back(self, device: str) -> None:
        """The kernel writes dirty pages back on its own after a while."""
        self.disks[device].settle()
        self.scheduler.after(self.chance.uniform(5, 30), lambda: self._write_back(device))


def free(disk: ProcessDisk) -> None:
    """Free the memory of a process's databases."""
    for close in disk.closers:
        close()
    disk.closers.clear()


def _wake(watch: Watch, folder: str) -> None:
    for listener in list(watch.listeners[folder]):
        listener()


def home(name: str) -> Path:
    """A half's own folder."""
    return processes.JOURNALS[name].parent
