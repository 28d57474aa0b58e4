"""A Unix socket's path that is too long is told with a remedy, before anything starts."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from ops.cli.faults import CannotRunError
from ops.cli.run import load_role
from ops.cli.up import up
from ops.layout import Installation, Layout, Ports
from ops.provision.role_files import role_tables
from ops.provision.toml_text import toml_text
from ops.roles.ferry_high import FerryHighFile
from ops.runtime.socket_path import MOST_BYTES, check_socket_paths, too_long
from wire_formats.settings_reader import SettingsError, load_settings


def of_length(folder: Path, size: int) -> Path:
    return folder / ("s" * (size - len(str(folder)) - 1))


def test_the_bound_is_the_kernels(tmp_path: Path) -> None:
    longest, over = of_length(tmp_path, MOST_BYTES), of_length(tmp_path, MOST_BYTES + 1)
    check_socket_paths(longest)
    with socket.socket(socket.AF_UNIX) as fits:
        fits.bind(str(longest))
    with socket.socket(socket.AF_UNIX) as refused, pytest.raises(OSError, match="too long"):
        refused.bind(str(over))
    with pytest.raises(SettingsError, match="at most 107 bytes, this one has 108"):
        check_socket_paths(longest, over)


def test_bytes_count_and_not_letters(tmp_path: Path) -> None:
    assert "has 3" in too_long(tmp_path / ("网" * 100))


def test_an_installation_too_deep_is_refused_before_it_is_made(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 100) / "var"
    deep.parent.mkdir()
    with pytest.raises(CannotRunError, match="shorter path"):
        up(deep, demo=False, stay=False)
    assert not deep.exists()


def test_every_role_with_a_socket_says_so(tmp_path: Path) -> None:
    deep = Layout(tmp_path / ("d" * 100))
    for role, table in role_tables(deep, Installation(ports=Ports()), {}):
        if role in ("ferry_inspector", "ferry_high", "worker-1", "static"):
            deep.settings(role).parent.mkdir(parents=True, exist_ok=True)
            deep.settings(role).write_text(toml_text(table))
            with pytest.raises(SettingsError, match="Unix socket"):
                load_role(role.partition("-")[0], deep.settings(role))


def test_the_layouts_longest_is_what_the_settings_say(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    settings = layout.settings("ferry_high")
    settings.parent.mkdir()
    settings.write_text(toml_text(dict(role_tables(layout, Installation(ports=Ports()), {}))["ferry_high"]))
    assert load_settings(FerryHighFile, settings).ferry.inspector == layout.longest_socket
