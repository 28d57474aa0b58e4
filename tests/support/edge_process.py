"""An edge as a real process, with a pipeline that tells what reached it: ``python -m tests.support.edge_process F``.

With ``guarded`` behind F, the hall's firewall stands before the pipeline. With a file ``intrusion.toml`` beside F there
is the intrusion watch, too, as in the real role; with ``admission.toml`` admission control. The log has one JSON object a line.
Prints one line of JSON with the bound ports, then serves until SIGTERM.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import os
import sys
from functools import partial
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.logger import Logger, globalLogBeginner, jsonFileLogObserver

from dmz.admission.gate import AdmissionGate, Ranks
from dmz.admission.metrics import AdmissionMetrics
from dmz.admission.session_marks import SessionMarks, table_bytes
from dmz.admission.settings import AdmissionSettings
from dmz.answering import Answerer
from dmz.edge.master import EdgeChild, EdgeMaster
from dmz.edge.settings import EdgeSettings
from dmz.edge.watch_port import Unwatched
from dmz.intrusion.service import IntrusionService
from dmz.intrusion.settings import IntrusionSettings
from dmz.intrusion.shared_offences import SharedOffences
from dmz.intrusion.watch import Post
from dmz.messages import HallRequest, HallResponse, Handler, decode_request, encode_request
from dmz.waf.guard import build_firewall, guarded
from dmz.waf.hall_routes import hall_route_table
from dmz.waf.settings import FirewallSettings
from ops.runtime import stopping
from ops.runtime.clock import SystemClock, SystemRandomness
from ops.runtime.directory_watch import ReactorDirectoryWatch
from ops.runtime.hand_over import HandOver
from ops.runtime.log_output import RotatingFile
from tests.support.hall_firewall import KEPT
from wire_formats.errors import Kind, Refused
from wire_formats.settings_reader import SettingsError, load_settings

SETTINGS = Path(sys.argv[1])
INTRUSION = SETTINGS.with_name("intrusion.toml")
ADMISSION = SETTINGS.with_name("admission.toml")
#: Made before the fork: all children share it.
MARKS = SessionMarks(memoryview(mmap.mmap(-1, table_bytes(64))))
TEXT = "text/plain; charset=utf-8"
BIG_BYTES = 3_000_000
GUARDED = "guarded" in sys.argv[2:]


class Echo:
    """Answers with what it got; a few paths misbehave on purpose."""

    _log = Logger()

    def __init__(self, reactor):
        self._reactor = reactor

    async def handle(self, request: HallRequest) -> HallResponse:
        self._log.info("worker_reached", request_id=request.request_id, path=request.path)
        request = decode_request(encode_request(request))
        if request.path == "/slow":
            await deferLater(self._reactor, 1.0)
        elif request.path == "/brief":
            await deferLater(self._reactor, 0.1)
        elif request.path == "/session":
            return HallResponse(200, (("Content-Type", TEXT),), b"signed in", None, 600)
        elif request.path == "/never":
            await deferLater(self._reactor, 600)
        elif request.path == "/boom":
            raise ZeroDivisionError("a bug behind the edge")
        elif request.path == "/refuse":
            raise Refused(Kind.NO_RIGHT, "private words")
        elif request.path == "/big":
            return HallResponse(200, (("Content-Type", TEXT),), b"x" * BIG_BYTES)
        elif request.path == "/login" and dict(request.form).get("password") == "wrong":
            return HallResponse(403, (("Content-Type", TEXT),), b"no", "login_failed")
        elif request.path == "/split":
            return HallResponse(200, (("X-Bad", "a\r\nInjected: yes"),), b"")
        if GUARDED:
            return HallResponse(200, (("Content-Type", TEXT),), b"{}")
        told = {
            "method": request.method,
            "window": request.window,
            "path": request.path,
            "query": request.query,
            "form": request.form,
            "uploads": [
                [u.name, u.filename, u.content_type, len(u.data), hashlib.sha256(u.data).hexdigest()]
                for u in request.uploads
            ],
            "headers": dict(request.headers),
            "cookies": request.cookies,
            "account": None if request.client is None else request.client.account,
            "resumed": request.resumed,
            "pid": os.getpid(),
            "request_id": request.request_id,
        }
        return HallResponse(200, (("Content-Type", TEXT),), json.dumps(told).encode())


def run_child(child: EdgeChild, offences: SharedOffences) -> int:
    """Run one child of the edge."""
    from dmz.edge.service import Collaborators, EdgeService
    from ops.runtime import lean_reactor

    lean_reactor.install()
    from tests.support.real_reactor import reactor

    directories = ReactorDirectoryWatch(reactor)
    registry = CollectorRegistry()
    handler: Handler | Answerer = Echo(reactor).handle
    intrusion = _intrusion(child.number, reactor, registry, offences) if INTRUSION.exists() else None
    if intrusion is not None:
        handler = intrusion.scanned(handler)
    if GUARDED or intrusion is not None:
        handler = guarded(
            handler,
            build_firewall(FirewallSettings(), KEPT),
            registry=registry,
            seconds=reactor.seconds,
            pause=lambda: deferLater(reactor, 0),
        )
    if ADMISSION.exists():
        settings, metrics = load_settings(AdmissionSettings, ADMISSION), AdmissionMetrics(registry)
        handler = AdmissionGate(handler, Ranks(MARKS, SystemClock()), settings, reactor=reactor, metrics=metrics)
    if intrusion is not None:
        handler = intrusion.watched(handler)
    given = Collaborators(
        reactor=reactor,
        clock=SystemClock(),
        randomness=SystemRandomness(),
        watch=directories,
        registry=registry,
        pipeline=handler,
        intrusion=Unwatched() if intrusion is None else intrusion.watch,
        takes_files=hall_route_table().takes_files if GUARDED else lambda _window, _path: True,
    )
    service = EdgeService(child, given)
    if intrusion is not None:
        reactor.callWhenRunning(intrusion.start, directories)
        reactor.addSystemEventTrigger("before", "shutdown", intrusion.stop)
    reactor.callWhenRunning(lambda: Deferred.fromCoroutine(service.start()))
    reactor.addSystemEventTrigger("before", "shutdown", lambda: Deferred.fromCoroutine(service.stop()))
    stopping.run(reactor)
    return 0


def _intrusion(number: int, reactor: Any, registry: CollectorRegistry, offences: SharedOffences) -> IntrusionService:
    return IntrusionService(
        load_settings(IntrusionSettings, INTRUSION),
        Post(f"edge-{number}", keeper=number == 0, exchange=offences.join()),
        reactor=reactor,
        clock=SystemClock(),
        registry=registry,
        sinks=[RotatingFile(INTRUSION.with_suffix(f".{number}.cef"), most_bytes=1_000_000, keep=1)],
    )


def main() -> int:
    path = SETTINGS
    globalLogBeginner.beginLoggingTo(
        [jsonFileLogObserver(path.with_suffix(".log").open("a", buffering=1), "")], redirectStandardIO=False
    )
    try:
        settings = load_settings(EdgeSettings, path)
        offences = SharedOffences(settings.children)
        run = partial(run_child, offences=offences)
        master = EdgeMaster(settings, run, SystemClock(), HandOver.from_environment(os.environ))
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    print(json.dumps(master.ports()), flush=True)
    return master.run()


if __name__ == "__main__":
    raise SystemExit(main())
