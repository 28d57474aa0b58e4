"""One child process: start, last words, exit, and the end of its whole group.

The child leads its own process group, so Ctrl-C at the terminal reaches only the supervisor, and
whatever the child forked can be ended with it.  It gets SIGTERM from the kernel when the
supervisor is gone (see ``ops.runtime.limits.die_with_parent``).  Its end is seen on a pidfd,
so there is no race with other children and no SIGCHLD handler.

One whose listening sockets may be handed over has a channel; see ``ops.runtime.hand_over``.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFDSet, IReadDescriptor
from twisted.python.failure import Failure
from zope.interface import implementer

from ops.runtime import hand_over

MOST_LAST_WORDS: Final = 4_096
_READ_BYTES: Final = 65_536


@dataclass(frozen=True, slots=True)
class Succession:
    """What a process takes over.

    Attributes:
        predecessor: the older process's channel.
        health: a listening loopback socket for its health page.
    """

    predecessor: socket.socket
    health: socket.socket

    def descriptors(self) -> dict[str, int]:
        """Give the descriptors it gets, by the variables that name them."""
        return {hand_over.PREDECESSOR: self.predecessor.fileno(), hand_over.HEALTH: self.health.fileno()}


class Child:
    """A running child process.

    Args:
        reactor: descriptors.
        command: program and arguments.
        environment: the child's whole environment.
        keep_output: read stdout and stderr and keep the last words; otherwise they are inherited.
        hands_over: give it a channel on which a successor can ask for its sockets.
        succession: what it takes over; None for one that is the first of its name.

    Raises:
        OSError: the program cannot be started.
    """

    def __init__(
        self,
        reactor: IReactorFDSet,
        command: tuple[str, ...],
        environment: Mapping[str, str],
        *,
        keep_output: bool = True,
        hands_over: bool = False,
        succession: Succession | None = None,
    ) -> None:
        with contextlib.ExitStack() as passed:
            descriptors = {} if succession is None else succession.descriptors()
            self._channel: socket.socket | None = None
            if hands_over:
                self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
                self._channel.setblocking(False)
                descriptors[hand_over.OWN] = passed.enter_context(theirs).fileno()
            self._popen = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE if keep_output else None,
                stderr=subprocess.STDOUT if keep_output else None,
                env={
                    **environment,
                    "FERRYGATE_SUPERVISOR_PID": str(os.getpid()),
                    **{name: str(descriptor) for name, descriptor in descriptors.items()},
                },
                process_group=0,
                pass_fds=tuple(descriptors.values()),
            )
        self.pid = self._popen.pid
        #: Where its health is asked now; 0: nowhere.
        self.health_port = 0
        self.exit_code: int | None = None
        self.ended: Deferred[int] = Deferred()
        self._output = _LastWords(reactor, self._popen.stdout.fileno()) if self._popen.stdout else None
        self._end = _EndWatch(reactor, os.pidfd_open(self.pid), self._ended)

    def last_words(self) -> str:
        """Give the last non-empty line the child wrote."""
        return self._output.last_line() if self._output is not None else ""

    @property
    def channel(self) -> socket.socket | None:
        """Our end of the channel on which its successor may ask; None: it does not hand over."""
        return self._channel

    def leave_to_successor(self) -> None:
        """Tell it that its successor serves; ``terminate`` then ends it without closing what both hold."""
        if self._channel is not None:
            with contextlib.suppress(OSError):
                self._channel.send(hand_over.LEAVE)

    def terminate(self) -> None:
        """Ask the child to stop cleanly."""
        if self.exit_code is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGTERM)

    def kill(self) -> None:
        """End the child and everything it forked, at once."""
        if self.exit_code is None:
            self._kill_group()

    def _kill_group(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)

    def _ended(self) -> None:
        # The child is not reaped yet, so its group id cannot have been given to anyone else.
        self._kill_group()
        self.exit_code = self._popen.wait()
        if self._channel is not None:
            self._channel.close()
        if self._output is not None:
            self._output.finish()
            assert self._popen.stdout is not None
            self._popen.stdout.close()
        self.ended.callback(self.exit_code)


@implementer(IReadDescriptor)
class _EndWatch:
    """A pidfd in the reactor: readable when the process has ended."""

    def __init__(self, reactor: IReactorFDSet, fd: int, on_end: object) -> None:
        self._reactor = reactor
        self._fd = fd
        self._on_end = on_end
        reactor.addReader(self)

    def fileno(self) -> int:
        """Give the pidfd."""
        return self._fd

    def logPrefix(self) -> str:
        """Name this reader in Twisted's own messages."""
        return "child_end"

    def connectionLost(self, reason: Failure) -> None:
        """Nothing is lost: the descriptor is ours."""

    def doRead(self) -> None:
        """The process has ended."""
        self._reactor.removeReader(self)
        os.close(self._fd)
        assert callable(self._on_end)
        self._on_end()


@implementer(IReadDescriptor)
class _LastWords:
    """Reads a child's output and keeps its last part."""

    def __init__(self, reactor: IReactorFDSet, fd: int) -> None:
        self._reactor = reactor
        self._fd = fd
        self._kept = b""
        self._open = True
        os.set_blocking(fd, False)
        reactor.addReader(self)

    def fileno(self) -> int:
        """Give the pipe's descriptor."""
        return self._fd

    def logPrefix(self) -> str:
        """Name this reader in Twisted's own messages."""
        return "child_output"

    def connectionLost(self, reason: Failure) -> None:
        """Nothing is lost: the descriptor is ours."""

    def doRead(self) -> None:
        """Take what the child wrote; at its end stop reading."""
        try:
            data = os.read(self._fd, _READ_BYTES)
        except BlockingIOError:
            return
        self._kept = (self._kept + data)[-MOST_LAST_WORDS:]
        if not data:
            self._stop()

    def finish(self) -> None:
        """Take the rest that is there now, then stop reading."""
        while self._open:
            try:
                data = os.read(self._fd, _READ_BYTES)
            except BlockingIOError:
                break
            self._kept = (self._kept + data)[-MOST_LAST_WORDS:]
            if not data:
                break
        self._stop()

    def last_line(self) -> str:
        """Give the last non-empty line."""
        lines = [line.strip() for line in self._kept.decode("utf-8", "replace").splitlines() if line.strip()]
        return lines[-1] if lines else ""

    def _stop(self) -> None:
        if self._open:
            self._open = False
            self._reactor.removeReader(self)
