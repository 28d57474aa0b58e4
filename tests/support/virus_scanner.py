"""A real clamd with one signature of its own, on a socket in a temporary directory."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest

#: The harmless test virus of the European Institute for Computer Antivirus Research, put together here so that no
#: scanner takes this file for it.
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}" + b"$EICAR-STANDARD-" + b"ANTIVIRUS-TEST-FILE!$H+H*"
CLAMD = shutil.which("clamd") or "/usr/sbin/clamd"
STREAM_MIB = 2
_START_S = 120
_SETTINGS = """
Foreground yes
LocalSocket {folder}/clamd.sock
DatabaseDirectory {folder}/signatures
TemporaryDirectory {folder}
PidFile {folder}/clamd.pid
LogFile {folder}/clamd.log
StreamMaxLength {mib}M
MaxThreads 2
"""


class Clamd:
    """A virus scanner that knows one virus.

    Args:
        folder: short, for the socket's path; everything lives there.
    """

    def __init__(self, folder: Path) -> None:
        if not Path(CLAMD).exists():
            pytest.skip("clamd is not installed (Debian: clamav-daemon)")
        self.socket = folder / "clamd.sock"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        # A copy: distributions confine the program under its own path to their own folders.
        self._program = folder / "clamd"
        shutil.copy(CLAMD, self._program)
        (folder / "signatures").mkdir()
        (folder / "signatures" / "test.ndb").write_text(f"Test.Eicar:0:*:{EICAR.hex()}\n")
        (folder / "clamd.conf").write_text(_SETTINGS.format(folder=folder, mib=STREAM_MIB))

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self._process = subprocess.Popen(
            [self._program, "-c", self._folder / "clamd.conf"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        end = time.monotonic() + _START_S
        while not self._answers():
            assert self._process.poll() is None and time.monotonic() < end, self._log()
            time.sleep(0.05)

    def stop(self) -> None:
        """End it, if it runs."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
            self.socket.unlink(missing_ok=True)

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as asking:
            try:
                asking.connect(str(self.socket))
                asking.sendall(b"zPING\0")
                return asking.recv(16) == b"PONG\0"
            except OSError:
                return False

    def _log(self) -> str:
        path = self._folder / "clamd.log"
        return path.read_text()[-2_000:] if path.exists() else "clamd wrote no log"
