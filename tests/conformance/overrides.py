"""Cases of a corpus that ask for what another server does: ours, each with its reason (``overrides.toml``)."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from pathlib import Path

from tests.conformance.corpus import Expected

FILE = Path(__file__).with_name("overrides.toml")


@dataclass(frozen=True, slots=True)
class Override:
    """What must come of a case instead.

    Attributes:
        reason: why.
        statuses: answers, if given.
        ids: further rules that must match.
        no_ids: further rules that must not; taken from those that must.
    """

    reason: str
    statuses: frozenset[int] | None
    ids: frozenset[int]
    no_ids: frozenset[int]

    def applied_to(self, expected: Expected) -> Expected:
        """Change what is expected."""
        return replace(
            expected,
            statuses=expected.statuses if self.statuses is None else self.statuses,
            ids=(expected.ids - self.no_ids) | self.ids,
            no_ids=(expected.no_ids - self.ids) | self.no_ids,
        )


def read_overrides(corpus: str) -> dict[str, Override]:
    """Read the overrides of a corpus, by the names of cases.

    Args:
        corpus: ``v4`` or ``v3``.
    """
    document = tomllib.loads(FILE.read_text(encoding="utf-8"))
    found = {}
    for entry in document.get(corpus, []):
        statuses = frozenset(entry["statuses"]) if "statuses" in entry else None
        override = Override(
            entry["reason"], statuses, frozenset(entry.get("ids", ())), frozenset(entry.get("no_ids", ()))
        )
        found.update(dict.fromkeys(entry["cases"], override))
    return found
