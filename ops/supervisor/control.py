"""The supervisor's control socket: one JSON line asks, one JSON line answers.

    {"command": "status"}                       -> {"ok": true, "processes": [...]}
    {"command": "replace", "name": "worker-1"}  -> {"ok": true}   when the new process is healthy, the old one gone
    {"command": "stop"}                         -> {"ok": true}   and the supervisor begins to stop
    anything else                               -> {"ok": false, "reason": "..."}

The socket lies in a folder of mode 0700 and has mode 0600: who may open it is the operator.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress, IListeningPort
from twisted.internet.protocol import ServerFactory
from twisted.protocols.basic import LineOnlyReceiver
from twisted.python.failure import Failure

from ops.supervisor.supervisor import Supervisor
from wire_formats.errors import HallError

MOST_LINE_BYTES: Final = 4_096
MOST_CONNECTIONS: Final = 8
REPLACE_DEADLINE_S: Final = 60.0
#: Beyond it the old process may still finish what it has begun.
_ENDING_S: Final = 45.0
MOST_ANSWER_BYTES: Final = 1_000_000


class ControlServer:
    """Serves the control socket.

    Args:
        supervisor: what is asked.
        on_stop: called for the command ``stop``.
    """

    def __init__(self, supervisor: Supervisor, on_stop: Callable[[], None]) -> None:
        self._factory = _Factory(supervisor, on_stop)
        self._port: IListeningPort | None = None

    def listen(self, reactor: Any, path: Path) -> None:
        """Start to serve at ``path``; a socket left by a dead supervisor is replaced."""
        path.unlink(missing_ok=True)
        self._port = reactor.listenUNIX(str(path), self._factory, mode=0o600)

    async def stop(self) -> None:
        """Stop serving."""
        if self._port is not None:
            stopped = self._port.stopListening()
            if stopped is not None:
                await stopped


class _Factory(ServerFactory):
    noisy = False

    def __init__(self, supervisor: Supervisor, on_stop: Callable[[], None]) -> None:
        self.supervisor = supervisor
        self.on_stop = on_stop
        self.open = 0

    def buildProtocol(self, addr: IAddress | None) -> _Control | None:
        """Serve one more connection, or close it at once."""
        if self.open >= MOST_CONNECTIONS:
            return None
        self.open += 1
        return _Control(self)


class _Control(LineOnlyReceiver):
    delimiter = b"\n"
    MAX_LENGTH = MOST_LINE_BYTES

    def __init__(self, owner: _Factory) -> None:
        self._owner = owner

    def connectionLost(self, reason: Failure | None = None) -> None:
        self._owner.open -= 1

    def lineReceived(self, line: bytes) -> None:
        Deferred.fromCoroutine(self._answer(line))

    async def _answer(self, line: bytes) -> None:
        try:
            told = await self._do(line)
        except HallError as error:
            told = {"ok": False, "reason": error.private}
        if self.transport is not None:
            self.transport.write(json.dumps(told).encode() + b"\n")
            self.transport.loseConnection()

    async def _do(self, line: bytes) -> dict[str, Any]:
        try:
            asked = json.loads(line)
            command, name = asked["command"], str(asked.get("name", ""))
        except (ValueError, KeyError, TypeError, AttributeError):
            return {"ok": False, "reason": "not a command"}
        supervisor = self._owner.supervisor
        if command == "status":
            return {"ok": True, "processes": supervisor.told()}
        if command == "replace":
            await supervisor.replace(name, deadline_s=REPLACE_DEADLINE_S)
            return {"ok": True}
        if command == "stop":
            self._owner.on_stop()
            return {"ok": True}
        return {"ok": False, "reason": "unknown command"}


def ask(path: Path, asked: dict[str, str], *, deadline_s: float = REPLACE_DEADLINE_S + _ENDING_S) -> dict[str, Any]:
    """Ask a running supervisor (blocking; for the command line).

    Args:
        path: the control socket.
        asked: the command.
        deadline_s: longest wait.

    Raises:
        OSError: nobody listens there, or no answer in time.
        ValueError: the answer is not JSON.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as connection:
        connection.settimeout(deadline_s)
        connection.connect(str(path))
        connection.sendall(json.dumps(asked).encode() + b"\n")
        data = b""
        while len(data) < MOST_ANSWER_BYTES and (part := connection.recv(65_536)):
            data += part
    answer: dict[str, Any] = json.loads(data)
    return answer
