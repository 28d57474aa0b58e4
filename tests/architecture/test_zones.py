"""Zones are islands: import contracts, and each zone imported where the others do not exist."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ALLOWED = {
    "wire_formats": set(),
    "dmz": {"wire_formats"},
    "ferry": {"wire_formats"},
    "core": {"wire_formats"},
    "ca": {"wire_formats"},
    "perf": {"wire_formats"},
    "ops": {"wire_formats", "dmz", "ferry", "core", "ca"},
}
#: A person at a window: part of ops, knows the ground only, and is what the main job and the load drivers share.
VISITOR = "ops.visitor"

_IMPORT_ALL = """
import importlib, pkgutil, sys
zone, blocked = sys.argv[1], set(sys.argv[2:])
class Wall:
    def find_spec(self, name, path=None, target=None):
        inside = name == zone or name.startswith(zone + ".") or zone.startswith(name + ".")
        if name.split(".")[0] in blocked and not inside:
            raise ImportError(f"{zone} reaches into {name}")
        return None
sys.meta_path.insert(0, Wall())
def walk(name):
    module = importlib.import_module(name)
    for found in pkgutil.iter_modules(getattr(module, "__path__", [])):
        if found.name in ("__main__", "locustfile", "env") or found.name[0].isdigit():
            continue
        walk(f"{name}.{found.name}")
walk(zone)
assert "twisted.internet.reactor" not in sys.modules, "a module of this zone installs the reactor when imported"
"""


@pytest.mark.parametrize("zone", ["wire_formats", "dmz", "ferry", "core", "ca", VISITOR])
def test_zone_imports_alone(zone: str) -> None:
    blocked = sorted(set(ALLOWED) - ALLOWED.get(zone, {"wire_formats"}) - {zone} | {"tests"})
    command = [sys.executable, "-c", _IMPORT_ALL, zone, *blocked]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


def _is_visitor(name: str) -> bool:
    return name == VISITOR or name.startswith(f"{VISITOR}.")


@pytest.mark.parametrize("zone", sorted(ALLOWED))
def test_import_statements(zone: str) -> None:
    """The same by reading the source: catches imports inside functions, too."""
    for path in sorted((ROOT / zone).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{path}:{node.lineno}: relative import"
                names = [node.module or ""]
            for name in names:
                top = name.split(".")[0]
                foreign = top in {*ALLOWED, "tests"} and top != zone and not (zone == "perf" and _is_visitor(name))
                assert not foreign or top in ALLOWED[zone], (
                    f"{path}:{getattr(node, 'lineno', 0)}: {zone} imports {name}"
                )


@pytest.mark.parametrize("zone", ["wire_formats", "core", "ferry", "ca"])
def test_http_of_the_inside_comes_from_ops(zone: str) -> None:
    """What a contract cannot say, since it knows other people's packages as wholes (decision 0027)."""
    for path in sorted((ROOT / zone).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            found = [name for name in names if name.startswith(("twisted.web", "twisted.protocols.tls"))]
            assert not found, f"{path}:{getattr(node, 'lineno', 0)}: {zone} imports {found[0]}"


def test_import_contracts() -> None:
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
