"""`ferrygate doctor`: what is missing or odd on this machine, one line each, with the remedy."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ops.cli.databases import database_checks
from ops.cli.finding import Finding, Verdict
from ops.cli.ports_free import taken
from ops.cli.run import load_role
from ops.cli.table import render
from ops.layout import Installation, Layout, Ports, roles
from ops.roles.ferry_high import FerryHighFile
from ops.roles.ferry_low import FerryLowFile
from ops.runtime.clock import SystemClock
from wire_formats.instants import from_iso, iso
from wire_formats.settings_reader import SettingsError, load_settings

LEAST_FREE_BYTES: Final = 2_000_000_000
#: This code did not exist before; a clock before it is wrong.
EARLIEST: Final = "2024-01-01T00:00:00.000Z"
PACKAGES: Final = (
    "alembic", "argon2", "automat", "cryptography", "jinja2", "klein", "msgspec", "OpenSSL",
    "prometheus_client", "psycopg", "raptorq", "sqlalchemy", "twisted", "xlsxwriter",
)  # fmt: skip
#: Folders of a zone whose files are made once, when the installation is made.
_KEY_FOLDERS: Final = frozenset({"keys", "trust"})
#: Largest socket buffer that the system grants to everybody.
_RMEM_MAX: Final = Path("/proc/sys/net/core/rmem_max")
_PCSC_SOCKET: Final = Path("/run/pcscd/pcscd.comm")


def doctor(root: Path) -> int:
    """Print all findings; 0 when nothing is broken, 1 otherwise.

    Args:
        root: folder of the installation; it may not exist yet.
    """
    findings = list(_all(root))
    print(render(("", "what", "finding"), [(f.verdict.value, f.what, f.told) for f in findings]))
    return 1 if any(finding.verdict is Verdict.BROKEN for finding in findings) else 0


def _all(root: Path) -> Iterator[Finding]:
    yield _python()
    yield _packages()
    yield _clock()
    yield _disk(root)
    yield from _optional()
    layout = Layout(root)
    if root.exists() and not root.is_dir():
        yield Finding(Verdict.BROKEN, "installation", f"{root} is a file; choose another --root")
        return
    if not layout.installation.exists():
        yield Finding(Verdict.NOTE, "installation", f"none at {root}; `make run` makes one")
        try:
            wanted = Ports.from_environment(os.environ)
        except ValueError as error:
            yield Finding(Verdict.BROKEN, "ports", f"{error}; for example FERRYGATE_PORT_BASE=20000")
            return
        yield from _ports(wanted, None)
        return
    try:
        found = load_settings(Installation, layout.installation)
    except SettingsError as error:
        yield Finding(Verdict.BROKEN, "installation", str(error))
        return
    yield from _settings(layout, found)
    yield from _keys(layout)
    yield from _diode(layout, found)
    yield from database_checks(layout)
    yield from _ports(found.ports, layout)


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < (3, 11):  # noqa: UP036 - the remedy is the point
        return Finding(Verdict.BROKEN, "python", f"{version}; 3.11 or newer is needed: apt-get install python3")
    return Finding(Verdict.GOOD, "python", version)


def _packages() -> Finding:
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        return Finding(Verdict.BROKEN, "packages", f"missing: {', '.join(missing)}; `make run` installs them")
    return Finding(Verdict.GOOD, "packages", f"all {len(PACKAGES)} found")


def _clock() -> Finding:
    now_ms = SystemClock().now_ms()
    if now_ms < from_iso(EARLIEST):
        return Finding(Verdict.BROKEN, "clock", f"{iso(now_ms)} is in the past: timedatectl set-ntp true")
    return Finding(Verdict.GOOD, "clock", iso(now_ms))


def _disk(root: Path) -> Finding:
    place = next(path for path in (root, *root.parents) if path.exists())
    free = shutil.disk_usage(place).free
    words = f"{free // 1_000_000:,} MB free at {place}"
    if free < LEAST_FREE_BYTES:
        return Finding(Verdict.BROKEN, "disk", f"{words}; {LEAST_FREE_BYTES // 1_000_000:,} MB are needed")
    return Finding(Verdict.GOOD, "disk", words)


def _optional() -> Iterator[Finding]:
    for what, there, remedy in (
        ("card readers", _PCSC_SOCKET.exists() and importlib.util.find_spec("smartcard") is not None,
         "apt-get install pcscd, then .venv/bin/pip install pyscard"),
        ("chromium", bool(shutil.which("chromium") or shutil.which("chromium-browser")),
         "apt-get install chromium chromium-driver (browser tests)"),
        ("postgresql", any(Path("/usr/lib/postgresql").glob("*/bin/initdb")),
         "apt-get install postgresql (tests on PostgreSQL)"),
        ("pk12util", bool(shutil.which("pk12util")), "apt-get install libnss3-tools (browser tests)"),
    ):  # fmt: skip
        yield (
            Finding(Verdict.GOOD, what, "found (optional)")
            if there
            else Finding(Verdict.NOTE, what, f"not found, optional: {remedy}")
        )


def _settings(layout: Layout, found: Installation) -> Iterator[Finding]:
    count = 0
    for role, _ in roles(found):
        try:
            load_role(role.partition("-")[0], layout.settings(role))
            count += 1
        except SettingsError as error:
            yield Finding(Verdict.BROKEN, "settings", str(error))
            continue
        yield from _files_of(layout.settings(role))
    yield Finding(Verdict.GOOD, "settings", f"{count} files valid under {layout.root}")


def _diode(layout: Layout, found: Installation) -> Iterator[Finding]:
    """Tell whether the system grants the socket buffers a diode's receiver asks for; without them bursts are lost."""
    if found.transport != "diode":
        return
    files: tuple[tuple[str, type[FerryLowFile | FerryHighFile]], ...] = (
        ("ferry_low", FerryLowFile), ("ferry_high", FerryHighFile),
    )  # fmt: skip
    for half, file in files:
        try:
            diode = load_settings(file, layout.settings(half)).ferry.transport.diode
            granted = int(_RMEM_MAX.read_text(encoding="ascii"))
        except (SettingsError, OSError, ValueError):
            continue  # told among the settings; or no Linux
        if diode is None:
            yield Finding(Verdict.BROKEN, "diode", f"{half}: the installation says diode, the settings do not")
        elif granted < diode.socket_bytes:
            remedy = f"sysctl -w net.core.rmem_max={diode.socket_bytes} (or let the role have CAP_NET_ADMIN)"
            yield Finding(Verdict.NOTE, "diode", f"{half}: socket buffers of {granted:,} bytes only; {remedy}")
        else:
            yield Finding(Verdict.GOOD, "diode", f"{half}: socket buffers of {diode.socket_bytes:,} bytes granted")


