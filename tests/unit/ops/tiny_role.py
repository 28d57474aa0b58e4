"""A real, tiny process with a health page, for the supervisor's tests.

    python -m tests.unit.ops.tiny_role PORT [MODE] [FILE]

Modes: ok; refuse (exit 2 with one line); crash (exit 1 at once); fork (has a child, whose pid goes
to FILE); stubborn (ignores SIGTERM); slow (stops 0.3 s after SIGTERM); told (the mode is what FILE says);
unready (serves, but never becomes healthy).

With a predecessor it takes over its socket "port", on which every process answers with its pid.
"""

from __future__ import annotations

import http.server
import json
import os
import signal
import socket
import sys
import threading
import time
from pathlib import Path

from ops.runtime.hand_over import HandOver
from ops.runtime.limits import die_with_parent
from ops.runtime.readiness import supervisor_pid


class _Health(http.server.BaseHTTPRequestHandler):
    reasons: tuple[str, ...] = ()

    def do_GET(self) -> None:
        told = {"role": "tiny", "ready": not self.reasons, "reasons": self.reasons, "figures": {"pid": os.getpid()}}
        body = json.dumps(told).encode()
        self.send_response(503 if self.reasons else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Silence."""


def _fork(file: Path) -> None:
    pid = os.fork()
    if pid == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(600)
    file.write_text(str(pid))


def _answer(listener: socket.socket) -> None:
    while True:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(str(os.getpid()).encode())


def _serve_port(hand_over: HandOver, file: Path) -> None:
    """Take the older process's socket over, or listen; its number goes to FILE.port."""
    listener = hand_over.take().get("port")
    if listener is None:
        listener = socket.create_server(("127.0.0.1", 0))
        file.with_suffix(".port").write_text(str(listener.getsockname()[1]))
    hand_over.offer({"port": listener})
    threading.Thread(target=_answer, args=(listener,), daemon=True).start()


def _look(hand_over: HandOver) -> None:
    while True:
        hand_over.look()
        time.sleep(0.02)


def main() -> None:
    port, mode = int(sys.argv[1]), sys.argv[2]
    hand_over = HandOver.from_environment(os.environ)
    if mode == "told":
        mode = Path(sys.argv[3]).read_text()
    parent = supervisor_pid(os.environ)
    if parent is not None and not die_with_parent(parent):
        sys.exit(1)
    if mode == "refuse":
        print("ferrygate: tiny.toml: setting 'x' is missing", file=sys.stderr)
        sys.exit(2)
    if mode == "crash":
        print("Traceback\nKeyError: 'x'", file=sys.stderr)
        sys.exit(1)
    if mode == "fork":
        _fork(Path(sys.argv[3]))
    if mode == "unready":
        _Health.reasons = ("still waiting",)
    if hand_over.is_successor:
        server = http.server.ThreadingHTTPServer(("127.0.0.1", port), _Health, bind_and_activate=False)
        server.socket.close()
        server.socket = socket.socket(fileno=hand_over.health_fd)
        server.socket.setblocking(True)
    else:
        server = http.server.ThreadingHTTPServer(("127.0.0.1", port), _Health)
    if sys.argv[2] == "told":
        _serve_port(hand_over, Path(sys.argv[3]))
        threading.Thread(target=_look, args=(hand_over,), daemon=True).start()
    if mode == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if mode == "slow":
        signal.signal(signal.SIGTERM, lambda *_: threading.Timer(0.3, lambda: os._exit(0)).start())
    server.serve_forever(poll_interval=0.05)


if __name__ == "__main__":
    main()
