"""House rules that no linter has: the reactor, the clock, log events and fields, metric names."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from wire_formats.log_fields import ALLOWED
from wire_formats.metric_names import METRICS

ROOT = Path(__file__).parents[2]
ZONES = ("wire_formats", "dmz", "ferry", "core", "ca", "ops")
FILES = [path for zone in ZONES for path in sorted((ROOT / zone).rglob("*.py"))]
LEVELS = frozenset({"debug", "info", "warn", "error", "critical", "failure"})
#: Takes the level first.
EMIT = "emit"
#: What twisted.logger itself takes.
LOGGER_ARGUMENTS = frozenset({"failure", "level"})
EVENT = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", re.ASCII)
METRIC = re.compile(r"(dmz|ferry|core|ca|ops)(_[a-z0-9]+)+", re.ASCII)
METRIC_TYPES = frozenset({"Counter", "Gauge", "Histogram", "Summary", "Info", "Enum"})
CLOCK = {("time", "time"), ("time", "monotonic"), ("time", "sleep"), ("datetime", "now"), ("datetime", "utcnow")}
POSSESSIVE_GROUP = re.compile(r"[^\\]\)[*+?]\+")
#: Their patterns gave the same on 3.11.2 and 3.11.7 for 150,000 drawn texts each.
POSSESSIVE_AND_COMPARED = {
    "dmz/waf/seclang/decoding.py",
    "dmz/waf/seclang/html_tokens.py",
    "dmz/waf/seclang/sql_tokens.py",
    "wire_formats/canonical.py",
}
MAY_READ_THE_CLOCK = {
    "ops/runtime/clock.py",
    "ops/main_job.py",
    "ops/lab/attempts.py",
    "ops/lab/machine.py",
    "dmz/workers/workbook/reader_child.py",
}


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@functools.cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _calls(tree: ast.AST) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def _log_calls(tree: ast.AST) -> Iterator[ast.Call]:
    for call in _calls(tree):
        function = call.func
        if not isinstance(function, ast.Attribute) or function.attr not in LEVELS | {EMIT}:
            continue
        owner = function.value
        owner_name = owner.attr if isinstance(owner, ast.Attribute) else owner.id if isinstance(owner, ast.Name) else ""
        if owner_name.lstrip("_") in ("log", "logger"):
            yield call


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_no_module_level_reactor(path: Path) -> None:
    for node in _tree(path).body:
        if isinstance(node, ast.ImportFrom) and node.module == "twisted.internet":
            assert "reactor" not in {alias.name for alias in node.names}, f"{_name(path)}:{node.lineno}"
        if isinstance(node, ast.Import):
            assert "twisted.internet.reactor" not in {alias.name for alias in node.names}


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_nothing_reads_the_clock(path: Path) -> None:
    if _name(path) in MAY_READ_THE_CLOCK:
        return
    for call in _calls(_tree(path)):
        if isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name | ast.Attribute):
            owner = call.func.value
            owner_name = owner.id if isinstance(owner, ast.Name) else owner.attr
            assert (owner_name, call.func.attr) not in CLOCK, f"{_name(path)}:{call.lineno} reads the clock"


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_possessive_groups_are_few_and_known(path: Path) -> None:
    """Python before 3.11.5, Debian's among them, matches some possessive groups wrongly; single signs are sound."""
    if _name(path) not in POSSESSIVE_AND_COMPARED:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            assert not POSSESSIVE_GROUP.search(line), f"{_name(path)}:{number}: write it without a possessive group"


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_log_events_and_fields(path: Path) -> None:
    for call in _log_calls(_tree(path)):
        where = f"{_name(path)}:{call.lineno}"
        assert call.args, f"{where}: a log line without an event"
        event = call.args[-1]
        assert isinstance(event, ast.Constant), f"{where}: the event must be a fixed word"
        assert isinstance(event.value, str), f"{where}: the event must be a fixed word"
        assert EVENT.fullmatch(event.value), f"{where}: '{event.value}' is not a snake_case event"
        for keyword in call.keywords:
            assert keyword.arg is not None, f"{where}: fields must be named"
            known = keyword.arg in ALLOWED or keyword.arg in LOGGER_ARGUMENTS
            assert known, f"{where}: '{keyword.arg}' is not in wire_formats/log_fields.py"


def test_every_log_field_of_the_table_is_written() -> None:
    written = {keyword.arg for path in FILES for call in _log_calls(_tree(path)) for keyword in call.keywords}
    assert set(ALLOWED) <= written, f"no log line has {sorted(set(ALLOWED) - written)}"


def _metrics(tree: ast.AST) -> Iterator[tuple[ast.Call, str, str, tuple[str, ...]]]:
    for call in _calls(tree):
        kind = call.func.id if isinstance(call.func, ast.Name) else ""
        if kind not in METRIC_TYPES or not call.args or not isinstance(call.args[0], ast.Constant):
            continue
        given = call.args[2:3] or [k.value for k in call.keywords if k.arg == "labelnames"]
        labels = tuple(ast.literal_eval(given[0])) if given and isinstance(given[0], ast.Tuple | ast.List) else ()
        yield call, kind, str(call.args[0].value), labels


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_metric_names_are_in_the_table(path: Path) -> None:
    for call, kind, name, labels in _metrics(_tree(path)):
        where = f"{_name(path)}:{call.lineno}"
        assert METRIC.fullmatch(name), f"{where}: '{name}' is not <zone>_<noun>_<unit|total>"
        assert name in METRICS, f"{where}: '{name}' is not in wire_formats/metric_names.py"
        told = METRICS[name]
        assert told.kind.lower() == kind.lower(), f"{where}: '{name}' is a {kind}, the table says {told.kind}"
        assert told.labels == labels, f"{where}: '{name}' has labels {labels}, the table says {told.labels}"


def test_every_metric_of_the_table_exists() -> None:
    found = {name for path in FILES for _, _, name, _ in _metrics(_tree(path))}
    assert set(METRICS) <= found, f"no code registers {sorted(set(METRICS) - found)}"


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_a_broad_except_says_why(path: Path) -> None:
    """Only the top of a role, a thread or a page may catch everything, and says so beside it."""
    lines = path.read_text(encoding="utf-8").splitlines()
    for node in ast.walk(_tree(path)):
        if not isinstance(node, ast.ExceptHandler):
            continue
        caught = node.type
        broad = caught is None or (isinstance(caught, ast.Name) and caught.id in ("Exception", "BaseException"))
        reraises = any(isinstance(inner, ast.Raise) for inner in ast.walk(node))
        _, _, reason = lines[node.lineno - 1].partition("noqa: BLE001")
        assert not broad or reraises or len(reason) > 10, (
            f"{_name(path)}:{node.lineno}: a broad except without a reason"
        )
