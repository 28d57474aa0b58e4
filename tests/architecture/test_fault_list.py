"""The fault list in docs/simulation.md names tests that are there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
_NAMED = re.compile(r"`([a-z0-9_/]+\.py)::(\w+)`")
_ROW = re.compile(r"^\| ([^|]+) \| (.+) \|$", re.MULTILINE)


def test_every_test_that_is_named_is_there() -> None:
    section = (ROOT / "docs" / "simulation.md").read_text(encoding="utf-8").split("## The fault list")[1]
    rows = [(fault, tests) for fault, tests in _ROW.findall(section) if fault != "fault"]
    assert len(rows) > 30
    for fault, tests in rows:
        named = _NAMED.findall(tests)
        assert named, f"no test is named for: {fault}"
        for file, name in named:
            text = (ROOT / "tests" / file).read_text(encoding="utf-8")
            assert re.search(rf"^\s*(async )?(def|class) {name}\b", text, re.MULTILINE), f"{file} has no {name}"
