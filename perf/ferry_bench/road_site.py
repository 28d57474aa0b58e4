"""A fresh installation of which only the ferry runs: both halves and the inspector, as `ferrygate up` starts them.

Workers and core are played from outside (``road_load``, ``echo_core``) with their keys.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Final

from perf.ferry_bench.road_load import Load
from perf.ports import free_base
from wire_formats.seal import SealPublicKey
from wire_formats.suites import SigningKey, load_signing_key
from wire_formats.trust import TrustStore

INSPECTOR: Final = "ferry_inspector"
HIGH: Final = "ferry_high"
LOW: Final = "ferry_low"
ROLES: Final = (INSPECTOR, HIGH, LOW)
_WORKERS: Final = 4
_START_S: Final = 30.0
_STOP_S: Final = 15.0
#: Of the metrics ports, see ``ops.layout``.
_PORTS: Final = {LOW: 12, HIGH: 13}


class Site:
    """The installation; nothing runs at first.

    Args:
        folder: an empty one.
    """

    def __init__(self, folder: Path) -> None:
        self.root = folder / "var"
        self._base = free_base()
        self._environment = {
            **os.environ, "CITY_UNITS": "2", "FERRYGATE_WORKERS": str(_WORKERS),
            "FERRYGATE_PORT_BASE": str(self._base), "FERRYGATE_SUPERVISOR_PID": str(os.getpid()),
        }  # fmt: skip
        made = [sys.executable, "-m", "ops.provision", str(self.root)]
        subprocess.run(made, env=self._environment, check=True, stdout=subprocess.DEVNULL)
        self.dmz, self.core, self.gap = (self.root / name for name in ("dmz", "core", "gap"))
        names = [f"worker-{number}" for number in range(1, _WORKERS + 1)]
        self.workers = {name: _key(self.dmz / "keys", name) for name in names}
        trust = self.dmz / "trust"
        self.high_half = SealPublicKey((trust / "ferry_high.x25519").read_bytes())
        self.trust = TrustStore.from_pem(
            [(trust / "machine_issuers.pem").read_bytes()], [(trust / "machines.pem").read_bytes()]
        )
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def load(self, *, durable: bool = False) -> Load:
        """Give its workers, played from here."""
        return Load(self.workers, self.dmz, self.trust, durable=durable)

    def start(self, *roles: str) -> None:
        """Start processes of the ferry; does not wait until they serve."""
        for role in roles:
            settings = self.root / role / f"{role}.toml"
            words = [sys.executable, "-W", "ignore", "-m", "ops", "run", role, "--settings", str(settings)]
            self._running[role] = subprocess.Popen(words, env=self._environment, stdin=subprocess.DEVNULL)

    def start_core(self, *, most_items: int = 256, durable: bool = False) -> None:
        """Start the echoing core; one that runs is ended before."""
        self.end("core")
        settings = self.core / "echo.toml"
        settings.write_text(f"most_items = {most_items}\ndurable = {str(durable).lower()}\n", encoding="ascii")
        words = [sys.executable, "-m", "perf.ferry_bench.echo_core", str(settings)]
        self._running["core"] = subprocess.Popen(words, stdin=subprocess.DEVNULL)

    def wait(self) -> None:
        """Wait until both halves say that they are well.

        Raises:
            RuntimeError: one of them ended, or takes too long.
        """
        end = time.monotonic() + _START_S
        for role in (LOW, HIGH):
            while not self._is_well(role):
                if time.monotonic() > end or self._running[role].poll() is not None:
                    raise RuntimeError(f"{role} does not serve; its log: {self.root / role / 'log'}")
                time.sleep(0.05)

    def figure(self, role: str, name: str, lane: str, way: str) -> float:
        """Read a figure of a lane from a half's metrics page; nothing measured yet is 0."""
        begins = f'{name}{{lane="{lane}",way="{way}"}} '
        for line in self._page(role, "metrics").splitlines():
            if line.startswith(begins):
                return float(line.removeprefix(begins))
        return 0.0

    def signal(self, role: str, number: signal.Signals) -> None:
        """Send a signal to a process of this site."""
        self._running[role].send_signal(number)

    def end(self, *roles: str, at_once: bool = False) -> None:
        """End processes, cleanly or with SIGKILL; those that do not run are passed over."""
        ending = [self._running.pop(role) for role in roles if role in self._running]
        for process in ending:
            process.kill() if at_once else process.terminate()
        for process in ending:
            try:
                process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def stop(self) -> None:
        """End everything that runs."""
        self.end(*self._running)

    def _is_well(self, role: str) -> bool:
        try:
            return bool(self._page(role, "healthz"))
        except OSError:
            return False

    def _page(self, role: str, name: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self._base + _PORTS[role]}/{name}", timeout=5) as page:
            return str(page.read().decode())


def _key(folder: Path, name: str) -> SigningKey:
    return load_signing_key((folder / f"{name}.key.pem").read_bytes(), (folder / f"{name}.pem").read_bytes())
