"""The inspector's own loop: one mover at a time, one question after the other, no reactor, no threads.

It ends when it is told to; the kernel ends it when one question takes more than ten seconds (``alarm``), and whoever
keeps it alive starts another.  Its memory is bounded before the first question.
"""

from __future__ import annotations

import resource
import signal
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NoReturn

from twisted.logger import Logger

from ferry.inspection import Inspector
from ferry.inspector.frames import Answer, FrameReader, NotScanned, Verdict, encode_answer, parse_question
from ferry.inspector.port import look
from ferry.inspector.scanning import Scanner
from wire_formats.errors import PeerError

#: Longest work on one question, in seconds; then the kernel ends the process.
QUESTION_S: Final = 10
MEMORY_BYTES: Final = 1 << 30
_PORTION: Final = 1 << 16
_BACKLOG: Final = 4
#: Of the socket; its folder is closed to everybody but inspector and mover.
_MODE: Final = 0o660


class InspectorServer:
    """Answers a mover's questions.

    Args:
        inspector: the rules and the key.
        path: where the socket lies.
        scanner: asks clamd; None for no scanner.
    """

    log = Logger()

    def __init__(self, inspector: Inspector, path: Path, *, scanner: Scanner | None = None) -> None:
        self._inspector = inspector
        self._scanner = scanner
        self._path = path
        self._listener: socket.socket | None = None
        self._not_scanned = ""

    def listen(self) -> None:
        """Make the socket; one that was left behind is replaced.

        Raises:
            OSError: it cannot be made.
        """
        self._path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        self._listener.bind(str(self._path))
        self._path.chmod(_MODE)
        self._listener.listen(_BACKLOG)

    def serve(self) -> NoReturn:
        """Serve movers one after the other, until something is raised (a signal's handler may)."""
        assert self._listener is not None
        bound_memory()
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        while True:
            connection, _ = self._listener.accept()
            with connection:
                self._converse(connection)

    def close(self) -> None:
        """Take the socket away."""
        if self._listener is not None:
            self._listener.close()
        self._path.unlink(missing_ok=True)

    def _converse(self, connection: socket.socket) -> None:
        reader = FrameReader()
        try:
            while portion := connection.recv(_PORTION):
                for content in reader.feed(portion):
                    connection.sendall(self._answer(content))
        except PeerError as error:
            self.log.warn("question_refused", reason=error.private)
        except OSError as error:
            self.log.warn("mover_lost", reason=str(error.strerror))

    def _answer(self, content: bytes) -> bytes:
        signal.alarm(QUESTION_S)
        try:
            question = parse_question(content)
            found = look(self._inspector, self._scanner, question.items, now_ms=question.now_ms)
            self._tell(found)
            return encode_answer(Answer(question.ticket, found))
        finally:
            signal.alarm(0)

    def _tell(self, found: Sequence[Verdict] | NotScanned) -> None:
        """Tell once that nothing is scanned, and once that it is again."""
        reason = found.reason if isinstance(found, NotScanned) else ""
        if reason != self._not_scanned:
            if reason:
                self.log.error("not_scanned", reason=reason)
            else:
                self.log.info("scanned_again")
            self._not_scanned = reason


def bound_memory() -> None:
    """Have the kernel refuse more memory, beyond what is there now, than an inspection can need."""
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    now = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    limit = now + MEMORY_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))
