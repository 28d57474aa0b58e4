"""Natural bundling on a clock that stands still, and the pure parts of session and drafts."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from twisted.internet.task import Clock

from dmz.workers import drafts
from dmz.workers.bundler import Bundler, BundlerBounds
from dmz.workers.credits import CreditBounds, Credits
from dmz.workers.drafts import Owner
from dmz.workers.metrics import WorkerMetrics
from dmz.workers.request_store import Outgoing
from dmz.workers.sealing import AccountKeys, open_box, seal_box
from dmz.workers.session import SessionKeys
from dmz.workers.tools import WorkerTools
from tests.support.machines import MachineAuthority
from tests.support.worker_rig import SetClock, SystemRandomness
from wire_formats.bundle import parse_bundle, verify_seal
from wire_formats.drop import list_drop, read_drop
from wire_formats.errors import PeerError, Unavailable

AUTHORITY = MachineAuthority()
KEY = AUTHORITY.machine("worker", "worker-1")
TRUST = AUTHORITY.trust([KEY])
RANDOM = SystemRandomness()


class Bench:
    """A bundler on a reactor clock."""

    def __init__(self, folder: Path, **bounds: Any) -> None:
        self.time, self.clock, self.folder = Clock(), SetClock(), folder
        background: Any = None
        tools = WorkerTools(self.clock, RANDOM, background, self.time, WorkerMetrics(CollectorRegistry()))
        self.bundler = Bundler(name="worker-1", outbox=folder, key=KEY, tools=tools, bounds=BundlerBounds(**bounds))
        self.sent: list[object] = []

    def send(
        self, *, lane: str = "interactive", size: int = 10, tracked: bool = False, unit: bytes | None = None
    ) -> bytes:
        """Send a request; each is another unit's unless one is given."""
        outgoing = Outgoing(os.urandom(16), lane, os.urandom(20), bytes(size), tracked, unit or os.urandom(16))
        self.bundler.send(outgoing).addBoth(self.sent.append)
        return outgoing.id

    def answer(self, request: bytes, *, lane: str = "interactive") -> None:
        self.bundler.answered(lane, request)

    def bundles(self, lane: str = "interactive") -> list[Any]:
        names, _ = list_drop(self.folder / lane, most=9999)
        parsed = [parse_bundle(read_drop(self.folder / lane, name, limit=4 << 20)) for name in names]
        seals = [verify_seal(bundle, 0, TRUST, role="worker", now_ms=self.clock.now_ms()) for bundle in parsed]
        assert [seal.statement.sequence for seal in seals] == list(range(1, len(seals) + 1))
        assert [name.sequence for name in names] == list(range(1, len(seals) + 1))
        for before, after in zip(seals, seals[1:], strict=False):
            assert after.statement.previous == before.digest
        return parsed


def test_one_alone_goes_at_once_and_company_waits_two_milliseconds(tmp_path: Path) -> None:
    bench = Bench(tmp_path, on_road=100)
    bench.send()
    bench.time.advance(0)
    assert [len(bundle.items) for bundle in bench.bundles()] == [1]
    for _ in range(5):
        bench.send()
    bench.time.advance(0.0019)
    assert len(bench.bundles()) == 1
    bench.time.advance(0.0002)
    assert [len(bundle.items) for bundle in bench.bundles()] == [1, 5]
    assert bench.sent == [bench.clock.value] * 6


def sizes(bench: Bench) -> list[int]:
    return [len(bundle.items) for bundle in bench.bundles()]


def on_a_busy_road(folder: Path) -> tuple[Bench, list[bytes]]:
    """Two bundles are on the road, and three requests wait for company."""
    bench = Bench(folder, on_road=2, paced_wait_s=0.02, forget_s=1.0)
    road = []
    for _ in range(2):
        road.append(bench.send())
        bench.time.advance(0.003)
    for _ in range(3):
        bench.send()
    bench.time.advance(0.015)
    assert sizes(bench) == [1, 1]
    return bench, road


