"""Files for a service manager (E6, E7): hardened units, one user per zone, folders that nobody else can enter."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path, PurePosixPath

import pytest

from ops.layout import Installation, Layout, Ports, roles
from ops.units.bundle import unit_files
from ops.units.ownership import CORE, DMZ, HIGH, LENT, LOW, MEETS, ROOT, SHARED, Place, places, user_of
from ops.units.service_unit import Host

HOST = Host(PurePosixPath("/var/lib/ferrygate"), PurePosixPath("/opt/ferrygate/bin/ferrygate"), ())
FOUND = Installation(ports=Ports(), workers=2)
MOST_EXPOSED = "20"  # tenths of systemd's measure: 2.0


@pytest.fixture
def written(tmp_path: Path) -> Path:
    for name, text in unit_files(FOUND, HOST):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return tmp_path


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
@pytest.mark.parametrize("process", [name.replace("_", "-") for name, _ in roles(FOUND)])
def test_exposure_is_at_most_two(process: str, written: Path) -> None:
    unit = written / f"ferrygate-{process}.service"
    words = ["systemd-analyze", "security", "--offline=true", f"--threshold={MOST_EXPOSED}", str(unit)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=150)
    assert done.returncode == 0, done.stdout[-400:] + done.stderr


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_the_measure_tells_a_bare_unit_from_a_hardened_one(tmp_path: Path) -> None:
    bare = tmp_path / "bare.service"
    bare.write_text("[Service]\nExecStart=/bin/true\n")
    words = ["systemd-analyze", "security", "--offline=true", f"--threshold={MOST_EXPOSED}", str(bare)]
    assert subprocess.run(words, capture_output=True, check=False, timeout=150).returncode != 0


def test_every_process_has_a_unit_of_its_zone(written: Path) -> None:
    for process, _ in roles(FOUND):
        text = (written / f"ferrygate-{process.replace('_', '-')}.service").read_text()
        assert f"User={user_of(process)}\n" in text
        assert f"{process}.toml\n" in text
        assert f"ferrygate-{process.replace('_', '-')}.service" in (written / "ferrygate.target").read_text()


def test_no_process_sees_the_folders_of_another_zone(written: Path) -> None:
    worker = (written / "ferrygate-worker-1.service").read_text()
    core = (written / "ferrygate-core.service").read_text()
    low = (written / "ferrygate-ferry-low.service").read_text()
    for text in (worker, core, low):
        assert "TemporaryFileSystem=/var/lib/ferrygate:ro\n" in text
    assert "/core" not in worker.replace("BindPaths=/var/lib/ferrygate/dmz", "")
    assert "/dmz" not in core
    assert "BindPaths=/var/lib/ferrygate/dmz\n" not in low


def test_only_meeting_places_are_shared_and_each_by_two_zones() -> None:
    for place in places(FOUND.worker_names):
        if place.mode == SHARED:
            meeting = [user for user, groups in MEETS.items() if place.group in groups]
            assert len(meeting) == 2, place
            assert place.user in meeting, place
        elif place.mode == LENT:
            assert (place.user, place.group) == (ROOT, place.files), place
            assert place.files in MEETS, place
        else:
            assert place.mode & 0o066 == 0 or place.path == PurePosixPath("ca/crl"), place


def test_nobody_owns_the_way_to_a_folder_of_another_zone() -> None:
    """Who owns a folder can put a link in the place of what lies in it, and lead its owner into its own state."""
    found = {place.path: place for place in places(FOUND.worker_names)}
    for path, place in found.items():
        for parent in list(path.parents)[:-1]:
            owner = found[parent].user
            assert owner in (ROOT, place.user), f"{owner} can replace {path} of {place.user}"
            shared = found[parent].mode & 0o1020 == 0o020  # the group may rename what lies in it
            assert not shared or path.name == ".tmp", place


@pytest.mark.skipif(shutil.which("systemd-tmpfiles") is None, reason="systemd-tmpfiles is not installed")
@pytest.mark.skipif(os.geteuid() != 0, reason="owners are given by root")
def test_the_service_manager_gives_every_folder_to_whom_it_belongs(tmp_path: Path) -> None:
    """Twice: the second time over an installation that has run, whose files root made."""
    users = [*MEETS, *sorted({group for meets in MEETS.values() for group in meets})]
    numbers = {name: 77_001 + index for index, name in enumerate(users)} | {ROOT: 0}
    (tmp_path / "etc").mkdir()
    for file, line in (("passwd", "{0}:x:{1}:{1}::/:/bin/false\n"), ("group", "{0}:x:{1}:\n")):
        (tmp_path / "etc" / file).write_text("".join(line.format(*pair) for pair in numbers.items()))
    root = tmp_path / HOST.root.relative_to("/")
    for folder in Layout(root).folders(FOUND.worker_names):
        folder.mkdir(parents=True, exist_ok=True)
    for file in ("dmz/exchange.sqlite", "dmz/worker-1.toml", "core/production.sqlite", "dmz/inbox/worker-1/1.notice"):
        (root / file).touch()
    config = tmp_path / "ferrygate.conf"
    config.write_text(dict(unit_files(FOUND, HOST))["tmpfiles.d/ferrygate.conf"])
    words = ["systemd-tmpfiles", f"--root={tmp_path}", "--create", str(config)]
    for _ in range(2):
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=150)
        assert (done.returncode, done.stderr) == (0, "")
        for place in places(FOUND.worker_names):
            facts = (root / place.path).stat()
            given = (facts.st_uid, facts.st_gid, facts.st_mode & 0o7777)
            assert given == (numbers[place.user], numbers[place.group], place.mode), place
        assert (root / "dmz/exchange.sqlite").stat().st_uid == numbers[DMZ]
        assert (root / "core/production.sqlite").stat().st_uid == numbers[CORE]
        assert (root / "dmz/inbox/worker-1/1.notice").stat().st_uid == numbers[LOW]


def test_no_meeting_place_joins_dmz_and_core() -> None:
    """Invariant 1: between the DMZ and the core lie both halves of the ferry."""
    pairs = {frozenset(u for u, groups in MEETS.items() if group in groups) for g in MEETS.values() for group in g}
    assert frozenset({DMZ, LOW}) in pairs
    assert frozenset({LOW, HIGH}) in pairs
    assert frozenset({HIGH, CORE}) in pairs
    for pair in pairs:
        assert not {DMZ, CORE} <= pair
        assert not {DMZ, HIGH} <= pair
        assert not {LOW, CORE} <= pair


def test_outer_folders_come_before_inner_ones() -> None:
    seen: set[PurePosixPath] = set()
    for place in places(FOUND.worker_names):
        assert isinstance(place, Place)
        seen.add(place.path)
        for parent in list(place.path.parents)[:-1]:
            assert parent in seen or parent.name in {"gap"}, place
