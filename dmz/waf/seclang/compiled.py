"""Rules ready to run: everything that does not depend on a request has been decided.  Made by ``compiler``."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from dmz.waf.seclang.effects import Effect
from dmz.waf.seclang.model import Rule
from dmz.waf.seclang.operators import Test
from dmz.waf.seclang.pattern_set import PatternSet
from dmz.waf.seclang.prefilter import Prefilter
from dmz.waf.seclang.silence import Silence
from dmz.waf.seclang.steady import SteadyRules
from dmz.waf.seclang.targets import Targets
from dmz.waf.seclang.views import Chain


class Outcome(enum.Enum):
    """What a match does to the rest of the judgement."""

    GO_ON = "go on"
    REFUSE = "refuse"
    END_PHASE = "end phase"
    """``allow:phase``."""
    END_REQUEST = "end request"
    """``allow`` and ``allow:request``: no more rules of the request; scores are still added up."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """A rule, or a link of its chain.

    Attributes:
        rule: as read.
        targets: what it looks at; None for SecAction.
        chain: how values are changed first.
        test: what is asked; None for SecAction.
        effects: done for every value that matches.
        links: further links.
        tags: for ``ctl`` and the log.
        outcome: what a match leads to.
        logged: whether a match is told.
        place: in its phase.
        skip_to: place at which to go on after a match; 0 for the next.
        filtered: whether the prefilter says when it is worth a look.
        sure: whether it matches every request and only sets variables.
        alone: whether what its first links set is read by no other rule, so that a chain that ends early did nothing.
    """

    rule: Rule
    targets: Targets | None
    chain: Chain
    test: Test | None
    effects: tuple[Effect, ...]
    links: tuple[Compiled, ...]
    tags: tuple[str, ...]
    outcome: Outcome
    logged: bool
    place: int
    skip_to: int = 0
    filtered: bool = False
    sure: bool = False
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Phase:
    """The rules of one phase.

    Attributes:
        rules: those that can run, by place.
        always: places of those that are looked at in every request.
        prefilter: names the others that may match.
        steady: remembers which of those that are looked at found nothing in what they look at.
    """

    rules: Mapping[int, Compiled]
    always: tuple[int, ...]
    prefilter: Prefilter
    steady: SteadyRules


@dataclass(frozen=True, slots=True)
class Table:
    """A compiled rule set.

    Attributes:
        phases: by number, 1 to 5.
        start: the rules' variables with which every request begins.
        patterns: of all rules that can run; ``dump`` it to start faster the next time.
        settings: directives of the rule set, by name in lower case.
        silence: says in which entries of a request no rule finds anything.
    """

    phases: Mapping[int, Phase]
    start: Mapping[bytes, bytes]
    patterns: PatternSet
    settings: Mapping[str, str]
    silence: Silence

    @property
    def rules(self) -> int:
        """How many rules can run."""
        return sum(len(phase.rules) for phase in self.phases.values())
