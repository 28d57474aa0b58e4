"""How the tests are spread over two processes: file by file, and all whole systems one after another.

Whole installations would slow each other down, so everything that starts one is one piece of work; it comes
first, while the other process runs the rest.  (`make test` passes --no-loadscope-reorder, which keeps this order.)

No property fails for being slow: how long an example takes says what else the machine does, not whether the code is right.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling

settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

_WHOLE_SYSTEMS = ("tests/integration/browser/", "tests/integration/faults/", "tests/integration/test_main_job.py")


class FileByFile(LoadScopeScheduling):
    """Gives each process one file at a time."""

    def _split_scope(self, nodeid: str) -> str:
        return "whole systems" if nodeid.startswith(_WHOLE_SYSTEMS) else nodeid.partition("::")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> FileByFile:
    """Spread the tests as above, whatever --dist says."""
    return FileByFile(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put whole systems first."""
    items.sort(key=lambda item: not item.nodeid.startswith(_WHOLE_SYSTEMS))
