"""Both halves with media between them: requests go out on one medium, answers come back on another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from ferry.inspection import Inspector
from ferry.inspector.port import NearInspector
from ferry.lane.checks import HIGH_ROLE, LOW_ROLE
from ferry.media.desk import MediaDesk, open_desk
from ferry.media.exporting import export_medium
from ferry.media.importing import import_medium
from ferry.media.receipts import take_receipt, write_receipt
from ferry.media.settings import MediaSettings
from ferry.media.states import MediumKind, MediumState
from ferry.service import build_high, build_low
from ferry.settings import MEDIA, FerryLimits, HalfSettings, TransportSettings
from tests.support.ferry_kit import (
    EchoCore,
    FerryKit,
    NoWatch,
    SetClock,
    answered_ids,
    bundles_in,
    high_settings,
    low_settings,
    request_ids,
    requests,
    worker_author,
)
from tests.support.machines import NOW_MS, MachineAuthority, pem_of
from tests.support.media_kit import LOW_SEAL, CountedRandomness
from tests.support.wire_samples import HIGH_HALF
from wire_formats.catalogue import SERVICES
from wire_formats.lane_control import Progress, verify_control
from wire_formats.seal import SealPrivateKey


class Sites:
    """Two sites that share nothing; media are folders that a test carries."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.kit = FerryKit(root)
        self.kit.write_keys()
        self.reactor = Clock()
        self.reactor.advance(1000)
        self.clock = SetClock(NOW_MS)
        self.core = EchoCore(self.kit, self.clock)
        self.persons = MachineAuthority("Persons")
        self.operators = self.persons.operator("li"), self.persons.operator("wang")
        self.randomness = CountedRandomness()
        self.media = 0
        self.low_settings = self._with_media(low_settings(root), LOW_SEAL, HIGH_HALF)
        self.high_settings = self._with_media(high_settings(root), HIGH_HALF, LOW_SEAL)
        self.halves: dict[str, Any] = {}
        self.desks = {
            LOW_ROLE: open_desk(self.low_settings, clock=self.clock, randomness=self.randomness),
            HIGH_ROLE: open_desk(self.high_settings, clock=self.clock, randomness=self.randomness),
        }
        self.start(LOW_ROLE)
        self.start(HIGH_ROLE)

    def start(self, role: str) -> None:
        around: dict[str, Any] = {
            "reactor": self.reactor, "clock": self.clock, "randomness": self.randomness, "watch": NoWatch(),
            "registry": CollectorRegistry(),
        }  # fmt: skip
        if role == LOW_ROLE:
            self.halves[role] = build_low(self.low_settings, **around)
        else:
            near = NearInspector(Inspector(SERVICES, HIGH_HALF))
            self.halves[role] = build_high(self.high_settings, inspector=near, **around)
        self.halves[role].start()

    def stop(self, role: str) -> None:
        Deferred.fromCoroutine(self.halves.pop(role).stop())
        for _ in range(10):
            self.reactor.advance(0.001)

    def run(self, seconds: float = 1.0) -> None:
        for _ in range(round(seconds / 0.02)):
            self.clock.ms += 20
            self.reactor.advance(0.02)

    def export(self, role: str) -> tuple[str, Path]:
        """Put what waits at a half onto a new medium."""
        self.media += 1
        serial, folder = f"WH-{self.media:04d}", self.root / f"medium-{self.media}"
        folder.mkdir()
        desk: MediaDesk = self.desks[role]
        desk.register.add(serial, "", MediumKind.REWRITABLE, operator="li", now_ms=self.clock.ms)
        export_medium(desk, serial, folder, lambda _: self.operators)
        return serial, folder

    def take_in(self, role: str, medium: tuple[str, Path]) -> None:
        import_medium(self.desks[role], medium[1], by="zhao", writable_ok=True)

    def receipt(self, medium: tuple[str, Path], *, frm: str, to: str) -> None:
        take_receipt(self.desks[to], write_receipt(self.desks[frm], medium[0], by="zhao").data, by="li")

    def spooled(self) -> int:
        return len(list((self.low_settings.spool / "inbound-interactive").glob("*.bundle")))

    def close(self) -> None:
        for role in list(self.halves):
            self.stop(role)
        for desk in self.desks.values():
            desk.register.close()

    def _with_media(self, settings: Any, seal: SealPrivateKey, peer: SealPrivateKey) -> Any:
        folder = settings.journal.parent
        files = {
            "seal_key": seal.raw,
            "peer_key": peer.public.raw,
            "operators": b"".join(pem_of(one) for one in self.operators),
            "operator_issuers": self.persons.pem,
        }
        for name, data in files.items():
            (folder / f"{name}.media").write_bytes(data)
        media = MediaSettings(folder=folder / "media", **{name: folder / f"{name}.media" for name in files})
        found: HalfSettings = replace(settings, transport=TransportSettings(MEDIA), media=media)
        return found


