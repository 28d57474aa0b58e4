"""``python -m perf.edge_bench.storm PORT PKI WIDTH SECONDS``: full handshakes, so many at a time; part of the bench.

Prints one line when the storm blows, and at its end how many handshakes a second it was.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

from perf.edge_bench.pki import CLIENTS
from perf.edge_bench.wire import Client, Handshakes, Loop, client_context

#: Requests that are being timed go first.
_GIVES_WAY: Final = 15
_BEFORE_S: Final = 1.0


def main() -> None:
    """Blow."""
    port, width, seconds = int(sys.argv[1]), int(sys.argv[3]), float(sys.argv[4])
    folder = Path(sys.argv[2])
    os.nice(_GIVES_WAY)
    clients: list[Client] = [
        (client_context(folder / "ca.pem", folder / f"client-{number}.pem"), None) for number in range(CLIENTS)
    ]
    loop = Loop()
    storm = Handshakes(loop, port, clients, width=width)
    loop.run(_BEFORE_S)
    print("blows", flush=True)
    before = storm.count
    took = loop.run(seconds)
    print((storm.count - before) / took, flush=True)
    storm.going = False
    loop.close()


if __name__ == "__main__":
    main()
