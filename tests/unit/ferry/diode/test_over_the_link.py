"""Both halves over two lossy diodes on one fake clock: what a link loses, the ferry notices and sends again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.diode_kit import share
from tests.support.ferry_over_diode import Joined, Loses

INTERACTIVE = 1


@pytest.fixture
def joined(tmp_path: Path) -> Iterator[Joined]:
    made = Joined(tmp_path)
    made.run(2.0)
    yield made
    made.stop()


def test_requests_and_answers_cross(joined: Joined) -> None:
    ids = joined.send(20)
    joined.run(1.0)
    assert sorted(joined.answered()) == sorted(ids)
    assert joined.low.half.healthy
    assert joined.high.half.healthy


def test_a_link_that_loses_more_than_planned_is_made_good_by_the_ferry(joined: Joined) -> None:
    """30 % lost where 5 % were planned, both ways."""
    Loses(joined.low, share(0.3, 1))
    Loses(joined.high, share(0.3, 2))
    ids = joined.send(60)
    joined.run(12.0)
    assert set(joined.answered()) == set(ids)
    assert len(joined.core.seen) == len(ids), "each once"


def test_the_lost_tail_is_noticed_and_repaired(joined: Joined) -> None:
    """The last bundle is lost whole, nothing follows it: only the heartbeat tells."""
    lost: set[bytes] = set()

    def first_interactive(datagram: bytes) -> bool:
        if datagram[4] != INTERACTIVE:
            return False
        if not lost:
            lost.add(datagram[24:28])
        return datagram[24:28] in lost

    Loses(joined.low, first_interactive)
    ids = joined.send(1)
    joined.run(0.5)
    assert joined.answered() == []
    assert lost
    joined.run(1.5)
    inbound = next(s for s in joined.high.half.status().lanes if (s.way, s.lane) == ("inbound", "interactive"))
    assert inbound.mark == inbound.acknowledged, "made good"
    joined.run(1.0)
    assert joined.answered() == ids


def test_status_tells_of_both_links(joined: Joined) -> None:
    told = joined.low.half.status().transport
    assert told["out"].kind == told["in"].kind == "diode"
    assert told["out"].figures["loss_planned"] == 0.05
    assert told["in"].lanes["control"]["packets"] > 0
    assert told["out"].troubles == ()


def test_a_lane_that_is_dark_for_a_while_goes_on(joined: Joined) -> None:
    dark = [True]
    Loses(joined.low, lambda _: dark[0])
    ids = joined.send(30)
    joined.run(6.0)
    assert not joined.high.half.healthy
    dark[0] = False
    joined.run(8.0)
    assert set(joined.answered()) == set(ids)
    assert joined.high.half.healthy
