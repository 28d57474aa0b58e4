"""A request that the firewall refused, with the verdict for whoever stands around it."""

from __future__ import annotations

from typing import Final

from dmz.messages import FormBack, FormRefusedError
from dmz.waf.verdict import Stage, Verdict
from wire_formats.bilingual import Label

#: What the allow-list refuses is told with its rule, so that a mistake of ours can be found. Which negative rule
#: matched is not, since it would help whoever tries to get round it. The field is always told: who
#: typed into it without bad intent must know where, and who attacked knows.
_TOLD: Final = frozenset({Stage.ROUTE, Stage.PARAMETER, Stage.CONTENT})


class FirewallRefusedError(FormRefusedError):
    """The firewall refused.

    Args:
        verdict: names rule and score; ``private`` is the rule.
        label: what the form calls the field it concerns; None: none.
        form: given back to the user; None: none.
    """

    def __init__(self, verdict: Verdict, label: Label | None = None, form: FormBack | None = None) -> None:
        super().__init__(verdict.kind, verdict.rule)
        self.verdict = verdict
        self.field = label
        self.form = form
        if verdict.stage in _TOLD:
            self.detail = f"{verdict.rule}: {verdict.field}" if verdict.field else verdict.rule
