"""What a service declares: one entry of the catalogue.

An entry is data.  It drives the HTML form, page validation, the firewall's allow-list, the wire schema,
inspection in the ferry, the core's input, the Excel template, OpenAPI and the load generator.
A new service is one entry here and one function in ``core/services``.

Source: DESIGN invariant 7 and "Words"; catalogue E17.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from typing import Final

from wire_formats.bilingual import Label
from wire_formats.field_kinds import Rows
from wire_formats.fields import Field
from wire_formats.instants import HOUR_MS, MINUTE_MS
from wire_formats.request import SERVICE_CODE, WINDOWS

_FIELD_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,31}", re.ASCII)


class ServiceKind(enum.Enum):
    """Whether a service changes anything."""

    QUERY = "query"
    TRANSACTION = "transaction"


class Page(enum.Enum):
    """How the hall shows a service."""

    FORM = "form"
    """A form that becomes a transaction, with check page and receipt."""
    SEARCH = "search"
    """A form or nothing, that becomes a query with a result page."""
    BATCH = "batch"
    """A workbook: template, upload, result, failed rows."""
    OWN = "own"
    """A page written for it alone (login, password, certificate)."""


@dataclass(frozen=True, kw_only=True)
class Service:
    """One service.

    Args:
        code: ``group.name``.
        version: raised whenever fields or answer change; signed into every request.
        title: what users call it.
        summary: one sentence for lists and help.
        kind: query or transaction.
        windows: where it is offered.
        page: how the hall shows it.
        fields: what is asked.
        answer: what comes back; the core's outflow guard lets nothing else out.
        lane: "interactive" or "bulk".
        needs_grant: False only before login and on the site.
        life_ms: how long a request may wait before the core refuses it.
        rows: ids of the rows of the feature catalogue it serves.
    """

    code: str
    version: int
    title: Label
    summary: Label
    kind: ServiceKind
    windows: tuple[str, ...]
    page: Page
    fields: tuple[Field, ...]
    answer: tuple[Field, ...]
    lane: str = "interactive"
    needs_grant: bool = True
    life_ms: int = 2 * MINUTE_MS
    rows: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not SERVICE_CODE.fullmatch(self.code) or not set(self.windows) <= set(WINDOWS):
            raise ValueError(f"{self.code}: code or window outside the grammar")
        for declared in (self.fields, self.answer):
            names = [field.name for field in declared]
            if len(names) != len(set(names)) or not all(_FIELD_NAME.fullmatch(name) for name in names):
                raise ValueError(f"{self.code}: field names doubled or outside the grammar")

    @property
    def group(self) -> str:
        """The part of the code before the dot."""
        return self.code.partition(".")[0]

    @property
    def form_fields(self) -> tuple[Field, ...]:
        """The fields a form shows: all but tables."""
        return tuple(field for field in self.fields if not isinstance(field, Rows))

    @property
    def table(self) -> Rows | None:
        """The table a workbook fills, if there is one."""
        return next((field for field in self.fields if isinstance(field, Rows)), None)

    def field(self, name: str) -> Field | None:
        """Give the field with this name, if there is one."""
        return next((field for field in self.fields if field.name == name), None)


#: Transactions may wait for a core that is down over a night.
TRANSACTION_LIFE_MS: Final = 24 * HOUR_MS
