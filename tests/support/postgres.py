"""A throw-away PostgreSQL server from the machine's own binaries, for tests.

It listens on a Unix socket in its own temporary folder and on no TCP port, runs as an unprivileged user when the
tests run as root, and is ended by its own process id.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

_START_LIMIT_S = 120.0
_STOP_LIMIT_S = 60.0


def find_binaries() -> Path | None:
    """Return the folder that holds `initdb` and `postgres`, newest version first, or None."""
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    found = shutil.which("initdb")
    if found and shutil.which("postgres", path=str(Path(found).resolve().parent)):
        return Path(found).resolve().parent
    return None


class PostgresServer:
    """One running server; `new_database()` gives the SQLAlchemy URL of an empty database."""

    def __init__(self, folder: Path, user: str) -> None:
        self._folder = folder
        self._user = user

    def new_database(self, *, template: str = "template1") -> str:
        """Create a database, empty or a copy of another (by name or URL), and return its URL."""
        name = f"t{uuid.uuid4().hex[:12]}"
        source = template.rpartition("@/")[2].partition("?")[0]
        with psycopg.connect(f"host={self._folder} user={self._user} dbname=postgres", autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{source}"')
        return f"postgresql+psycopg://{self._user}@/{name}?host={self._folder}"


@contextmanager
def running_postgres() -> Iterator[PostgresServer]:
    """Start a server and end it afterwards; skips the test visibly when the machine has none."""
    binaries = find_binaries()
    if binaries is None:
        pytest.skip("no PostgreSQL binaries on this machine (initdb, postgres)")
    user = _unprivileged_user()
    folder = Path(tempfile.mkdtemp(prefix="fgpg-", dir="/tmp"))  # short: socket paths are limited to 107 bytes
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, user)
        data = folder / "data"
        _run([str(binaries / "initdb"), "-D", str(data), "-U", user, "-A", "trust", "-E", "UTF8", "--no-locale"], user)
        with _server(binaries, data, folder, user):
            yield PostgresServer(folder, user)
    finally:
        _remove(folder)


@contextmanager
def _server(binaries: Path, data: Path, folder: Path, user: str) -> Iterator[None]:
    # Thrown away afterwards, so nothing needs to survive a loss of power.
    options = ("listen_addresses=", "fsync=off", "full_page_writes=off", "shared_buffers=32MB")
    command = [str(binaries / "postgres"), "-D", str(data), "-k", str(folder)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, *(part for option in options for part in ("-c", option))],
            stdout=log,
            stderr=log,
            cwd="/",
            **_as_user(user),
        )
    try:
        _wait_until_ready(process, folder, user)
        yield
    finally:
        process.send_signal(signal.SIGQUIT)  # at once: its folder is removed anyway
        try:
            process.wait(_STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _remove(folder: Path) -> None:
    """Remove the folder, although children of a server that was killed may still write into it for a moment."""
    end = time.monotonic() + _STOP_LIMIT_S
    while folder.exists() and time.monotonic() < end:
        shutil.rmtree(folder, ignore_errors=True)
        time.sleep(0.05)


def _wait_until_ready(process: subprocess.Popen[bytes], folder: Path, user: str) -> None:
    deadline = time.monotonic() + _START_LIMIT_S
    while True:
        try:
            psycopg.connect(f"host={folder} user={user} dbname=postgres", connect_timeout=2).close()
            return
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((folder / "log").read_text(errors="replace")) from None
            time.sleep(0.05)


def _unprivileged_user() -> str:
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid()).pw_name
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    pytest.skip("running as root, and there is no user postgres or nobody for PostgreSQL")


def _as_user(user: str) -> dict[str, Any]:
    return {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []} if os.geteuid() == 0 else {}


def _run(command: list[str], user: str) -> None:
    subprocess.run(command, check=True, cwd="/", capture_output=True, timeout=150, **_as_user(user))
