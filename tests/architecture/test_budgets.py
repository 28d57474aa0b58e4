"""Size budgets: a file has at most 400 lines, a function at most 60, and six parameters."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("wire_formats", "dmz", "ferry", "core", "ca", "ops", "perf")
MOST_FILE_LINES = 400
MOST_TEST_FILE_LINES = 600
MOST_FUNCTION_LINES = 60
MOST_PARAMETERS = 6

FILES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
TESTS = sorted((ROOT / "tests").rglob("*.py"))
Function = ast.FunctionDef | ast.AsyncFunctionDef


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@functools.cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _functions(path: Path) -> Iterator[Function]:
    for node in ast.walk(_tree(path)):
        if isinstance(node, Function):
            yield node


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_file_length(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= MOST_FILE_LINES, f"{_name(path)} has {lines} lines: split it by responsibility"


@pytest.mark.parametrize("path", TESTS, ids=_name)
def test_test_file_length(path: Path) -> None:
    """Tests hold tables of cases, so they may be longer."""
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= MOST_TEST_FILE_LINES, f"{_name(path)} has {lines} lines: split it by subject"


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_function_length(path: Path) -> None:
    if "migrations" in path.parts:
        return  # a migration is a list of tables, written once
    for function in _functions(path):
        body = function.body[1:] if ast.get_docstring(function) else function.body
        first = body[0].lineno if body else function.lineno
        lines = (function.end_lineno or first) - first + 1
        assert lines <= MOST_FUNCTION_LINES, f"{_name(path)}:{function.lineno} {function.name} has {lines} lines"


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_parameters(path: Path) -> None:
    for function in _functions(path):
        if function.name == "__init__" and _is_private_record(function):
            continue
        given = [a.arg for a in (*function.args.posonlyargs, *function.args.args)]
        positional = len(given) - (given[:1] in (["self"], ["cls"]))
        total = positional + len(function.args.kwonlyargs)
        assert positional <= MOST_PARAMETERS, (
            f"{_name(path)}:{function.lineno} {function.name}: {positional} positional"
        )
        assert total <= MOST_PARAMETERS + 2, f"{_name(path)}:{function.lineno} {function.name} takes {total} parameters"


def _is_private_record(function: Function) -> bool:
    """A constructor that only stores its arguments may take more of them, by keyword."""
    return all(isinstance(node, ast.Assign | ast.AnnAssign | ast.Expr) for node in function.body)


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_annotations_are_lazy(path: Path) -> None:
    tree = _tree(path)
    body = tree.body[1:] if ast.get_docstring(tree) else tree.body
    if not body:
        return
    first = body[0]
    assert isinstance(first, ast.ImportFrom), f"{_name(path)}: starts without `from __future__ import annotations`"
    assert first.module == "__future__", f"{_name(path)}: starts without `from __future__ import annotations`"
