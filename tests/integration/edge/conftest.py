"""An edge for all tests of a module, with the module's SETTINGS; modules that want another make their own."""

from __future__ import annotations

import pytest

from tests.support.edge_bench import EdgeBench


@pytest.fixture(scope="module")
def bench(request, tmp_path_factory):
    """The edge, running; it must end cleanly."""
    bench = EdgeBench(tmp_path_factory.mktemp("edge"), request.module.SETTINGS)
    try:
        yield bench.start()
    finally:
        assert bench.stop() == 0


@pytest.fixture(scope="module")
def client(bench):
    """A clerk's certificate."""
    return bench.authority.client()
