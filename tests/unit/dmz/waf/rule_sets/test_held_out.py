"""Our own rules on attacks and remarks made from public descriptions; docs/waf.md has the table.

The bounds lie a little below what was measured when the texts were made: they keep, they do not praise.
"""

from __future__ import annotations

from tests.support.hall_firewall import hall_firewall
from tests.support.held_out import held_out_attacks, held_out_texts, remark


def test_most_attacks_that_nobody_has_shown_the_rules_are_refused() -> None:
    engine = hall_firewall().engine
    attacks = list(held_out_attacks(1_600, seed=1))
    plain = [attack for attack in attacks if attack.change == "as it is"]
    assert len({attack.kind for attack in attacks}) == 16
    assert sum(bool(engine.judge(remark(attack.text)).refused_by) for attack in attacks) >= 0.80 * len(attacks)
    assert sum(bool(engine.judge(remark(attack.text)).refused_by) for attack in plain) >= 0.88 * len(plain)


def test_honest_remarks_pass() -> None:
    engine = hall_firewall().engine
    refused = [text for text in held_out_texts(1_600, seed=2) if engine.judge(remark(text)).refused_by]
    assert len(refused) <= 1, refused
