"""A process that is told to stop again and again stops once, in order, and complains of nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest

#: Told to stop by ``words`` before and while it stops; writes its log to stdout.
_PROCESS = """
import os, signal, sys
from twisted.internet import reactor
from twisted.internet.task import deferLater
from twisted.logger import globalLogBeginner, textFileLogObserver
from ops.runtime import stopping

globalLogBeginner.beginLoggingTo([textFileLogObserver(sys.stdout)], redirectStandardIO=False)

def again():
    {words}

def shut():
    print("stopping", flush=True)
    again()
    return deferLater(reactor, 0.1, again)

reactor.callWhenRunning(again)
reactor.addSystemEventTrigger("before", "shutdown", shut)
reactor.addSystemEventTrigger("after", "shutdown", print, "stopped")
stopping.run(reactor)
"""


@pytest.mark.parametrize(
    "words",
    [
        "os.kill(os.getpid(), signal.SIGTERM); os.kill(os.getpid(), signal.SIGTERM)",
        "os.kill(os.getpid(), signal.SIGINT); os.kill(os.getpid(), signal.SIGTERM)",
        "stopping.stop(reactor); os.kill(os.getpid(), signal.SIGTERM); stopping.stop(reactor)",
    ],
)
def test_it_stops_once(words: str) -> None:
    told = subprocess.run(
        [sys.executable, "-c", _PROCESS.format(words=words)], capture_output=True, text=True, timeout=150, check=False
    )
    assert told.returncode == 0, told.stderr
    assert [line for line in told.stdout.splitlines() if line in ("stopping", "stopped")] == ["stopping", "stopped"]
    assert "Traceback" not in told.stdout + told.stderr


def test_an_ignored_ctrl_c_stays_ignored() -> None:
    words = (
        "os.kill(os.getpid(), signal.SIGINT); "
        "reactor.callLater(0.2, lambda: print('went on') or os.kill(os.getpid(), signal.SIGTERM))"
    )
    script = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n" + _PROCESS.format(words=words)
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=150, check=False)
    assert told.returncode == 0, told.stderr
    assert told.stdout.index("went on") < told.stdout.index("stopping")
    assert "Traceback" not in told.stdout + told.stderr