def _files_of(settings: Path) -> Iterator[Finding]:
    """Look for the keys and certificates that a settings file names; what is missing is one line each."""
    waiting: list[object] = [tomllib.loads(settings.read_text(encoding="utf-8"))]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
        elif isinstance(value, str) and _KEY_FOLDERS & set(Path(value).parts[:-1]):
            path = settings.parent / value
            if not path.exists():
                told = f"{path} is missing ({settings.name} names it); bring it back from a copy, or `make clean run`"
                yield Finding(Verdict.BROKEN, "keys", told)


def _keys(layout: Layout) -> Iterator[Finding]:
    open_to_others: list[Path] = []
    count = 0
    for zone in (layout.dmz, layout.ferry_low, layout.ferry_high, layout.core, layout.ca):
        for path in sorted(zone.glob("**/*.key*")):
            count += 1
            if path.stat().st_mode & 0o077:
                open_to_others.append(path)
    for path in open_to_others:
        yield Finding(Verdict.BROKEN, "keys", f"{path} is open to other users: chmod 600 {path}")
    if count == 0:
        yield Finding(Verdict.BROKEN, "keys", f"no keys under {layout.root}; `make clean run` makes a new installation")
    elif not open_to_others:
        yield Finding(Verdict.GOOD, "keys", f"{count} private keys, none open to other users")


def _ports(ports: Ports, layout: Layout | None) -> Iterator[Finding]:
    listening = [port for _, port in ports.listening()]
    words = ", ".join(map(str, listening))
    not_free = taken(listening)
    if not not_free:
        yield Finding(Verdict.GOOD, "ports", f"{words} are free")
    elif layout is not None and layout.control.exists():
        yield Finding(Verdict.GOOD, "ports", f"{words} (ferrygate is running)")
    else:
        for port, why in not_free:
            yield Finding(Verdict.BROKEN, "ports", f"{port} {why}; or FERRYGATE_PORT_BASE=20000 make run")
