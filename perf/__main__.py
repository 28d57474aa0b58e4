"""``python -m perf``: figures of this machine.  Never a test; run it alone.

python -m perf                          everything, on a fresh installation in a temporary folder
python -m perf --root var               everything, on the installation that runs there
python -m perf --only latency,workbook  some of it
"""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()

import argparse  # noqa: E402 - gevent comes before everything that opens sockets
import os  # noqa: E402
from pathlib import Path  # noqa: E402

from perf import inside, measures, overload, upgrade  # noqa: E402
from perf.figures import show  # noqa: E402
from perf.hall import running  # noqa: E402

MEASURES = {
    "memory": inside.memory,
    "latency": measures.latency,
    "throughput": measures.throughput,
    "workbook": measures.workbook,
    "fairness": measures.fairness,
    "logins": measures.logins,
    "hops": inside.hops,
    "upgrade": upgrade.upgrade,
    "overload": overload.overload,
}


def main() -> None:
    """Run the measurements that were asked for."""
    parser = argparse.ArgumentParser(prog="python -m perf", description=__doc__)
    parser.add_argument("--root", type=Path, help="a running installation; without it a fresh one is made")
    parser.add_argument("--only", default=",".join(MEASURES), help=f"of {','.join(MEASURES)}")
    words = parser.parse_args()
    wanted = words.only.split(",")
    unknown = [name for name in wanted if name not in MEASURES]
    if unknown:
        parser.error(f"unknown measurement: {', '.join(unknown)}")
    show("cores", str(os.cpu_count()))
    with running(words.root.resolve() if words.root else None) as hall:
        for name in wanted:
            MEASURES[name](hall)


if __name__ == "__main__":
    main()
