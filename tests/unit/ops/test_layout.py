"""Ports, paths and settings files of an installation."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ca.provision import settings_toml
from ops.cli.run import load_role
from ops.layout import Installation, Layout, Ports, roles
from ops.provision.role_files import role_tables
from ops.provision.toml_text import Value, toml_text


def test_usual_ports() -> None:
    assert dict(Ports().listening())["units (单位网厅)"] == 7002
    assert [Ports().unit, Ports().community, Ports().person, Ports().site_plain, Ports().site, Ports().staff] == [
        7002, 7012, 7022, 8080, 8443, 7443,
    ]  # fmt: skip


@given(st.integers(1024, 65_000), st.integers(1, 16))
def test_no_port_is_used_twice(base: int, workers: int) -> None:
    ports = Ports.from_base(base)
    found = Installation(ports=ports, workers=workers)
    used = [port for _, port in ports.listening()]
    used += [ports.metrics_of(role) for role, _ in roles(found)]
    used += [ports.metrics_of("edge") + child for child in range(1, found.edge_children)]
    assert len(used) == len(set(used))
    assert max(used) <= 65_535


@pytest.mark.parametrize("text", ["x", "80", "70000", "-1"])
def test_wrong_port_base(text: str) -> None:
    with pytest.raises(ValueError, match="FERRYGATE_PORT_BASE"):
        Ports.from_environment({"FERRYGATE_PORT_BASE": text})


def test_stages_put_the_edge_last() -> None:
    stages = dict(roles(Installation(ports=Ports())))
    assert max(stages.values()) == stages["edge"]
    assert stages["edge"] > stages["worker-1"]
    assert len(stages) == 15


def test_every_role_reads_its_own_settings(tmp_path: Path) -> None:
    layout, found = Layout(tmp_path), Installation(ports=Ports.from_base(30_000))
    for folder in layout.folders(found.worker_names):
        folder.mkdir(parents=True, exist_ok=True)
    names = []
    for name, table in role_tables(layout, found, tomllib.loads(settings_toml(tmp_path))):
        layout.settings(name).write_text(toml_text(table), encoding="utf-8")
        loaded = load_role(name.partition("-")[0], layout.settings(name))
        assert loaded.role.name == name
        assert loaded.role.metrics_port == found.ports.metrics_of(name)
        names.append(name)
    assert sorted(names) == sorted(name for name, _ in roles(found))


_PLAIN = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=30)
_VALUES = st.one_of(_PLAIN, st.integers(-(2**60), 2**60), st.booleans(), st.lists(_PLAIN, max_size=4).map(tuple))
_TABLES = st.dictionaries(_PLAIN, _VALUES, max_size=6)


@given(_TABLES, st.dictionaries(_PLAIN.map(lambda text: "t" + text), _TABLES, max_size=3))
def test_toml_reads_back(values: dict[str, Value], tables: dict[str, Value]) -> None:
    whole = {**{key: value for key, value in values.items() if key not in tables}, **tables}
    assert tomllib.loads(toml_text(whole)) == _lists(whole)


def _lists(value: object) -> object:
    if isinstance(value, dict):
        return {key: _lists(inner) for key, inner in value.items()}
    return list(value) if isinstance(value, tuple) else value
