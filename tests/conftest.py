"""How the tests are spread over two processes: file by file, and all whole systems one after another.

Whole installations would slow each other down, so everything that starts one shares a group; it comes
first, while the other process runs the rest.
"""

from __future__ import annotations

from pathlib import Path

import pytest

_HERE = Path(__file__).parent
_WHOLE_SYSTEMS = ("integration/browser/", "integration/faults/", "integration/test_main_job.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Group the tests, whole systems first."""
    for item in items:
        place = item.path.relative_to(_HERE).as_posix()
        group = "whole systems" if place.startswith(_WHOLE_SYSTEMS) else place
        item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=lambda item: not item.path.relative_to(_HERE).as_posix().startswith(_WHOLE_SYSTEMS))