def test_on_a_busy_road_requests_wait_for_company_and_not_for_ever(tmp_path: Path) -> None:
    bench, _ = on_a_busy_road(tmp_path)
    bench.time.advance(0.0249)
    assert sizes(bench) == [1, 1]
    bench.time.advance(0.0002)
    assert sizes(bench) == [1, 1, 3]


def test_the_wait_grows_with_what_is_on_the_road_and_shrinks_with_it(tmp_path: Path) -> None:
    bench = Bench(tmp_path, on_road=1, paced_wait_s=0.02, forget_s=10.0)
    road = []
    for under_way in range(5):
        road.append(bench.send())
        bench.time.advance(0.02 * under_way - 0.001 if under_way else 0.0)
        assert len(sizes(bench)) == max(1, under_way)
        bench.time.advance(0.002)
        assert len(sizes(bench)) == under_way + 1
    bench.send()
    bench.time.advance(0.05)
    for answered in road[:2]:
        bench.answer(answered)
    bench.time.advance(0.0099)
    assert len(sizes(bench)) == 5
    bench.time.advance(0.0002)
    assert len(sizes(bench)) == 6
    bench.send()
    bench.time.advance(0.03)
    bench.answer(road[2])
    bench.answer(road[3])
    bench.time.advance(0.0099)
    assert len(sizes(bench)) == 6
    bench.time.advance(0.0002)
    assert len(sizes(bench)) == 7


def test_an_answer_frees_the_road(tmp_path: Path) -> None:
    bench, road = on_a_busy_road(tmp_path)
    bench.answer(os.urandom(16))
    bench.answer(road[0], lane="bulk")
    bench.time.advance(0)
    assert sizes(bench) == [1, 1]
    bench.answer(road[0])
    bench.answer(road[0])
    bench.time.advance(0)
    assert sizes(bench) == [1, 1, 3]


def test_a_full_bundle_waits_for_nobody(tmp_path: Path) -> None:
    bench, _ = on_a_busy_road(tmp_path)
    for _ in range(253):
        bench.send()
    bench.time.advance(0)
    assert sizes(bench) == [1, 1, 256]


def test_a_bundle_without_an_answer_is_forgotten(tmp_path: Path) -> None:
    bench, _ = on_a_busy_road(tmp_path)
    bench.time.advance(1.1)
    bench.send()
    bench.time.advance(0.0021)
    assert sizes(bench) == [1, 1, 3, 1]


def test_bundles_stop_at_256_items_and_one_mebibyte(tmp_path: Path) -> None:
    bench = Bench(tmp_path, on_road=100)
    for _ in range(600):
        bench.send()
    bench.time.advance(0)
    bench.time.pump([0, 0, 0.0021])
    assert [len(bundle.items) for bundle in bench.bundles()] == [256, 256, 88]
    for size in (400_000, 400_000, 400_000, 10):
        bench.send(lane="bulk", size=size, unit=b"u" * 16)
    bench.time.pump([0.01, 0, 0.0021])
    assert [len(bundle.items) for bundle in bench.bundles("bulk")] == [2, 2]


def test_a_behind_ferry_is_noticed_and_the_queue_is_bounded(tmp_path: Path) -> None:
    bench = Bench(tmp_path, on_road=100, outbox_files=2, waiting=3)
    for _ in range(2):
        bench.send()
        bench.time.advance(0.01)
    with pytest.raises(Unavailable):
        bench.bundler.check_room("interactive")
    bench.bundler.check_room("bulk")
    for _ in range(3):
        bench.send()
    with pytest.raises(Unavailable):
        bench.send()
    for file in (tmp_path / "interactive").glob("*.bundle"):
        file.unlink()
    bench.time.advance(1)
    for file in (tmp_path / "interactive").glob("*.bundle"):
        file.unlink()
    bench.time.advance(1)
    bench.bundler.check_room("interactive")


