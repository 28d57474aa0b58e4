"""One command of media: a process that does one thing at one machine, with its own disk, lock and database, and ends."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ferry.media.desk import MediaDesk
from tests.simulation.media_lane import open_desk
from tests.simulation.process_disk import CHANGES, Crash, ProcessDisk
from tests.simulation.scheduler import Process
from tests.simulation.world import ROLES, free
from wire_formats.errors import HallError

if TYPE_CHECKING:
    from tests.simulation.courier import Courier

#: A command that dies does so within so many operations that change a disk.
_MOST_OPERATIONS: Final = 60


@dataclass(frozen=True)
class Wait:
    """Somebody waits."""

    seconds: float


@dataclass(frozen=True)
class Command:
    """What somebody does.

    Attributes:
        side: at which machine.
        name: what it is called.
        work: does it.
        pulled: the medium that will be pulled out in the middle of it.
        mounts: the medium that is mounted read-only for it.
    """

    side: str
    name: str
    work: Callable[[MediaDesk], Any]
    pulled: str = ""
    mounts: str = ""


@dataclass(frozen=True)
class Outcome:
    """What came of a command: a value, a refusal, or neither when its process died."""

    done: bool = False
    value: Any = None
    error: HallError | None = None


def carry_out(
    courier: Courier, command: Command, told: Callable[[Outcome], None], *, crash: random.Random | None, power: bool
) -> None:
    """Start a command; ``told`` hears what came of it a little after its end."""
    world, mounts = courier.world, courier.world.mounts
    machine = world.machines[ROLES[command.side]]
    if machine.name in world.dark:
        world.scheduler.after(1.0, lambda: told(Outcome()))
        return

    def over(outcome: Outcome, spent: float = 0.0) -> None:
        for device in {command.pulled, command.mounts} - {""}:  # put in again, mounted as it should be
            mounts.gone.discard(device)
            mounts.pulls.pop(device, None)
            mounts.read_only.discard(device)
        world.scheduler.after(spent + 0.05, lambda: told(outcome))

    def died(process: Process, why: str, power: bool) -> None:  # noqa: FBT001
        world.disturb(f"{process.name} dies in {command.name}: {why}")
        world.scheduler.after(0, lambda: free(disk))
        over(Outcome())
        if power:
            world.cut_power(machine.name)

    process = Process(f"media_{command.side}", machine, world.scheduler, died)
    disk: ProcessDisk = world.kinds.disk(process, mounts)
    if crash is not None:
        kinds = frozenset({crash.choice(CHANGES)} if crash.random() < 0.6 else CHANGES)
        moment = crash.choice(("before", "after", "torn"))
        disk.crash = Crash(kinds, crash.randrange(1, _MOST_OPERATIONS if len(kinds) > 1 else 12), moment, power)
    if command.pulled:
        mounts.pulls[command.pulled] = courier.chance.randrange(1, 25)
    if command.mounts:
        mounts.read_only.add(command.mounts)
    key = world.roles[command.side].key

    def run() -> None:
        outcome = _run(
            command, lambda: open_desk(
                command.side, process, disk, kit=world.kit, key=key, connect=world.kinds.connect,
                register=world.kinds.register, bounds=courier.bounds, seed=str(world.seed),
            ), world.trace.note,
        )  # fmt: skip
        process.alive = False
        machine.processes.remove(process)
        free(disk)
        over(outcome, process.spent)

    world.scheduler.at(world.scheduler.now, run, process)


def _run(command: Command, opened: Callable[[], MediaDesk], note: Callable[[str], None]) -> Outcome:
    """As the command line does: a refusal and an error of the disk are told, everything else is a mistake."""
    try:
        desk = opened()
        try:
            value = command.work(desk)
        finally:
            desk.register.close()
    except HallError as error:
        note(f"{command.name}: {error.private}")
        return Outcome(error=error)
    except OSError as error:
        note(f"{command.name}: {error.strerror}")
        return Outcome()
    note(f"{command.name}: done")
    return Outcome(done=True, value=value)
