"""The static role put together: files in memory behind a worker port."""

from __future__ import annotations

from pathlib import Path

from prometheus_client import CollectorRegistry

from dmz.static.assets import FILES, load_assets
from dmz.static.handler import StaticHandler, render_error
from dmz.static.metrics import StaticMetrics
from dmz.static.settings import StaticSettings
from dmz.switch.metrics import PortMetrics
from dmz.switch.reactor_port import SwitchReactor
from dmz.switch.worker_port import WorkerPort


def build_static(
    settings: StaticSettings, *, reactor: SwitchReactor, registry: CollectorRegistry, folder: Path = FILES
) -> WorkerPort:
    """Read the files and make their port; the caller calls ``listen(settings.socket)`` and ``drain()``.

    Args:
        settings: of the role.
        reactor: for the socket and timers.
        registry: of this process.
        folder: of the files.

    Raises:
        AssetError: the folder cannot be served.
    """
    handler = StaticHandler(load_assets(folder), StaticMetrics(registry))
    return WorkerPort(handler, render_error, settings=settings.port, metrics=PortMetrics(registry), reactor=reactor)
