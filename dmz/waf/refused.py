"""A request that the firewall refused, with the verdict for whoever stands around it."""

from __future__ import annotations

from dmz.waf.verdict import Verdict
from wire_formats.errors import Refused


class FirewallRefusedError(Refused):
    """The firewall refused; ``verdict`` names rule and score, ``private`` the rule."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.kind, verdict.rule)
        self.verdict = verdict
