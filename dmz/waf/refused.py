"""A request that the firewall refused, with the verdict for whoever stands around it."""

from __future__ import annotations

from typing import Final

from dmz.waf.verdict import Stage, Verdict
from wire_formats.errors import Refused

#: What the allow-list refuses is told with rule and field, so that a mistake of ours can be found; what the negative
#: rules found is not, since it would help whoever tries to get round them.
_TOLD: Final = frozenset({Stage.ROUTE, Stage.PARAMETER, Stage.CONTENT})


class FirewallRefusedError(Refused):
    """The firewall refused; ``verdict`` names rule and score, ``private`` the rule."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.kind, verdict.rule)
        self.verdict = verdict
        if verdict.stage in _TOLD:
            self.detail = f"{verdict.rule}: {verdict.field}" if verdict.field else verdict.rule
