"""What the rules say about one request: every match with its reason, and the rule that refuses."""

from __future__ import annotations

from dataclasses import dataclass, field

#: Matches that one judgement keeps, and bytes of a matched value.
MOST_MATCHES = 500
MOST_VALUE_BYTES = 200


@dataclass(frozen=True, slots=True)
class Match:
    """One rule that matched, as far as it says so (``log``).

    Attributes:
        rule_id: its number.
        where: what it looked at, as ``ARGS:id``; of a chain, the last link's that looks at the request; "" for
            SecAction.
        message: its ``msg`` with macros filled.
        severity: its ``severity`` as a digit, 0 (emergency) to 7, or "".
        tags: its tags.
        paranoia: level of its ``paranoia-level/N`` tag, 0 without one.
        value: the beginning of what matched, after the transformations: never for a log.
        data: its ``logdata`` with macros filled: never for a log.
    """

    rule_id: int
    where: str
    message: str
    severity: str
    tags: tuple[str, ...]
    paranoia: int
    value: bytes = b""
    data: str = ""


@dataclass(slots=True)
class Judgement:
    """What the rules say about one request.

    Attributes:
        matches: rules that matched, in order; at most MOST_MATCHES.
        refused_by: the first rule that refuses, or 0.
        variables: the rules' own variables at the end, by name (scores among them).
        rules_run: how many rules were looked at one by one.
    """

    matches: list[Match] = field(default_factory=list)
    refused_by: int = 0
    variables: dict[str, str] = field(default_factory=dict)
    rules_run: int = 0

    def ids(self) -> frozenset[int]:
        """Give the numbers of the rules that matched."""
        return frozenset(match.rule_id for match in self.matches)
