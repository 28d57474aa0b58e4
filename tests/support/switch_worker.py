"""A worker process for tests of the content switch: a real reactor, a real port, a small handler.

``python -m tests.support.switch_worker SOCKET NAME``; prints ``ready`` when it listens; SIGTERM drains and ends it.

The handler echoes the form; ``/slow`` takes 50 ms, ``/fail`` raises, ``/stuck`` never answers.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from prometheus_client import CollectorRegistry
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from dmz.messages import HallRequest, HallResponse
from dmz.switch.metrics import PortMetrics
from dmz.switch.settings import PortSettings
from dmz.switch.worker_port import WorkerPort
from tests.support.real_reactor import reactor
from wire_formats.errors import HallError


def render_error(request: HallRequest, error: HallError) -> HallResponse:
    return HallResponse(500, (("Content-Type", "text/plain"),), error.code.encode())


def echo_handler(name: str, clock):
    async def handle(request: HallRequest) -> HallResponse:
        if request.path == "/slow":
            await deferLater(clock, 0.05, lambda: None)
        if request.path == "/stuck":
            await Deferred()
        if request.path == "/fail":
            raise ZeroDivisionError("on purpose")
        if request.path == "/large":
            return HallResponse(200, (), b"x" * 3_000_000)
        uploaded = sum(len(upload.data) for upload in request.uploads)
        text = f"{name} {uploaded} " + " ".join(value for _, value in request.form)
        return HallResponse(200, (("Content-Type", "text/plain"), ("X-Worker", name)), text.encode())

    return handle


def make_port(name: str, clock=reactor, settings: PortSettings | None = None) -> WorkerPort:
    return WorkerPort(
        echo_handler(name, clock),
        render_error,
        settings=settings or PortSettings(),
        metrics=PortMetrics(CollectorRegistry()),
        reactor=clock,
    )


def main(path: str, name: str) -> None:
    port = make_port(name)

    def leave(*_: object) -> None:
        reactor.callFromThread(lambda: port.drain().addBoth(lambda _: reactor.stop()))

    def begin() -> None:
        port.listen(Path(path))
        signal.signal(signal.SIGTERM, leave)
        print("ready", flush=True)

    reactor.callWhenRunning(begin)
    reactor.run(installSignalHandlers=False)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
