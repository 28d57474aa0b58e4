"""A request under way, and the bundle it came in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from core.intake.verify import Incoming
from wire_formats.answer import Answer
from wire_formats.drop import DropName


@dataclass(slots=True, eq=False)
class OpenBundle:
    """A bundle whose requests are not all answered yet; its file stays until they are."""

    lane: str
    name: DropName
    hops: dict[str, int]
    left: int


@dataclass(slots=True, eq=False)
class Work:
    """One request of an open bundle."""

    request: Incoming
    bundle: OpenBundle
    started_ms: int
    outcome: Any = None
    has_outcome: bool = False
    answered: bool = False


@dataclass(slots=True)
class Results:
    """What a run brought: answers to publish, and works that are finished (answered, held or doubled)."""

    answers: list[Answer] = field(default_factory=list)
    finished: list[Work] = field(default_factory=list)
