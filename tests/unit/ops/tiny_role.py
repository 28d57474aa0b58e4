"""A real, tiny process with a health page, for the supervisor's tests.

    python -m tests.unit.ops.tiny_role PORT [MODE] [FILE]

Modes: ok; refuse (exit 2 with one line); crash (exit 1 at once); fork (has a child, whose pid goes
to FILE); stubborn (ignores SIGTERM); slow (stops 0.3 s after SIGTERM).
"""

from __future__ import annotations

import http.server
import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

from ops.runtime.limits import die_with_parent
from ops.runtime.readiness import supervisor_pid


class _Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = json.dumps({"role": "tiny", "ready": True, "reasons": [], "figures": {"pid": os.getpid()}}).encode()
        self.send_response(200)
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


def main() -> None:
    port, mode = int(sys.argv[1]), sys.argv[2]
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
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), _Health)
    if mode == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if mode == "slow":
        signal.signal(signal.SIGTERM, lambda *_: threading.Timer(0.3, lambda: os._exit(0)).start())
    server.serve_forever(poll_interval=0.05)


if __name__ == "__main__":
    main()
