"""What a browser's user knows of an installation: addresses, his slip, his own data; and the agency's commands."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from ops.visitor.accounts import AccountBook, Known
from ops.visitor.wage_workbook import Roster, read_roster
from tests.support.whole_system import WholeSystem

_COMMAND_LIMIT_S = 60


class WebSystem:
    """An installation seen from outside.

    Args:
        whole: its processes.
    """

    def __init__(self, whole: WholeSystem) -> None:
        self.whole = whole
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

    def account(self, label: str) -> Known:
        """Give a demo account as the list has it now."""
        return AccountBook(self._demo).account(label)

    def roster(self, count: int) -> Roster:
        """Give the first employees of the largest unit."""
        whole = read_roster(self._demo / "roster.csv")
        return Roster(whole.year, whole.rows[:count])

    def authority(self, *words: str) -> str:
        """Run `ferrygate ca ...` and give what it prints."""
        command = [sys.executable, "-m", "ops", "ca", "--root", str(self._root), *words]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=_COMMAND_LIMIT_S).stdout