@pytest.fixture
def sites(tmp_path: Path) -> Iterator[Sites]:
    made = Sites(tmp_path)
    yield made
    made.close()


def test_a_request_goes_out_and_its_answer_comes_back_on_media(sites: Sites) -> None:
    worker = worker_author(sites.kit)
    wanted = requests(2, now_ms=sites.clock.ms)
    worker.send(wanted, now_ms=sites.clock.ms)
    sites.run()
    there = sites.export(LOW_ROLE)
    sites.take_in(HIGH_ROLE, there)
    sites.run()
    sites.core.turn()
    assert sites.core.seen == request_ids(wanted)
    sites.run()
    back = sites.export(HIGH_ROLE)
    sites.take_in(LOW_ROLE, back)
    sites.run()
    assert sorted(answered_ids(sites.kit.worker_inbox())) == sorted(request_ids(wanted))
    assert sites.spooled() == 0, "the acknowledgement came with the answers"


def test_a_receipt_alone_empties_the_spool(sites: Sites) -> None:
    worker_author(sites.kit).send(requests(now_ms=sites.clock.ms), now_ms=sites.clock.ms)
    sites.run()
    medium = sites.export(LOW_ROLE)
    sites.take_in(HIGH_ROLE, medium)
    sites.run()
    assert sites.spooled() == 1
    sites.receipt(medium, frm=HIGH_ROLE, to=LOW_ROLE)
    sites.run()
    assert sites.spooled() == 0
    assert sites.desks[LOW_ROLE].register.medium(medium[0]).state is MediumState.RECEIPTED


def test_nothing_is_sent_again_while_a_medium_is_under_way(sites: Sites) -> None:
    worker_author(sites.kit).send(requests(now_ms=sites.clock.ms), now_ms=sites.clock.ms)
    sites.run()
    sites.export(LOW_ROLE)
    sites.run(40)
    collected = sites.desks[LOW_ROLE].folders.out / "interactive"
    assert list(collected.glob("*.bundle")) == []
    assert sites.spooled() == 1
    assert sites.halves[LOW_ROLE].half.status().held == 0


def test_a_lost_medium_goes_again_on_the_next_one(sites: Sites) -> None:
    wanted = requests(now_ms=sites.clock.ms)
    worker_author(sites.kit).send(wanted, now_ms=sites.clock.ms)
    sites.run()
    serial, _ = sites.export(LOW_ROLE)
    sites.desks[LOW_ROLE].register.move(serial, MediumState.LOST, operator="li", now_ms=sites.clock.ms)
    sites.run(35)
    sites.take_in(HIGH_ROLE, sites.export(LOW_ROLE))
    sites.run()
    sites.core.turn()
    assert sites.core.seen == request_ids(wanted)


def test_media_that_arrive_in_another_order_lose_nothing_and_hold_nothing(sites: Sites) -> None:
    sites.stop(LOW_ROLE)
    sites.low_settings = replace(sites.low_settings, limits=FerryLimits(give_up_tries=2))
    sites.start(LOW_ROLE)
    worker, wanted, media = worker_author(sites.kit), [], []
    for _ in range(3):
        items = requests(now_ms=sites.clock.ms)
        wanted += request_ids(items)
        worker.send(items, now_ms=sites.clock.ms)
        sites.run()
        media.append(sites.export(LOW_ROLE))
    for at in (2, 0, 1):
        sites.take_in(HIGH_ROLE, media[at])
        sites.run()
        sites.receipt(media[at], frm=HIGH_ROLE, to=LOW_ROLE)
        sites.run(15)
        sites.core.turn()
    assert sorted(sites.core.seen) == sorted(wanted)
    assert sites.spooled() == 0
    assert sites.halves[LOW_ROLE].half.status().held == 0


def test_the_sending_half_may_start_anew_while_a_medium_is_under_way(sites: Sites) -> None:
    wanted = requests(now_ms=sites.clock.ms)
    worker_author(sites.kit).send(wanted, now_ms=sites.clock.ms)
    sites.run()
    first = sites.export(LOW_ROLE)
    sites.stop(LOW_ROLE)
    sites.start(LOW_ROLE)
    sites.run()
    worker_author(sites.kit).send(wanted, now_ms=sites.clock.ms)  # the worker sends what it has no answer to again
    sites.run()
    second = sites.export(LOW_ROLE)
    for medium in (first, second):
        sites.take_in(HIGH_ROLE, medium)
        sites.run()
        sites.receipt(medium, frm=HIGH_ROLE, to=LOW_ROLE)
        sites.run()
    sites.core.turn()
    assert sites.core.seen == request_ids(wanted), "once, though two media carried it"
    assert sites.spooled() == 0


