"""One installation for all fault tests of this folder; each leaves it healthy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.faults.campaign import WORKERS
from tests.support.whole_system import WholeSystem


@pytest.fixture(scope="package")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeSystem]:
    system = WholeSystem(tmp_path_factory.mktemp("faults") / "var", workers=WORKERS)
    try:
        system.start()
        yield system
        system.stop()
    finally:
        system.end()


@pytest.fixture
def system(installed: WholeSystem) -> Iterator[WholeSystem]:
    """The installation, healthy before and after."""
    installed.wait_healthy()
    yield installed
    installed.wait_healthy()


@pytest.fixture
def root(installed: WholeSystem) -> Path:
    return installed.root
