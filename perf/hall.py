"""An installation to measure: one of our own in a temporary folder, or one that already runs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import tomllib
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from ops.visitor.accounts import AccountBook
from ops.visitor.sign_in import sign_in
from ops.visitor.wage_workbook import Roster, read_roster
from perf.client import Client
from perf.ports import free_base

HOST: Final = "localhost"
START_S: Final = 180
STOP_S: Final = 30
#: Accounts that share the load.
OPERATORS: Final = 16
#: Set-up gives every fourth of them to the largest unit.
OPERATORS_OF_LARGEST: Final = 4


@dataclass(slots=True)
class Hall:
    """A running installation."""

    root: Path
    ports: dict[str, int]
    accounts: AccountBook

    @classmethod
    def at(cls, root: Path) -> Hall:
        """Read what set-up wrote."""
        table = tomllib.loads((root / "installation.toml").read_text(encoding="utf-8"))
        return cls(root, table["ports"], AccountBook(root / "demo"))

    def client(self, label: str) -> Client:
        """Give a browser with the certificate of a demo account, not signed in."""
        return Client(HOST, self.ports[self.accounts.account(label).window], self.accounts.context(label))

    def signed_in(self, label: str) -> Client:
        """Give a browser that is signed in; the first password is changed and remembered."""
        client = self.client(label)
        sign_in(client, self.accounts, label)
        return client

    def crowd(self, count: int) -> list[Client]:
        """Give signed-in browsers with a connection each, of as many accounts as the installation has for load."""
        return self._signed_in_at(self.operators(), count)

    def colleagues(self, count: int) -> list[Client]:
        """Give signed-in browsers of the operators of the largest unit, all but account ``unit``."""
        return self._signed_in_at(self.operators()[::OPERATORS_OF_LARGEST], count)

    def operators(self) -> list[str]:
        """Give the labels of the accounts for load."""
        return [label for label in self.accounts.labels() if label.startswith("operator-")] or ["unit"]

    def _signed_in_at(self, labels: list[str], count: int) -> list[Client]:
        first = {label: self.signed_in(label) for label in labels[:count]}
        clients = list(first.values())
        for number in range(count - len(clients)):
            label = labels[number % len(labels)]
            client = self.client(label)
            client.memory.cookies.update(first[label].memory.cookies)
            clients.append(client)
        return clients

    def roster(self) -> Roster:
        """Give the employees of the unit of account ``unit``."""
        return read_roster(self.root / "demo" / "roster.csv")

    def metrics(self, port: int) -> str:
        """Read a role's metrics page."""
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as page:
            return str(page.read().decode())


@contextmanager
def running(root: Path | None) -> Iterator[Hall]:
    """Give a running hall: the one at ``root``, or a fresh one that is stopped and removed afterwards."""
    if root is not None:
        yield Hall.at(root)
        return
    with TemporaryDirectory(prefix="ferrygate-bench-") as folder:
        made = Path(folder) / "var"
        environment = {
            **os.environ, "FERRYGATE_PORT_BASE": str(free_base()), "FERRYGATE_OPERATORS": str(OPERATORS),
        }  # fmt: skip
        subprocess.run([sys.executable, "-m", "ops.provision", str(made)], env=environment, check=True)
        _lift_limits(made / "dmz" / "edge.toml")
        command = [sys.executable, "-m", "ops", "up", "--no-demo", "--root", str(made)]
        log = (Path(folder) / "up.log").open("w+", encoding="utf-8")
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
        try:
            _wait(process, Path(folder) / "up.log")
            yield Hall.at(made)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
            log.close()


def _lift_limits(edge: Path) -> None:
    """Let one certificate and one address ask as much as many would: the load comes from few accounts."""
    rates = "certificate_connections = 256\ncertificate_requests_per_s = 5000\naddress_requests_per_s = 5000\n"
    rates += "address_new_per_s = 500\naddress_connections = 1000\n"
    text = edge.read_text(encoding="utf-8")
    edge.write_text(text.replace("[edge]\n", f"[edge]\n{rates}", 1), encoding="utf-8")


def _wait(process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + START_S
    while "roles healthy" not in log.read_text(encoding="utf-8"):
        if process.poll() is not None or time.monotonic() > end:
            raise SystemExit(f"the installation did not start:\n{log.read_text(encoding='utf-8')[-2000:]}")
        time.sleep(0.2)
