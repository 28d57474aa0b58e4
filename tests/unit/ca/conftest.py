"""One provisioned authority per test module; ledgers are opened per test."""

from __future__ import annotations

import pytest

from tests.support.authority import make_authority


@pytest.fixture
def rig(tmp_path):
    return make_authority(tmp_path)


@pytest.fixture
def authority(rig):
    opened = rig.open()
    yield opened
    opened.ledger.close()
