"""A supervisor of tiny roles in a process of its own, to be killed: python -m tests.unit.ops.supervise PORT..."""

from __future__ import annotations

import os
import sys

from twisted.internet.defer import Deferred

from ops.runtime.clock import SystemClock
from ops.supervisor.process_table import ProcessSpec, ProcessTable
from ops.supervisor.supervisor import Supervisor
from tests.support.real_reactor import reactor


def main() -> None:
    table = ProcessTable(
        ProcessSpec(
            name=f"tiny-{port}",
            command=(sys.executable, "-m", "tests.unit.ops.tiny_role", port, "ok"),
            metrics_port=int(port),
        )
        for port in sys.argv[1:]
    )
    supervisor = Supervisor(reactor, SystemClock(), table, environment=os.environ)

    async def start() -> None:
        await supervisor.start(deadline_s=20)
        print(*(entry.pid for entry in table.entries()), flush=True)

    reactor.callWhenRunning(lambda: Deferred.fromCoroutine(start()))
    reactor.addSystemEventTrigger("before", "shutdown", lambda: Deferred.fromCoroutine(supervisor.stop()))
    reactor.run()


if __name__ == "__main__":
    main()
