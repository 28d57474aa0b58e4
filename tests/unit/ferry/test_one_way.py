"""Lanes without a way back: told again and again, asked for by hand, given up with an alarm."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ferry.lane.inbox import Inbox
from ferry.lane.outbox import ONE_WAY_TRIES, TAIL_WAIT_S, Outbox
from ferry.one_way.lists import ASK_AFTER_S, CONFIRM_EVERY_S
from ferry.settings import FerryLimits
from tests.support.ferry_kit import bundles_in
from tests.support.ferry_over_diode import Joined, Loses
from wire_formats.drop import DropName, prepare_drop, write_drop
from wire_formats.lane_manifest import ResendList, peek_resend_list, sign_resend_list

INTERACTIVE = 1


class Dark:
    """Loses everything of the interactive lane while it is dark."""

    def __init__(self, joined: Joined) -> None:
        self.now = False
        Loses(joined.low, lambda datagram: self.now and datagram[4] == INTERACTIVE)


def place_of_list(joined: Joined) -> Path:
    return joined.kit.root / "ferry_high" / "resend-list.bin"


def carry_list(joined: Joined, data: bytes | None = None) -> None:
    """Do by hand what the two commands do."""
    data = place_of_list(joined).read_bytes() if data is None else data
    name = DropName(peek_resend_list(data).made_ms, 0, "resend-list", "notice")
    write_drop(joined.kit.root / "ferry_low" / "resend-lists", name, data)


def told(joined: Joined, half: str) -> dict[str, Any]:
    return dict(getattr(joined, half).half.status().one_way)


@pytest.fixture
def joined(tmp_path: Path) -> Iterator[Joined]:
    made = Joined(tmp_path, one_way=True, limits=FerryLimits(one_way_keep_s=120, credits=8))
    made.run(1.0)
    yield made
    made.stop()


def test_requests_cross_and_nothing_comes_back(joined: Joined) -> None:
    ids = joined.send(3)
    joined.run(2.0)
    assert sorted(joined.core.seen) == sorted(ids)
    assert joined.answered() == []
    assert told(joined, "low")["unconfirmed"] == 3
    assert told(joined, "high") == {"asked": 0, "lost": 0}
    assert {lane.link for lane in joined.low.half.status().lanes} == {"one_way"}
    assert {(lane.way, lane.link) for lane in joined.high.half.status().lanes} == {("inbound", "alive")}
    assert joined.low.half.healthy
    assert joined.high.half.healthy
    assert peek_resend_list(place_of_list(joined).read_bytes()).missing == 0


def test_what_the_core_answers_is_taken_away(joined: Joined) -> None:
    joined.send(3)
    joined.run(2.0)
    assert bundles_in(joined.kit.root / "core" / "outbox" / "interactive") == []


def test_a_short_dark_is_made_good_by_the_second_sending(joined: Joined) -> None:
    dark = Dark(joined)
    dark.now = True
    ids = joined.send(2)
    joined.run(0.5)
    assert joined.core.seen == []
    dark.now = False
    joined.run(2.0)
    assert sorted(joined.core.seen) == sorted(ids)


def test_the_lost_tail_is_asked_for_carried_and_sent_again(joined: Joined) -> None:
    dark = Dark(joined)
    first = joined.send(2)
    joined.run(2.0)
    dark.now = True
    lost = joined.send(2)
    joined.run(3.0)
    dark.now = False
    joined.run(ASK_AFTER_S + 2)
    assert sorted(joined.core.seen) == sorted(first)
    assert told(joined, "high")["asked"] == 2
    found = peek_resend_list(place_of_list(joined).read_bytes())
    assert [(lane.lane, lane.cumulative, lane.missing) for lane in found.lanes][0] == ("interactive", 2, (3, 4))
    carry_list(joined)
    joined.run(3.0)
    assert sorted(joined.core.seen) == sorted(first + lost)
    assert "2 sent again" in told(joined, "low")["list"]
    assert told(joined, "low")["unconfirmed"] == 2, "what the list confirmed is not kept any longer"
    joined.run(2.0)
    assert told(joined, "high")["asked"] == 0
    assert peek_resend_list(place_of_list(joined).read_bytes()).missing == 0


def test_a_full_spool_takes_no_more_until_a_list_confirms(joined: Joined) -> None:
    """Eight credits: the ninth bundle waits in the workers' outbox, and nothing is dropped."""
    ids = joined.send(9)
    joined.run(3.0)
    assert len(joined.core.seen) == 16
    joined.run(CONFIRM_EVERY_S)
    carry_list(joined)
    joined.run(2.0)
    assert sorted(joined.core.seen) == sorted(ids)


