"""Both halves' logs of crossings at the end of a schedule, as an auditor finds them: one history.

The folders are copied off the simulated disks and audited by the product's own audit, every signature and every seal.
Nothing at all may be found, but for what docs/witnessed-log.md says of a half that forgot its last moments: another one
has an entry that it lacks, or a number of its own is gone.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Final

from ferry.witness.audit import audit_half, compare
from tests.simulation.world import ROLES, World, home

HALVES: Final = ("low", "high")


#: Excused are the power of a half's machine that failed, and a journal that was removed or put back from a copy.
#: Nobody else is excused: neither a kill, nor a disk that refuses, nor a wrong clock, nor a new key.
EXCUSED: Final = frozenset({"received_not_sent", "numbers_missing"})


def check_logs(world: World) -> None:
    """Audit the logs of both halves and hold them against each other; what is found is a fault."""
    with tempfile.TemporaryDirectory(prefix="ferrygate-simulation-") as name:
        folders = {half: _copied(world, half, Path(name) / half) for half in HALVES}
        audits = {half: audit_half(folder, world.kit.trust, every=True) for half, folder in folders.items()}
        between = compare(audits["low"], folders["low"], audits["high"], folders["high"])
    for whose, audit in (*audits.items(), ("both", between)):
        for finding in audit.findings:
            if finding.what in EXCUSED and world.excuses:
                world.trace.note(f"log of {whose}: {finding.what} {finding.where}, excused by {sorted(world.excuses)}")
            else:
                world.trace.fault(f"log of {whose}: {finding.what} {finding.where}")


def check_alarms(world: World) -> None:
    """No half may ever believe that the other one shows two histories."""
    for half in HALVES:
        running = world.roles[half].running
        if running is not None:
            for trouble in running.half.witness.status().troubles:
                if any(word in trouble for word in ("split_view", "other_log", "behind_witness")):
                    world.trace.fault(f"{half} has an alarm: {trouble}")


def cosigned(world: World) -> bool:
    """Whether both halves run, nothing waits for their logs, and each has cosigned the other's."""
    running = [world.roles[half].running for half in HALVES]
    return all(one is not None and one.half.witness.status().state == "cosigned" for one in running)


def why_not_cosigned(world: World) -> str:
    """Say how far both logs are."""
    running = {half: world.roles[half].running for half in HALVES}
    return ", ".join(f"{half}: {one and one.half.witness.status()}" for half, one in running.items())


def _copied(world: World, half: str, target: Path) -> Path:
    """Copy the folder of a half's logs off its disk."""
    disk, source = world.disks[ROLES[half]], f"{home(half)}/crossings"
    for folder, files in disk.folders.items():
        if folder == source or folder.startswith(f"{source}/"):
            to = target / folder.removeprefix(source).lstrip("/")
            to.mkdir(parents=True, exist_ok=True)
            for name, inode in files.items():
                (to / name).write_bytes(bytes(inode.content))
    return target
