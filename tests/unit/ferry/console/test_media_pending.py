"""What a media page says of an order while the clerk has not told what came of it."""

from __future__ import annotations

import json
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import pytest

from ferry.console.media_pages import MediaPages
from ferry.console.media_view import STALE_MS
from ferry.console.settings import ConsoleSettings
from ferry.console.visit import Visit
from ferry.media.clerk_state import STATE_NAME
from wire_formats.inner_web.replies import Reply

NOW_MS = 1_800_000_000_000
ORDER = "0123456789abcdef"


def shown(folder: Path, order: str = ORDER) -> dict[str, Any]:
    """The model of the page that an order's form leads to."""
    models: list[dict[str, Any]] = []

    def write(_visit: Visit, _template: str, **model: Any) -> Reply:
        models.append(model)
        return Reply(200)

    needed: dict[str, Any] = {
        each.name: folder / each.name for each in fields(ConsoleSettings) if each.default is MISSING
    }
    settings = ConsoleSettings(**needed | {"half": "ferry_high", "media": folder})
    visit = Visit("GET", "/media", "en", None, 1, "", NOW_MS, query={"order": order} if order else {})
    MediaPages(settings, None, write).answer(visit)
    return models[0]


def tell(folder: Path, *, at_ms: int = NOW_MS, outcomes: tuple[str, ...] = ()) -> None:
    told = {"at_ms": at_ms, "busy": None, "outcomes": [{"order": name} for name in outcomes]}
    (folder / STATE_NAME).write_text(json.dumps(told))


def test_it_waits_until_the_clerk_has_told(tmp_path: Path) -> None:
    tell(tmp_path)
    assert (shown(tmp_path)["pending"], shown(tmp_path)["again"]) == (True, f"/media?order={ORDER}")
    tell(tmp_path, outcomes=(ORDER,))
    page = shown(tmp_path)
    assert (page["pending"], page["outcome"]) == (False, {"order": ORDER})


@pytest.mark.parametrize("late_ms", [None, STALE_MS + 1])
def test_it_goes_on_waiting_while_the_clerk_is_silent(tmp_path: Path, late_ms: int | None) -> None:
    """One that is busy for long, or starts again, tells later: a page that asks no more would never show it."""
    if late_ms is not None:
        tell(tmp_path, at_ms=NOW_MS - late_ms)
    page = shown(tmp_path)
    assert (page["state"], page["pending"]) == (None, True)


@pytest.mark.parametrize("order", ["", "x", ORDER[1:]])
def test_without_an_order_nothing_is_pending(tmp_path: Path, order: str) -> None:
    tell(tmp_path)
    assert not shown(tmp_path, order)["pending"]
