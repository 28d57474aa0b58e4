"""``python -m perf.ferry_bench``: figures of the ferry.  Never a test; run it alone.

python -m perf.ferry_bench                  everything
python -m perf.ferry_bench --only media     some of it
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from typing import Final

from perf.ferry_bench.media import media
from perf.ferry_bench.witnessed_log import witnessed_log
from perf.figures import show

PARTS: Final[dict[str, Callable[[], None]]] = {"media": media, "log": witnessed_log}


def main() -> None:
    """Run the parts that were asked for."""
    parser = argparse.ArgumentParser(
        prog="python -m perf.ferry_bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", default=",".join(PARTS), help=f"of {','.join(PARTS)}")
    wanted = parser.parse_args().only.split(",")
    unknown = [name for name in wanted if name not in PARTS]
    if unknown:
        parser.error(f"unknown part: {', '.join(unknown)}")
    show("cores", f"{os.cpu_count()}; load average before the run {os.getloadavg()[0]:.2f}")
    for name in wanted:
        PARTS[name]()


if __name__ == "__main__":
    main()
