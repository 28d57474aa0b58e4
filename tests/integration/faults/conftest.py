"""One installation for all fault tests of this folder; each leaves it healthy.

It lies on a small file system of its own where that may be mounted, so that a disk can be filled.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.integration.faults.campaign import WORKERS
from tests.support.whole_system import WholeSystem

DISK = "400m"


@contextmanager
def _small_disk(folder: Path) -> Iterator[None]:
    """Mount one if that is permitted; otherwise the folder stays as it is, and one test is skipped."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK},mode=0700", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        mounted = False
    try:
        yield
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(folder)], capture_output=True, check=False)


@pytest.fixture(scope="package")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeSystem]:
    folder = tmp_path_factory.mktemp("faults")
    with _small_disk(folder):
        system = WholeSystem(folder / "var", workers=WORKERS)
        try:
            system.start()
            yield system
            system.stop()
        finally:
            system.end()


@pytest.fixture
def system(installed: WholeSystem) -> Iterator[WholeSystem]:
    """The installation, healthy before and after."""
    installed.wait_healthy()
    yield installed
    installed.hang_up()
    installed.wait_healthy()


@pytest.fixture
def root(installed: WholeSystem) -> Path:
    return installed.root
