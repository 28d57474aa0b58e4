"""Walls around the ferry (E7): once they stand, a half opens no socket, no program and no file but its own.

A process of its own loads the settings of a real role, puts its walls up and tries to get out in every way we know;
the same attempts without walls succeed, so that none of them fails for another reason.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.layout import Installation, Layout, Ports
from ops.provision.role_files import ferry_high_table, ferry_low_table
from ops.provision.toml_text import toml_text
from ops.walls import landlock
from ops.walls.walls import OFF, REQUIRED, Mason, Walls
from wire_formats.settings_reader import SettingsError

pytestmark = pytest.mark.skipif(landlock.version() == 0, reason="this kernel has no Landlock")

ROOT = Path(__file__).resolve().parents[3]
#: What a half's work needs.
ALLOWED = {"write its own folder", "rename in its own folder", "remove in its own folder", "read its keys"}
NO_FILE = {"EACCES"}
NO_LINK = {"EACCES", "EXDEV", "EPERM"}
REFUSED = {
    "write its keys": NO_FILE,
    "read elsewhere": NO_FILE,
    "list elsewhere": NO_FILE,
    "write elsewhere": NO_FILE,
    "remove elsewhere": NO_FILE,
    "read /etc/passwd": NO_FILE,
    "take a file in by link": NO_LINK,
    "take a file in by rename": NO_LINK,
    "follow a link out": NO_FILE,
    "connect": {"EPERM"},
    "connect by IPv6": {"EPERM"},
    "send a datagram": {"EPERM"},
    "raw socket": {"EPERM"},
    "listen": {"EPERM"},
    "start a program": {"EPERM", "EACCES"},
    "new user namespace": {"EPERM"},
    "read memory of a process": {"EPERM"},
    "mount": {"EPERM"},
    "in a thread that was there": {"EPERM"},
}


@pytest.fixture
def layout() -> Iterator[Layout]:
    with tempfile.TemporaryDirectory(prefix="fg") as folder:  # short: the inspector's socket lies in it
        found = Layout(Path(folder) / "var")
        for place in found.folders(("worker-1",)):
            place.mkdir(parents=True)
        for half in (found.ferry_low, found.ferry_high):
            (half / "keys" / "key.pem").write_text("a key")
        yield found


@pytest.fixture
def listening() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def report_of(role: str, layout: Layout, listening: int, *, walls: str) -> dict[str, str]:
    """Try everything from inside a role."""
    elsewhere = layout.core / "production"
    elsewhere.mkdir()
    (elsewhere / "secret").write_text("wages")
    found = Installation(ports=Ports())
    table = ferry_low_table(found) if role == "ferry_low" else ferry_high_table(found)
    table = {**table, "role": {**table["role"], "walls": walls}}  # type: ignore[dict-item]
    layout.settings(role).write_text(toml_text(table))
    words = [sys.executable, "-m", "tests.support.walled", role, str(layout.settings(role)), str(elsewhere)]
    words.append(str(listening))
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=150, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


@pytest.mark.parametrize("role", ["ferry_low", "ferry_high"])
def test_a_half_cannot_get_out(role: str, layout: Layout, listening: int) -> None:
    report = report_of(role, layout, listening, walls=REQUIRED)
    assert {name for name, how in report.items() if how == "done"} == ALLOWED
    for name, errors in REFUSED.items():
        assert report[name] in errors, (name, report[name])
    assert set(report) == ALLOWED | set(REFUSED)


def test_without_walls_the_same_attempts_succeed(layout: Layout, listening: int) -> None:
    report = report_of("ferry_low", layout, listening, walls=OFF)
    # What needs more rights than a user has may fail for another reason.
    needs_root = {"raw socket", "mount", "new user namespace", "connect by IPv6"}
    went = {name for name, how in report.items() if how == "done"}
    # "remove elsewhere" comes before the attempts to take the file in.
    gone = {"take a file in by link", "take a file in by rename", "follow a link out"}
    assert went >= (ALLOWED | set(REFUSED)) - needs_root - gone


def test_a_folder_to_work_in_is_made(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from ops.walls.walls import *;"
        "Mason(Walls(write=(Path(sys.argv[1]),)), REQUIRED).before_threads();"
        "(Path(sys.argv[1]) / 'file').write_text('x')"
    )
    folder = tmp_path / "new" / "folder"
    done = subprocess.run([sys.executable, "-c", code, folder], check=False, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (folder / "file").read_text() == "x"


def test_a_role_without_walls_lacks_none() -> None:
    mason = Mason(None, REQUIRED)
    mason.before_threads()
    mason.once_serving()
    assert mason.missing == ()


def test_a_required_wall_that_cannot_stand_is_a_clear_error(tmp_path: Path) -> None:
    mason = Mason(Walls(write=(tmp_path,)), REQUIRED)
    with pytest.raises(SettingsError, match="walls are required"):
        mason._fault("files", landlock.NoLandlockError(95, "none here"))
