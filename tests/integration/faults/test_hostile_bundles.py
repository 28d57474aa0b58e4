"""Hostile files at every station of a running system: set aside with one log line each, and honest work goes on."""

from __future__ import annotations

import json
import os
import time
from functools import partial
from pathlib import Path

import pytest

from tests.integration.faults import hostile
from tests.integration.faults.declarations import Declaration, Load, declare, effects, employees
from tests.integration.faults.road import Station, bundles_in, standing_still, stations, waited_for
from tests.support.hall_user import HallUser
from tests.support.whole_system import WholeSystem, until
from wire_formats.instants import from_iso

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
SET_ASIDE = {"bundle_quarantined", "bundle_held", "inbox_file_quarantined"}
DEALT_WITH_S = 60
FOLLOWED_S = 60


@pytest.fixture
def user(system: WholeSystem) -> HallUser:
    user = HallUser(system, "unit")
    user.sign_in()
    return user


def _declared(user: HallUser, number: int) -> Declaration:
    with user.system.production() as db:
        highest = db.execute("SELECT max(wage_fen) FROM wage_declaration WHERE case_id IS NOT NULL").fetchone()[0]
    one = Declaration(user, employees(user.system, "unit")[number], max(highest or 0, 400_000) + 1 + number)
    declare(user, one)
    assert one.acknowledged, one.last
    return one


def _set_aside(system: WholeSystem, role: str, since_ms: int) -> list[dict[str, str]]:
    whole = [line for line in system.log_text(role).splitlines(keepends=True) if line.endswith("\n")]
    lines = [json.loads(line) for line in whole]
    return [line for line in lines if line["event"] in SET_ASIDE and from_iso(line["time"]) >= since_ms]


def _lives(system: WholeSystem) -> dict[str, int]:
    return {name: process["pid"] for name, process in system.processes().items()}


def _captured(system: WholeSystem, user: HallUser) -> tuple[Declaration, list[Station]]:
    """Follow one declaration from the outbox to the worker's inbox, keeping a copy of its file at each station."""
    with standing_still(system, "ferry_low"):
        one = _declared(user, 100)
        first = waited_for(system.layout.dmz / "outbox" / "interactive")[0]
        found = list(stations(system, first))
    seen = user.follow(one.receipt, within_s=FOLLOWED_S)
    assert seen.state == "Done"
    return one, found


def _gone(folder: Path, names: list[str]) -> bool:
    return _all_gone([folder / name for name in names])


def _all_gone(paths: list[Path]) -> bool:
    return not any(os.path.lexists(path) for path in paths)


def _told(system: WholeSystem, role: str, since_ms: int, *, least: int) -> bool:
    return len(_set_aside(system, role, since_ms)) >= least


def test_hostile_files_are_set_aside_everywhere_and_honest_work_goes_on(system: WholeSystem, user: HallUser) -> None:
    lives = _lives(system)
    one, found = _captured(system, user)
    assert [station.name for station in found] == [
        "dmz outbox", "gap inbound", "core inbox", "gap outbound", "worker inbox",
    ]  # fmt: skip
    for station in found:
        since_ms = int(time.time() * 1000)
        files = hostile.files(station)
        if not station.reader.startswith("ferry"):
            files = {what: each for what, each in files.items() if not hostile.passes(station, each[1])}
        for name, data in files.values():
            hostile.put(station.folder, name, data)
        names = [name for name, _ in files.values()]
        until(partial(_gone, station.folder, names), within_s=DEALT_WITH_S, what=f"{station.name} clean")
        until(
            partial(_told, system, station.reader, since_ms, least=len(files)),
            within_s=DEALT_WITH_S,
            what=f"{station.name}: one line for each of {len(files)} files",
        )
        lines = _set_aside(system, station.reader, since_ms)
        assert len(lines) == len(files), f"{station.name}: {[line['reason'] for line in lines]}"
        assert all(line["reason"] for line in lines)
        print(f"{station.name:12} {len(files)} files, reasons {sorted({line['reason'] for line in lines})}")
    after = _declared(user, 101)
    assert user.follow(after.receipt, within_s=FOLLOWED_S).state == "Done"
    assert _lives(system) == lives
    assert effects(system, [one, after]) == []


def test_replayed_and_renamed_files_have_no_second_effect(system: WholeSystem, user: HallUser) -> None:
    one, found = _captured(system, user)
    for station in found:
        for _ in range(2):
            hostile.put(station.folder, str(station.file), station.data)
            until(partial(_gone, station.folder, [str(station.file)]), within_s=DEALT_WITH_S, what=station.name)
        renamed = f"{station.file.epoch:016x}-{station.file.sequence + 500:012x}-{station.file.sender}.bundle"
        hostile.put(station.folder, renamed, station.data)
        until(partial(_gone, station.folder, [renamed]), within_s=DEALT_WITH_S, what=station.name)
    assert user.get(one.receipt).state == "Done"
    assert effects(system, [one]) == []


def test_folders_pipes_and_links_stop_nothing(system: WholeSystem, user: HallUser) -> None:
    lives = _lives(system)
    layout = system.layout
    folders = [
        layout.dmz / "outbox" / "interactive",
        layout.gap / "inbound" / "interactive",
        layout.core / "inbox" / "interactive",
        layout.gap / "outbound" / "interactive",
        layout.dmz / "inbox" / system.found.worker_names[0],
    ]
    for _ in range(2):  # twice: the second time the same names lie in the quarantine already
        odd = [path for folder in folders for path in hostile.put_oddities(folder)]
        until(partial(_all_gone, odd), within_s=DEALT_WITH_S, what=f"{odd} gone")
    for number in (104, 105):
        assert user.follow(_declared(user, number).receipt, within_s=FOLLOWED_S).state == "Done"
    assert _lives(system) == lives


def test_bundles_out_of_order_both_arrive(system: WholeSystem, user: HallUser, tmp_path: Path) -> None:
    gap = system.layout.gap / "inbound" / "interactive"
    with standing_still(system, "ferry_high"):
        first = _declared(user, 102)
        kept = waited_for(gap)[0]
        away = tmp_path / kept.name
        away.write_bytes(kept.read_bytes())
        kept.unlink()
        second = _declared(user, 103)
        until(lambda: bundles_in(gap), within_s=DEALT_WITH_S, what="second bundle on the gap")
    assert user.follow(second.receipt, within_s=FOLLOWED_S).state == "Done"
    hostile.put(gap, away.name, away.read_bytes())
    assert user.follow(first.receipt, within_s=FOLLOWED_S).state == "Done"
    assert effects(system, [first, second]) == []


def test_a_load_goes_through_while_rubbish_rains(system: WholeSystem, user: HallUser) -> None:
    load = Load(system, [user], 30)
    load.start()
    load.permit(30)
    outbox = system.layout.dmz / "outbox" / "interactive"
    gap = system.layout.gap / "inbound" / "interactive"
    while load.finished < 30:
        for folder in (outbox, gap):
            hostile.put(folder, f"{2:016x}-{int.from_bytes(os.urandom(5)):012x}-worker-1.bundle", os.urandom(3_000))
        time.sleep(0.02)
    load.join(within_s=FOLLOWED_S)
    load.see_results(within_s=FOLLOWED_S)
    assert {one.state for one in load.declarations} == {"Done"}
    assert effects(system, load.declarations) == []
    assert sum(load.troubles().values()) == 0
