"""Runs the roles of one laboratory machine: in its network, as the zone's user, with the zone's folders only.

A role sees of the installation its own zone and the places where it meets others (``units.ownership``): the rest is
covered by an empty file system, as a unit's ``TemporaryFileSystem=`` does.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Final

from ops.lab.netns import LabError, Network
from ops.lab.plan import DIODE, ends_of, machine_of, numbers
from ops.layout import Installation, Layout
from ops.units import ownership
from ops.units.service_unit import visible

_STOP_S: Final = 30
_HEALTHY_S: Final = 240


class Roles:
    """The processes of one laboratory.

    Args:
        network: its machines.
        layout: the installation.
        log: folder for what the processes print.
    """

    def __init__(self, network: Network, layout: Layout, log: Path) -> None:
        self._network = network
        self._layout = layout
        self._log = log
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, process: str) -> None:
        """Start one process on its machine."""
        with (self._log / f"{process}.out").open("ab") as out:
            self._running[process] = subprocess.Popen(
                self._words(process), stdout=out, stderr=out, stdin=subprocess.DEVNULL, start_new_session=True
            )

    def wait_healthy(self, process: str, port: int) -> None:
        """Wait until a process says that it is healthy.

        Raises:
            LabError: it ended, or did not become healthy in time; its last words are told.
        """
        if not port:
            return  # it has no network; whoever asks it says whether it is there
        end = time.monotonic() + _HEALTHY_S
        ask = [sys.executable, "-m", "ops.lab.machine", "health", str(port)]
        told = ""
        while time.monotonic() < end:
            if self._running[process].poll() is not None:
                raise LabError(f"{process} ended: {self._last_words(process)}")
            try:
                done = subprocess.run(
                    self._network.on(machine_of(process), *ask), capture_output=True, text=True, check=False, timeout=20
                )
            except subprocess.TimeoutExpired:
                continue
            if done.returncode == 0:
                return
            told = done.stdout.strip()
            time.sleep(0.3)
        raise LabError(f"{process} is not healthy: {told[:300]} {self._last_words(process)}")

    def alive(self) -> bool:
        """Whether no process has ended."""
        return all(process.poll() is None for process in self._running.values())

    def stop(self) -> None:
        """Ask all processes to end, the front door first; by force after half a minute."""
        for process in reversed(self._running.values()):
            if process.poll() is None:
                _signal(process, signal.SIGTERM)
        end = time.monotonic() + _STOP_S
        for process in self._running.values():
            try:
                process.wait(timeout=max(0.1, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                _signal(process, signal.SIGKILL)
                process.wait()
        self._running.clear()

    def _words(self, process: str) -> list[str]:
        role = process.partition("-")[0]
        user = ownership.user_of(role)
        known = numbers()
        groups = ",".join(str(known[group]) for group in (user, *ownership.MEETS[user]))
        drop = ["setpriv", f"--reuid={known[user]}", f"--regid={known[user]}", f"--groups={groups}"]
        drop += ["--bounding-set=-all", "--inh-caps=-all", "--no-new-privs"]
        settings = self._layout.settings(process)
        serve = [sys.executable, "-m", "ops", "run", role, "--settings", str(settings)]
        script = "\n".join([*_cover(self._layout.root, role), f"exec {shlex.join([*drop, *serve])}"])
        environment = ["env", "FERRYGATE_WALLS=required"]
        return [
            *environment,
            *self._network.on(machine_of(process), "unshare", "--mount", "--propagation=private", "sh", "-ec", script),
        ]

    def _last_words(self, process: str) -> str:
        return (self._log / f"{process}.out").read_text(errors="replace")[-400:].strip()


def _cover(root: Path, role: str) -> list[str]:
    """Shell lines that leave of an installation only what a role may see."""
    keep = Path("/mnt")
    lines = [
        "umask 022",
        f"mount --bind {shlex.quote(str(root))} {keep}",
        f"mount -t tmpfs -o mode=0755 none {shlex.quote(str(root))}",
    ]
    for path in visible(role):
        inside = shlex.quote(str(root / path))
        lines += [f"mkdir -p {inside}", f"mount --bind {shlex.quote(str(keep / path))} {inside}"]
    return [*lines, f"umount {keep}", *_uncover_program(), "umask 027"]


def _uncover_program() -> list[str]:
    """Shell lines that let every user reach this interpreter, where it lies below a folder that is closed to others."""
    lines = []
    for needed in sorted({Path(sys.base_prefix), Path(sys.prefix)}):
        closed = next((folder for folder in reversed(needed.parents) if not folder.stat().st_mode & stat.S_IXOTH), None)
        if closed is not None:
            inside, over = shlex.quote(str(needed)), shlex.quote(str(closed))
            lines += [f"mount --bind {inside} /mnt", f"mount -t tmpfs -o mode=0755 none {over}", f"mkdir -p {inside}"]
            lines += [f"mount --bind /mnt {inside}", "umount /mnt"]
    return lines


def own_folders(layout: Layout, workers: tuple[str, ...]) -> None:
    """Give every folder of an installation to its user and group, as tmpfiles.d would."""
    known = numbers() | {ownership.ROOT: 0}
    layout.root.chmod(0o755)
    for place in ownership.places(workers):
        path = layout.root / place.path
        path.mkdir(parents=True, exist_ok=True)
        if place.whole:
            for inner in path.rglob("*"):
                os.chown(inner, known[place.user], known[place.group], follow_symlinks=False)
        for file in path.glob("*.*") if place.files else ():
            os.chown(file, known[place.files], known[place.files], follow_symlinks=False)
        os.chown(path, known[place.user], known[place.group])
        path.chmod(place.mode)


def join_halves(layout: Layout, found: Installation) -> None:
    """Give the halves' settings the addresses of the laboratory's one-way links; does nothing for a directory."""
    if found.transport != DIODE:
        return
    for half in ("ferry_low", "ferry_high"):
        path = layout.settings(half)
        text = path.read_text(encoding="utf-8")
        for setting, address in ends_of(half, found).items():
            text = re.sub(rf'^{setting} = "[0-9.]+:', f'{setting} = "{address}:', text, flags=re.MULTILINE)
        path.write_text(text, encoding="utf-8")


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        return


def health(port: int) -> int:
    """Ask a process on this machine for its health; 0 when it is well."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
            return 0 if answer.status == 200 else 1
    except (urllib.error.URLError, OSError) as error:
        print(getattr(error, "reason", error))
        return 1


if __name__ == "__main__":
    sys.exit(health(int(sys.argv[2])))