def signed(joined: Joined, **changes: Any) -> bytes:
    """Give a list as the high half would write it now."""
    side = joined.high.half._one_way
    lanes = tuple(side._gaps(station, 0.0) for station in side._stations.values() if station.inbox.epoch)
    found = replace(ResendList("inbound", lanes, joined.clock.ms), **changes)
    return sign_resend_list(found, joined.kit.high)


def test_what_is_old_is_let_go_and_its_loss_is_told(joined: Joined) -> None:
    dark = Dark(joined)
    dark.now = True
    lost = joined.send(1)
    joined.run(130.0)
    dark.now = False
    assert told(joined, "low")["unconfirmed"] == 0
    later = joined.send(1)
    joined.run(3.0)
    assert joined.core.seen == later
    assert told(joined, "high")["lost"] == 1
    inbound = next(lane for lane in joined.high.half.status().lanes if lane.lane == "interactive")
    assert (inbound.gaps, inbound.acknowledged) == (0, 2), "the lane goes on"
    assert lost[0] not in joined.core.seen


@pytest.mark.parametrize(("data", "word"), [(b"", "refused"), (b"no list", "refused")], ids=["empty", "garbage"])
def test_what_is_no_list_is_refused(joined: Joined, data: bytes, word: str) -> None:
    folder = joined.kit.root / "ferry_low" / "resend-lists"
    write_drop(folder, DropName(1, 0, "resend-list", "notice"), data)
    joined.run(1.5)
    assert word in told(joined, "low")["list"]
    assert list(folder.glob("*.notice")) == []


def test_a_list_of_another_signer_or_an_older_one_is_refused(joined: Joined) -> None:
    joined.send(2)
    joined.run(2.0)
    older = signed(joined, made_ms=joined.clock.ms - 5000)
    forged = sign_resend_list(peek_resend_list(older), joined.kit.low)
    carry_list(joined, forged)
    joined.run(1.5)
    assert told(joined, "low")["list"].startswith("refused")
    assert told(joined, "low")["unconfirmed"] == 2
    carry_list(joined, signed(joined))
    joined.run(1.5)
    assert told(joined, "low")["unconfirmed"] == 0
    carry_list(joined, older)
    joined.run(1.5)
    assert told(joined, "low")["list"] == "refused: older than one that was applied"


def test_a_list_of_an_older_epoch_is_stale(joined: Joined) -> None:
    joined.send(1)
    joined.run(2.0)
    found = peek_resend_list(signed(joined))
    stale = signed(joined, lanes=(replace(found.lanes[0], epoch=found.lanes[0].epoch - 1),))
    carry_list(joined, stale)
    joined.run(1.5)
    assert "stale" in told(joined, "low")["list"]
    assert told(joined, "low")["unconfirmed"] == 1


def test_without_acknowledgements_everything_is_sent_twice_and_then_when_asked() -> None:
    outbox = Outbox(epoch=1, most_bundles=8, most_bytes=1 << 20, one_way=True)
    outbox.add(1, 10, 0.0)
    now = 0.0
    for _ in range(ONE_WAY_TRIES):
        assert outbox.due(now, most=8) == [1]
        outbox.sent(1, now)
        assert outbox.due(now, most=8) == []
        now += TAIL_WAIT_S
    assert outbox.due(now + 3600, most=8) == []
    outbox.acknowledge(1, 0, [1], 5, now_ms=5)
    assert outbox.due(now, most=8) == [1]
    outbox.sent(1, now)
    assert outbox.due(now + 3600, most=8) == []
    assert outbox.hopeless(tries=2) == []


def test_giving_up_counts_what_never_came() -> None:
    inbox = Inbox()
    for sequence in (1, 3, 6):
        inbox.settle(5, sequence, bytes(32))
    inbox.heard(5, 8)
    assert inbox.forgo(5) == 2
    assert (inbox.cumulative, inbox.gaps()) == (4, (5, 7, 8))
    assert inbox.forgo(3) == 0
    assert inbox.forgo(100) == 3
    assert inbox.cumulative == 8


def test_a_drop_that_is_there_before_the_half_is_kept(tmp_path: Path) -> None:
    prepare_drop(tmp_path / "ferry_low" / "resend-lists")
    made = Joined(tmp_path, one_way=True)
    made.run(1.0)
    made.stop()
