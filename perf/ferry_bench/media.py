"""Media: how long 1 GB takes out of one half and into the other, by the operators' own commands.

Out: list and hash every file, two signatures, seal, write, wait for the disk, read back.  In: manifest, signatures,
open every chunk, check every file's digest, deliver.  The bytes are random, so nothing is saved by their kind.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from perf.figures import measure, show
from wire_formats.drop import DropName, prepare_drop

GIGABYTE: Final = 1_000_000_000
TARGET_S: Final = 60.0
_LARGE: Final = 1_000_000
_SMALL: Final = 2_048
_SMALL_FILES: Final = 10_000
_OPERATORS: Final = ("gatekeeper", "gatekeeper2")


def media() -> None:
    """Measure 1 GB in files of 1 MB, and many small files."""
    with TemporaryDirectory(prefix="ferrygate-media-") as text:
        site = _Site(Path(text))
        out, back = site.carry("WH-0001", GIGABYTE // _LARGE, _LARGE)
        measure("media: 1 GB out and in", out + back, "s", at_most=TARGET_S)
        show("  out, read back included", f"{out:6.1f} s  {GIGABYTE / out / 1e6:6.0f} MB/s")
        show("  in", f"{back:6.1f} s  {GIGABYTE / back / 1e6:6.0f} MB/s")
        worked = site.processor_s
        show("  processor time", f"out {worked['export']:.1f} s, in {worked['import']:.1f} s")
        show("  largest memory of a command", f"{site.memory_mib:6.0f} MiB, of any size of medium")
        out, back = site.carry("WH-0002", _SMALL_FILES, _SMALL)
        show(f"media: {_SMALL_FILES:,} files of 2 KiB", f"out {out:.1f} s, in {back:.1f} s")


class _Site:
    """A fresh installation with both halves, of which none runs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.memory_mib = 0.0
        #: Of the last command of each kind.
        self.processor_s: dict[str, float] = {}
        self._root = folder / "var"
        environment = {**os.environ, "CITY_UNITS": "2", "FERRYGATE_WORKERS": "1"}
        command = [sys.executable, "-m", "ops.provision", str(self._root)]
        subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
        listed = json.loads((self._root / "demo" / "accounts.json").read_text(encoding="utf-8"))
        self._passphrases = {one["label"]: one["pkcs12_password"] for one in listed}

    def carry(self, serial: str, files: int, size: int) -> tuple[float, float]:
        """Fill the low half's collection, take it out and in; gives the seconds of both commands."""
        self._fill(files, size)
        medium = self._folder / serial
        medium.mkdir()
        self._run("low", "register", serial)
        keys = [word for name in _OPERATORS for word in ("--key", str(self._root / "demo" / f"{name}.p12"))]
        out = self._run("low", "export", serial, "--to", str(medium), *keys)
        back = self._run("high", "import", str(medium), "--writable-ok")
        arrived = self._root / "ferry_high" / "media" / "in" / "bulk"
        came = [entry.stat().st_size for entry in os.scandir(arrived) if entry.is_file()]
        if (len(came), sum(came)) != (files, files * size):
            raise RuntimeError(f"{len(came)} files came of {files}")
        shutil.rmtree(arrived)
        shutil.rmtree(medium)
        return out, back

    def _fill(self, files: int, size: int) -> None:
        folder = self._root / "ferry_low" / "media" / "out" / "bulk"
        prepare_drop(folder)
        for number in range(1, files + 1):
            (folder / str(DropName(1, number, "ferry_low"))).write_bytes(os.urandom(size))

    def _run(self, side: str, *words: str) -> float:
        command = [sys.executable, "-W", "ignore", "-m", "ops", "ferry", "media", words[0], "--root", str(self._root)]
        began = time.monotonic()
        process = subprocess.Popen(
            [*command, "--side", side, *words[1:]],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        assert process.stdin is not None
        process.stdin.write("".join(f"{self._passphrases[name]}\n" for name in _OPERATORS).encode())
        process.stdin.close()
        _, status, usage = os.wait4(process.pid, 0)
        took = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            raise RuntimeError(f"ferrygate ferry media {words[0]}: exit code {process.returncode}")
        self.memory_mib = max(self.memory_mib, usage.ru_maxrss / 1024)
        self.processor_s[words[0]] = usage.ru_utime + usage.ru_stime
        return took