def test_a_drop_that_cannot_be_written_fails_its_requests_and_leaves_no_gap(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    temporary = tmp_path / "interactive" / ".tmp"
    temporary.rmdir()
    bench.send()
    bench.time.advance(0)
    assert bench.sent[0].check(Unavailable)  # type: ignore[attr-defined]
    temporary.mkdir()
    bench.send()
    bench.time.advance(1)
    assert len(bench.bundles()) == 1


def test_roots_of_tracked_bundles_are_remembered(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.send(tracked=True)
    bench.time.advance(0)
    bench.send()
    bench.time.advance(1)
    tracked, untracked = bench.bundles()
    assert len(bench.bundler.requests_of(tracked.root())) == 1
    assert bench.bundler.requests_of(untracked.root()) == ()
    bench.send()
    bench.bundler.stop()
    assert len(bench.bundles()) == 3


def test_credits_are_given_back_whatever_happens() -> None:
    credits = Credits(CreditBounds(session=1, account=2, unit=2, worker=3))
    with credits.one(b"a", "x", b"u"), credits.one(b"b", "x", b"u"):
        for session, account, unit in ((b"a", "y", b"v"), (b"c", "x", b"v"), (b"c", "y", b"u")):
            with pytest.raises(Unavailable), credits.one(session, account, unit):
                raise AssertionError
        with credits.one(b"d", "y", b"v"), pytest.raises(Unavailable), credits.one(b"e", "z", b"w"):
            raise AssertionError
    with pytest.raises(KeyError), credits.one(b"a", "x", b"u"):
        raise KeyError
    assert credits.total == 0


def test_cookie_round_trip_and_what_grows_out_of_it() -> None:
    keys = SessionKeys.new(RANDOM)
    again = SessionKeys.from_cookie(keys.cookie)
    assert (again.id, again.secret_hash, again.csrf_token) == (keys.id, keys.secret_hash, keys.csrf_token)
    assert again.answer_key().raw == keys.answer_key().raw
    assert len({keys.wrapping, keys.form, keys.answer_key().raw, keys.secret_hash}) == 4
    assert keys.form_mark("a", b"bc") != keys.form_mark("ab", b"c")
    other = SessionKeys.new(RANDOM)
    assert other.csrf_token != keys.csrf_token


@given(st.text(max_size=80))
def test_foreign_cookies_are_peer_errors(text: str) -> None:
    with pytest.raises(PeerError):
        SessionKeys.from_cookie(text[:63])


@given(st.binary(max_size=100), st.binary(max_size=20), st.integers(0, 2**16))
def test_boxes_open_only_unchanged_and_in_their_place(plain: bytes, aad: bytes, at: int) -> None:
    key = bytes(range(32))
    sealed = bytearray(seal_box(key, plain, aad=aad, randomness=RANDOM))
    assert open_box(key, bytes(sealed), aad=aad) == plain
    for wrong_key, wrong_aad in ((bytes(32), aad), (key, aad + b"x")):
        with pytest.raises(PeerError):
            open_box(wrong_key, bytes(sealed), aad=wrong_aad)
    sealed[at % len(sealed)] ^= 1
    with pytest.raises(PeerError):
        open_box(key, bytes(sealed), aad=aad)


def test_a_draft_opens_for_its_account_and_id_only() -> None:
    keys = AccountKeys(bytes(range(32)))
    owner = Owner("u-1", "unit")
    sealed = drafts.seal_texts(keys.draft, owner, b"i" * 16, {"name": "张三"}, RANDOM)
    assert drafts.open_texts(keys.draft, owner, b"i" * 16, sealed) == {"name": "张三"}
    for other, identity in ((Owner("u-2", "unit"), b"i" * 16), (Owner("u-1", "person"), b"i" * 16), (owner, b"j" * 16)):
        with pytest.raises(PeerError):
            drafts.open_texts(keys.draft, other, identity, sealed)
    assert len({keys.draft, keys.batch, keys.reply.raw}) == 3
