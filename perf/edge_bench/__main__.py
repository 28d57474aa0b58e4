"""``python -m perf.edge_bench``: our edge and firewall beside nginx, HAProxy and Apache. Never a test; run it alone.

python -m perf.edge_bench                            everything, about ten minutes
python -m perf.edge_bench --only handshakes,waf      some of it
python -m perf.edge_bench --crs PATH                 with another core rule set than Debian's
"""

from __future__ import annotations

import argparse
import contextlib
import os
import resource
import ssl
import subprocess
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from cryptography.hazmat.backends.openssl import backend

from perf.edge_bench import crs, firewall, firewall_alone, hardship, plain
from perf.edge_bench.candidates import Bench
from perf.edge_bench.newer_openssl import find_newer
from perf.edge_bench.pki import CLIENTS, make_pki
from perf.edge_bench.plan import Plan
from perf.edge_bench.processes import LOAD_CORE, program
from perf.edge_bench.targets import row
from perf.edge_bench.wire import client_context

PARTS: Final = {
    "handshakes": plain.handshakes,
    "resumed": plain.resumed,
    "requests": plain.small_requests,
    "uploads": plain.uploads,
    "latency": plain.latency,
    "storm": hardship.storm,
    "revoked": plain.revoked,
    "waf": firewall.honest,
    "worst": firewall.worst,
    "alone": firewall_alone.alone,
    "upgrade": hardship.upgrade,
    "slow": hardship.slow,
    "idle": hardship.idle,
}
_VERSIONS: Final = {"nginx": "-v", "haproxy": "-v", "apache2": "-v"}
_BUSY: Final = 0.5


def main() -> None:
    """Run the parts that were asked for."""
    parser = argparse.ArgumentParser(
        prog="python -m perf.edge_bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", default=",".join(PARTS), help=f"of {','.join(PARTS)}")
    parser.add_argument(
        "--crs", type=Path, default=crs.DEBIAN_TREE, help="tree of the core rule set, ours and ModSecurity's"
    )
    parser.add_argument("--rounds", type=int, default=3, help="turns of each candidate")
    parser.add_argument("--seconds", type=float, default=2.0, help="of one turn")
    words = parser.parse_args()
    wanted = words.only.split(",")
    unknown = [name for name in wanted if name not in PARTS]
    if unknown:
        parser.error(f"unknown part: {', '.join(unknown)}")
    _prepare()
    with TemporaryDirectory(prefix="ferrygate-edge-") as text:
        folder = Path(text)
        folder.chmod(0o755)  # Apache's workers run as another user
        pki = make_pki(folder / "pki")
        newer = find_newer(folder / "newer")
        bench = Bench(folder, pki, words.crs.resolve(), newer[0] if newer else None)
        _say_versions(words.crs, newer[1] if newer else "none found")
        contexts = [client_context(folder / "pki" / "ca.pem", pki.client(number)) for number in range(CLIENTS)]
        plan = Plan(bench, contexts, words.rounds, words.seconds)
        with bench.backends():
            for name in wanted:
                began = time.monotonic()
                PARTS[name](plan)
                print(f"-- {name}: {time.monotonic() - began:.0f} s", flush=True)


def _prepare() -> None:
    """Take the load's core, and as many descriptors as there may be."""
    os.sched_setaffinity(0, {LOAD_CORE % (os.cpu_count() or 1)})
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _say_versions(tree: Path, newer: str) -> None:
    row("cores", f"{os.cpu_count()}; candidates on one, load and backends on the other")
    row("load average before the run", f"{os.getloadavg()[0]:.2f}{' - BUSY' if os.getloadavg()[0] > _BUSY else ''}")
    for name, word in _VERSIONS.items():
        found = program(name)
        if found:
            told = subprocess.run([found, word], capture_output=True, text=True, check=False)
            row(name, (told.stdout + told.stderr).splitlines()[0])
    row("OpenSSL", f"ours {backend.openssl_version_text()}; peers {ssl.OPENSSL_VERSION}; peers, newer {newer}")
    with contextlib.suppress(crs.NoRulesError):
        row("core rule set", crs.version_of(tree))


if __name__ == "__main__":
    main()
