"""What may be sent where: the firewall's allow-list as data.

The routes themselves come from the hall's own table (``hall_routes``); ``param_of`` says how the text of a declared
field is judged, and ``build_route_table`` makes routes searchable.

Source: DESIGN invariant 7 (one declaration); firewall research, section 5 (positive model).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from dmz.waf.structure import LENGTH_FACTOR, LENGTH_SLACK, Shape
from wire_formats.bilingual import Label
from wire_formats.fields import Choice, Field, PersonName, Secret, Text

EVERY_WINDOW: Final = ("unit", "community", "person", "site")
MAX_UPLOAD_BYTES: Final = 12 * 1024 * 1024
MAX_PATH_CHARACTERS: Final = 200
_PLACE: Final = re.compile(r"\{([a-z_]+)\}")


@dataclass(frozen=True)
class ParamRule:
    """One parameter that may be sent, once.

    Attributes:
        name: of the parameter.
        most: characters, slack included.
        shape: how its text is judged.
        pattern: unanchored, of the whole text; "" where the shape needs none.
        lines: whether line breaks may occur.
        times: how often it may come.
        label: what the form calls it; None where the hall has no label for it.
    """

    name: str
    most: int
    shape: Shape = Shape.FREE
    pattern: str = ""
    lines: bool = False
    times: int = 1
    label: Label | None = None

    @cached_property
    def compiled(self) -> re.Pattern[str] | None:
        """The pattern, ready for use."""
        return re.compile(self.pattern) if self.pattern else None


@dataclass(frozen=True)
class RouteRule:
    """One method of one address.

    Attributes:
        method: "GET" (HEAD goes with it) or "POST".
        path: with ``{name}`` for each place.
        windows: where it exists.
        places, query, form: what may stand there.
        uploads: names of file fields.
        upload_bytes: largest file.
    """

    method: str
    path: str
    windows: tuple[str, ...]
    places: tuple[ParamRule, ...] = ()
    query: tuple[ParamRule, ...] = ()
    form: tuple[ParamRule, ...] = ()
    uploads: tuple[str, ...] = ()
    upload_bytes: int = MAX_UPLOAD_BYTES

    @cached_property
    def query_by_name(self) -> Mapping[str, ParamRule]:
        """The query parameters by name."""
        return {rule.name: rule for rule in self.query}

    @cached_property
    def form_by_name(self) -> Mapping[str, ParamRule]:
        """The form parameters by name."""
        return {rule.name: rule for rule in self.form}

    @cached_property
    def path_pattern(self) -> re.Pattern[str]:
        """The pattern of the whole path."""
        places = {place.name: place.pattern for place in self.places}
        parts = _PLACE.split(self.path)
        pieces = [re.escape(part) if i % 2 == 0 else f"(?:{places[part]})" for i, part in enumerate(parts)]
        return re.compile("".join(pieces), re.ASCII)


STATIC_ROUTE: Final = RouteRule(
    "GET",
    "/static/{name}",
    EVERY_WINDOW,
    places=(ParamRule("name", 128, Shape.EXACT, "[A-Za-z0-9_-]{1,64}(?:[.][A-Za-z0-9]{1,32}){1,3}"),),
)


def param_of(declared: Field) -> ParamRule:
    """Give the rule of a declared field in a form."""
    most = max(declared.max_length * LENGTH_FACTOR, declared.max_length + LENGTH_SLACK)
    if isinstance(declared, Secret):
        return ParamRule(declared.name, most, Shape.HIDDEN)
    if isinstance(declared, Choice) or declared.kind == "flag":
        return ParamRule(declared.name, most, Shape.CLOSED, declared.pattern)
    if isinstance(declared, Text) and not declared.grammar:
        return ParamRule(declared.name, most, Shape.FREE, lines=declared.lines)
    # A person's name may hold apostrophes and spaces: matching its grammar proves nothing.
    pattern = "" if isinstance(declared, PersonName) else declared.pattern
    return ParamRule(declared.name, most, Shape.FORMED, pattern)


@dataclass(frozen=True)
class RouteTable:
    """All routes, ready to be searched."""

    exact: Mapping[tuple[str, str], Mapping[str, RouteRule]]
    shaped: Mapping[str, Sequence[RouteRule]] = field(default_factory=dict)

    def methods(self, window: str, path: str) -> Mapping[str, RouteRule]:
        """Give the routes of a path, by method; empty if the window has no such path."""
        found = self.exact.get((window, path))
        if found is not None:
            return found
        if len(path) > MAX_PATH_CHARACTERS:
            return {}
        return {rule.method: rule for rule in self.shaped.get(window, ()) if rule.path_pattern.fullmatch(path)}

    def label_of(self, window: str, path: str, name: str) -> Label | None:
        """Give what a page's form calls one of its parameters; None if there is no label."""
        rule = self.methods(window, path).get("POST")
        declared = None if rule is None else rule.form_by_name.get(name)
        return None if declared is None else declared.label

    def takes_files(self, window: str, path: str) -> bool:
        """Tell whether a form there has a place for a file."""
        rule = self.methods(window, path).get("POST")
        return rule is not None and bool(rule.uploads)


def build_route_table(rules: Sequence[RouteRule]) -> RouteTable:
    """Put the allow-list together: these routes, and the static files.

    Raises:
        ValueError: two routes claim the same window, method and path.
    """
    exact: dict[tuple[str, str], dict[str, RouteRule]] = {}
    shaped: dict[str, list[RouteRule]] = {}
    seen: set[tuple[str, str, str]] = set()
    for rule in (*rules, STATIC_ROUTE):
        for window in rule.windows:
            key = (window, rule.method, rule.path)
            if key in seen:
                raise ValueError(f"two routes for {rule.method} {rule.path} in window {window}")
            seen.add(key)
            if rule.places:
                shaped.setdefault(window, []).append(rule)
            else:
                exact.setdefault((window, rule.path), {})[rule.method] = rule
    return RouteTable(exact, shaped)
