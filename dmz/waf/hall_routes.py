"""The hall's route table as routes of the firewall: one declaration, two users.

What the hall's own pages put into a form (tokens, steps, page numbers) has a pattern there; what people type has none,
and gets its shape here from the field that the service declares.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from dmz.hall.route_table import ROUTES, Param, Route
from dmz.waf.routes import MAX_UPLOAD_BYTES, ParamRule, RouteRule, RouteTable, build_route_table, param_of
from dmz.waf.structure import Shape
from wire_formats.catalogue import SERVICES, Service
from wire_formats.fields import Field


def hall_rules(
    routes: Iterable[Route], services: Mapping[str, Service], *, upload_bytes: int = MAX_UPLOAD_BYTES
) -> tuple[RouteRule, ...]:
    """Turn the hall's routes into routes of the firewall.

    Args:
        routes: the hall's.
        services: code -> declaration, for the shapes of typed parameters.
        upload_bytes: largest file that may be uploaded.
    """
    return tuple(
        RouteRule(
            route.method,
            route.path,
            route.windows,
            places=tuple(_param(param, {}) for param in route.places),
            query=tuple(_param(param, {}) for param in route.query),
            form=tuple(_param(param, _declared(route, services)) for param in route.form),
            uploads=route.uploads,
            upload_bytes=upload_bytes,
        )
        for route in routes
    )


def hall_route_table(*, upload_bytes: int = MAX_UPLOAD_BYTES) -> RouteTable:
    """Build the allow-list of the whole hall from the catalogue and the hall's routes."""
    return build_route_table(hall_rules(ROUTES, SERVICES, upload_bytes=upload_bytes))


def _declared(route: Route, services: Mapping[str, Service]) -> Mapping[str, Field]:
    owner = services.get(route.service)
    owners = (owner,) if owner is not None else tuple(services.values())
    return {declared.name: declared for service in owners for declared in service.form_fields}


def _param(param: Param, declared: Mapping[str, Field]) -> ParamRule:
    if param.pattern:
        return ParamRule(param.name, param.max_length, Shape.EXACT, param.pattern)
    if param.secret:
        return ParamRule(param.name, param.max_length, Shape.HIDDEN)
    field = declared.get(param.name)
    if field is None:
        return ParamRule(param.name, param.max_length, Shape.FREE, lines=param.lines)
    return replace(param_of(field), label=field.label)
