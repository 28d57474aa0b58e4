"""A short campaign of mutated requests at a real edge; ``make fuzz`` runs long ones."""

from __future__ import annotations

from tests.fuzz.sockets import SocketCampaign, running_edge


def test_the_edge_answers_as_the_parsers_do_and_lives_on(monkeypatch):
    with running_edge() as bench:
        campaign = SocketCampaign(bench)
        found = campaign.run("short", 250)
        assert [(number, words, data) for _, number, words, data in found.faults] == []
        assert found.outcomes["passed"] > 20
        # The comparison can fail: an oracle that lets everything pass disagrees with the edge's firewall.
        monkeypatch.setattr(
            campaign, "_words", lambda reading: ["answered"] * (len(reading.requests) + bool(reading.end))
        )
        assert campaign.run("planted", 25).faults
