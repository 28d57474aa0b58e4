"""Worlds on both databases: every test that takes `world` runs on SQLite and on PostgreSQL.

Each kind is migrated and peopled once per session; a test gets a copy of its own.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.core_world import World, copy_world, make_world
from tests.support.postgres import PostgresServer, running_postgres


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One throw-away PostgreSQL server for all tests of the session."""
    with running_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A peopled SQLite database to copy."""
    folder = tmp_path_factory.mktemp("template")
    world = make_world(folder, f"sqlite:///{folder}/production.sqlite")
    world.close()
    return world


@pytest.fixture(scope="session")
def postgres_template(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> World:
    """A peopled PostgreSQL database to copy."""
    world = make_world(tmp_path_factory.mktemp("template"), postgres.new_database())
    world.close()
    return world


KINDS = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]


@pytest.fixture(params=KINDS)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of either kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/production.sqlite"
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.new_database()


@pytest.fixture(params=KINDS)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """A peopled core over a database of either kind."""
    if request.param == "sqlite":
        template: World = request.getfixturevalue("sqlite_template")
        shutil.copy(template.folder / "production.sqlite", tmp_path / "production.sqlite")
        made = copy_world(template, tmp_path, f"sqlite:///{tmp_path}/production.sqlite")
    else:
        template = request.getfixturevalue("postgres_template")
        server: PostgresServer = request.getfixturevalue("postgres")
        url = template.engine.url.render_as_string(hide_password=False)
        made = copy_world(template, tmp_path, server.new_database(template=url))
    yield made
    made.close()
