"""From method, window and path to a route: exact paths by a dictionary, paths with places by their patterns."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from dmz.hall.route_table import ROUTES, Route
from wire_formats.errors import Kind, Refused

MAX_PATH_CHARACTERS: Final = 200
_PLACE: Final = re.compile(r"\{([a-z_]+)\}")


class Found(NamedTuple):
    """A route with the values of its places."""

    route: Route
    places: Mapping[str, str]


class Router:
    """Finds routes.

    Args:
        routes: all of them.
    """

    def __init__(self, routes: Iterable[Route] = ROUTES) -> None:
        self._exact: dict[tuple[str, str], dict[str, Route]] = {}
        self._shaped: dict[str, list[tuple[re.Pattern[str], str, Route]]] = {}
        for route in routes:
            for window in route.windows:
                if route.places:
                    shape = re.compile(path_pattern(route), re.ASCII)
                    self._shaped.setdefault(window, []).append((shape, route.method, route))
                else:
                    self._exact.setdefault((window, route.path), {})[route.method] = route

    def find(self, window: str, method: str, path: str) -> Found:
        """Find the route of a request; HEAD goes with GET.

        Raises:
            Refused: NOT_FOUND, or METHOD_NOT_ALLOWED where another method exists.
        """
        wanted = "GET" if method == "HEAD" else method
        methods = self._exact.get((window, path))
        if methods is not None:
            if wanted not in methods:
                raise Refused(Kind.METHOD_NOT_ALLOWED, "no such method here")
            return Found(methods[wanted], {})
        return self._find_shaped(window, wanted, path)

    def can_get(self, window: str, path: str) -> bool:
        """Tell whether a path can be shown by GET in this window; such a path is safe to go back to."""
        try:
            self.find(window, "GET", path)
        except Refused:
            return False
        return True

    def _find_shaped(self, window: str, method: str, path: str) -> Found:
        if len(path) > MAX_PATH_CHARACTERS:
            raise Refused(Kind.NOT_FOUND, "path too long")
        other_method = False
        for shape, route_method, route in self._shaped.get(window, ()):
            match = shape.fullmatch(path)
            if match is not None and route_method == method:
                return Found(route, match.groupdict())
            other_method = other_method or match is not None
        if other_method:
            raise Refused(Kind.METHOD_NOT_ALLOWED, "no such method here")
        raise Refused(Kind.NOT_FOUND, "no such page")


def path_pattern(route: Route) -> str:
    """Give the unanchored pattern of a route's whole path, with a named group for each place."""
    places = {place.name: place.pattern for place in route.places}
    parts = _PLACE.split(route.path)
    pieces = [re.escape(part) if i % 2 == 0 else f"(?P<{part}>{places[part]})" for i, part in enumerate(parts)]
    return "".join(pieces)
