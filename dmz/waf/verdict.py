"""What the firewall decides about a request or an answer; it names the rule and the declared field, never the value."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from wire_formats.errors import Kind


class Stage(enum.Enum):
    """Which part decided."""

    ROUTE = "route"
    PARAMETER = "parameter"
    CONTENT = "content"
    NEGATIVE = "negative"
    RESPONSE = "response"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A decision.

    Attributes:
        allowed: whether it may pass.
        stage: which part refused; None when allowed.
        rule: id of the rule that refused.
        field: the declared field or place it concerns, "" for none. Never a name that came with the request.
        kind: what the user is told.
        score: sum of the negative rules that matched.
    """

    allowed: bool
    stage: Stage | None = None
    rule: str = ""
    field: str = ""
    kind: Kind = Kind.FIREWALL
    score: int = 0


PASSED = Verdict(allowed=True)


def refusal(stage: Stage, rule: str, field: str = "", *, kind: Kind = Kind.FIREWALL, score: int = 0) -> Verdict:
    """Make a refusing verdict."""
    return Verdict(allowed=False, stage=stage, rule=rule, field=field, kind=kind, score=score)
