"""Running a process's reactor, and stopping it as often as anybody likes.

Twisted's own signal handlers stop the reactor unconditionally, which fails (``ReactorNotRunning``) when it is being
stopped already: a service manager that sends SIGTERM to a whole group and a master that passes it on, a second Ctrl-C.
"""

from __future__ import annotations

import contextlib
import signal
from typing import Any

from twisted.internet.error import ReactorNotRunning


def run(reactor: Any) -> None:
    """Run the reactor until SIGTERM, SIGINT or ``stop``; a SIGINT that the process ignores stays ignored."""

    def heard(_number: int, _frame: object) -> None:
        reactor.callFromThread(stop, reactor)

    def listen() -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, heard)

    # After Twisted's own handlers are there, before anything else begins.
    reactor.addSystemEventTrigger("during", "startup", listen)
    reactor.run()


def stop(reactor: Any) -> None:
    """Stop the reactor, unless it is being stopped already."""
    with contextlib.suppress(ReactorNotRunning):
        reactor.stop()
