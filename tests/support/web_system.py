"""What a browser's user knows of an installation: addresses, his slip, his own data; and the agency's commands."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from ops.demo.declaration import Roster, read_roster
from tests.support.whole_system import WholeSystem

_COMMAND_LIMIT_S = 60


@dataclass(frozen=True)
class Listed:
    """One demo account: what is printed on its slip."""

    label: str
    window: str
    user_name: str
    password: str
    pkcs12: Path
    pkcs12_password: str


class WebSystem:
    """An installation seen from outside.

    Args:
        whole: its processes.
    """

    def __init__(self, whole: WholeSystem) -> None:
        self._demo = whole.layout.demo
        self._root = whole.root
        self._ports = whole.found.ports

    @property
    def root_certificate(self) -> Path:
        """What a browser must trust."""
        return self._demo / "root.pem"

    def url(self, window: str, path: str = "/") -> str:
        """Give the address of a page."""
        return f"https://localhost:{getattr(self._ports, window)}{path}"

    def account(self, label: str) -> Listed:
        """Give a demo account as set-up made it."""
        listed = json.loads((self._demo / "accounts.json").read_text(encoding="utf-8"))
        one = next(one for one in listed if one["label"] == label)
        pkcs12 = self._demo / one["pkcs12"]
        return Listed(label, one["window"], one["user_name"], one["password"], pkcs12, one["pkcs12_password"])

    def roster(self, count: int) -> Roster:
        """Give the first employees of the largest unit."""
        whole = read_roster(self._demo / "roster.csv")
        return Roster(whole.year, whole.rows[:count])

    def authority(self, *words: str) -> str:
        """Run `ferrygate ca ...` and give what it prints."""
        command = [sys.executable, "-m", "ops", "ca", "--root", str(self._root), *words]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=_COMMAND_LIMIT_S).stdout
