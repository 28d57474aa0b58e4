"""Sender and receiver against a channel that loses, doubles, reorders, and against crashes of both.

Proved for every history hypothesis finds: nothing is delivered under one crossing number with two
contents, nothing is delivered twice past the author's dedupe, and once the channel behaves, all that
was accepted is delivered and acknowledged.
"""

from __future__ import annotations

import hashlib
from random import Random
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from ferry.lane.inbox import Inbox, Verdict
from ferry.lane.outbox import Outbox
from wire_formats.bundle import FIRST

CREDITS = 8
Crossing = tuple[int, int, bytes, int]  # epoch, sequence, previous, author number


def digest(crossing: Crossing) -> bytes:
    # Hashed, not written out: each crossing holds the digest before it, so a plain text doubles with every number.
    return hashlib.sha256(repr(crossing).encode()).digest()


class LaneMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.made_ms = 0
        self.epoch = 0
        self.taken = 0
        self.spool: dict[int, Crossing] = {}
        self.wire: list[Crossing] = []
        self.acks: list[tuple[int, int, tuple[int, ...], int]] = []
        self.inbox = Inbox()
        self.saved: tuple[Any, ...] = (0, 0, {})
        self.saved_authors: set[int] = set()
        self.authors: set[int] = set()
        self.delivered: list[int] = []
        self.by_number: dict[tuple[int, int], bytes] = {}
        self.begin_epoch()

    def begin_epoch(self, above: int = 0) -> None:
        self.epoch = max(self.epoch + 1, above + 1)
        self.outbox = Outbox(epoch=self.epoch, most_bundles=CREDITS, most_bytes=10**9)
        self.previous = FIRST
        waiting = [self.spool[number] for number in sorted(self.spool)]
        self.spool = {}
        for crossing in waiting:
            self.cross(crossing[3])

    def cross(self, author: int) -> None:
        sequence = self.outbox.mark + 1
        crossing = (self.epoch, sequence, self.previous, author)
        self.previous = digest(crossing)
        self.spool[sequence] = crossing
        self.outbox.add(sequence, 1, self.now)
        self.put(crossing)

    def put(self, crossing: Crossing) -> None:
        known = self.by_number.setdefault(crossing[:2], digest(crossing))
        assert known == digest(crossing), "one number stands for one bundle"
        self.wire.append(crossing)
        self.outbox.sent(crossing[1], self.now)

    @rule(count=st.integers(1, 5))
    def take_bundles(self, count: int) -> None:
        for _ in range(count):
            if self.outbox.has_room():
                self.taken += 1
                self.cross(self.taken)

    @rule(acknowledged=st.booleans())
    def a_good_moment(self, acknowledged: bool) -> None:
        """Everything under way arrives, in any order the wire has; perhaps it is acknowledged too."""
        wire, self.wire = self.wire, []
        for crossing in wire:
            self.receive(crossing)
        if acknowledged:
            self.heartbeat()
            self.acknowledge()
            self.hear(self.acks[-1])

    @rule(order=st.randoms(use_true_random=False))
    def is_reordered(self, order: Random) -> None:
        order.shuffle(self.wire)

    @rule(seconds=st.floats(0.0, 3.0))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        for sequence in self.outbox.due(self.now, most=16):
            self.put(self.spool[sequence])

    @rule(which=st.integers(0, 50))
    def arrives(self, which: int) -> None:
        if self.wire:
            self.receive(self.wire.pop(which % len(self.wire)))

    @rule(which=st.integers(0, 50))
    def is_lost(self, which: int) -> None:
        if self.wire:
            self.wire.pop(which % len(self.wire))

    @rule(which=st.integers(0, 50))
    def is_doubled(self, which: int) -> None:
        if self.wire:
            self.wire.append(self.wire[which % len(self.wire)])

    @rule()
    def heartbeat(self) -> None:
        self.inbox.heard(self.epoch, self.outbox.mark)

    @rule()
    def acknowledge(self) -> None:
        self.made_ms += 1
        self.saved = (self.inbox.epoch, self.inbox.cumulative, dict(self.inbox.beyond()))
        self.saved_authors = set(self.authors)
        self.acks.append((self.inbox.epoch, self.inbox.cumulative, self.inbox.gaps(), self.made_ms))

    @rule(which=st.integers(0, 50), keep=st.booleans())
    def acknowledgement_arrives(self, which: int, keep: bool) -> None:
        if self.acks:
            at = which % len(self.acks)
            self.hear(self.acks[at] if keep else self.acks.pop(at))

    @rule()
    def sender_crashes(self) -> None:
        self.begin_epoch()

    @rule()
    def receiver_crashes(self) -> None:
        epoch, cumulative, beyond = self.saved
        self.inbox = Inbox(epoch=epoch, cumulative=cumulative, beyond=beyond)
        # Deliveries after the last commit happened, but are not remembered: the far end sees them twice.
        self.authors = set(self.saved_authors)

    @rule()
    def receiver_loses_its_numbers(self) -> None:
        self.inbox = Inbox()

    def receive(self, crossing: Crossing) -> None:
        epoch, sequence, previous, author = crossing
        verdict = self.inbox.judge(epoch, sequence, previous=previous, digest=digest(crossing))
        assert verdict in (Verdict.NEW, Verdict.DUPLICATE, Verdict.STALE), verdict
        if verdict is Verdict.NEW:
            if author not in self.authors:
                self.authors.add(author)
                self.delivered.append(author)
            self.inbox.settle(epoch, sequence, digest(crossing))

    def hear(self, ack: tuple[int, int, tuple[int, ...], int]) -> None:
        result = self.outbox.acknowledge(*ack, now_ms=0)
        for sequence in result.settled:
            assert self.spool.pop(sequence)[3] in self.delivered, "acknowledged means delivered"
        if result.newer_epoch or result.regressed:
            self.begin_epoch(above=ack[0])

    @invariant()
    def nothing_unacknowledged_is_forgotten(self) -> None:
        in_spool = {crossing[3] for crossing in self.spool.values()}
        assert in_spool | set(self.delivered) == set(range(1, self.taken + 1))

    def teardown(self) -> None:
        for _ in range(200):
            self.now += 31.0
            for sequence in self.outbox.due(self.now, most=16):
                self.put(self.spool[sequence])
            self.inbox.heard(self.epoch, self.outbox.mark)
            wire, self.wire = self.wire, []
            for crossing in wire:
                self.receive(crossing)
            self.acknowledge()
            self.hear(self.acks[-1])
            if not self.spool:
                break
        assert not self.spool
        assert set(self.delivered) == set(range(1, self.taken + 1))


TestLane = LaneMachine.TestCase
TestLane.settings = settings(max_examples=200, stateful_step_count=80, deadline=None)