def test_a_receipt_settles_what_was_sent_before_the_half_began_anew(sites: Sites) -> None:
    worker_author(sites.kit).send(requests(now_ms=sites.clock.ms), now_ms=sites.clock.ms, tracked=True)
    sites.run()
    medium = sites.export(LOW_ROLE)
    sites.stop(LOW_ROLE)
    sites.start(LOW_ROLE)
    sites.run(5)
    collected = sites.desks[LOW_ROLE].folders.out / "interactive"
    assert list(collected.glob("*.bundle")) == [], "what is on a medium is not sent again"
    sites.take_in(HIGH_ROLE, medium)
    sites.run()
    sites.receipt(medium, frm=HIGH_ROLE, to=LOW_ROLE)
    sites.run()
    assert sites.spooled() == 0
    notes = [verify_note(path, sites) for path in sorted(sites.kit.worker_inbox().glob("*.notice"))]
    assert notes == ["taken", "crossed"]
    counts = sites.halves[LOW_ROLE].half.parts.journal.counts()
    assert counts == {"sent.acked": 1}


def verify_note(path: Path, sites: Sites) -> str:
    note = verify_control(path.read_bytes(), sites.kit.trust, role="ferry_low", now_ms=sites.clock.ms)
    assert isinstance(note, Progress)
    return note.state


def test_a_medium_that_is_lost_after_a_new_start_goes_again(sites: Sites) -> None:
    wanted = requests(now_ms=sites.clock.ms)
    worker_author(sites.kit).send(wanted, now_ms=sites.clock.ms)
    sites.run()
    serial, _ = sites.export(LOW_ROLE)
    sites.stop(LOW_ROLE)
    sites.start(LOW_ROLE)
    sites.run()
    sites.desks[LOW_ROLE].register.move(serial, MediumState.LOST, operator="li", now_ms=sites.clock.ms)
    sites.run()
    sites.take_in(HIGH_ROLE, sites.export(LOW_ROLE))
    sites.run()
    sites.core.turn()
    assert sites.core.seen == request_ids(wanted)


def test_media_of_two_epochs_in_the_wrong_order_lose_nothing(sites: Sites) -> None:
    worker, wanted, media = worker_author(sites.kit), [], []
    for _ in range(2):
        items = requests(now_ms=sites.clock.ms)
        wanted += request_ids(items)
        worker.send(items, now_ms=sites.clock.ms)
        sites.run()
        media.append(sites.export(LOW_ROLE))
        sites.stop(LOW_ROLE)
        sites.start(LOW_ROLE)
    for medium in reversed(media):
        sites.take_in(HIGH_ROLE, medium)
        sites.run()
        sites.receipt(medium, frm=HIGH_ROLE, to=LOW_ROLE)
        sites.run(2)
    last = sites.export(LOW_ROLE)
    sites.take_in(HIGH_ROLE, last)
    sites.run()
    sites.receipt(last, frm=HIGH_ROLE, to=LOW_ROLE)
    sites.run(2)
    sites.core.turn()
    assert sorted(sites.core.seen) == sorted(wanted)
    assert sites.spooled() == 0


def test_silence_between_two_media_is_no_trouble(sites: Sites) -> None:
    sites.run(10)
    for half in sites.halves.values():
        status = half.half.status()
        assert {lane.link for lane in status.lanes} == {"silent"}
        assert half.half.healthy
        assert status.transport["out"].kind == "media"


def test_a_full_collection_holds_the_lane_and_goes_on_after_an_export(tmp_path: Path) -> None:
    sites = Sites(tmp_path)
    sites.stop(LOW_ROLE)
    media = replace(sites.low_settings.media, most_files=2)
    sites.low_settings = replace(sites.low_settings, media=media)
    sites.start(LOW_ROLE)
    worker = worker_author(sites.kit)
    for _ in range(4):
        worker.send(requests(now_ms=sites.clock.ms), now_ms=sites.clock.ms)
    sites.run(3)
    (lane,) = [
        one for one in sites.halves[LOW_ROLE].half.status().lanes if (one.way, one.lane) == ("inbound", "interactive")
    ]
    assert "export one" in lane.blocked
    assert not sites.halves[LOW_ROLE].half.healthy
    for _ in range(2):
        sites.take_in(HIGH_ROLE, sites.export(LOW_ROLE))
        sites.run(3)
    assert len(bundles_in(sites.kit.core_inbox / "interactive")) == 4
    sites.close()
