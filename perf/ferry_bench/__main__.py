"""``python -m perf.ferry_bench``: figures of the ferry, pydiode beside the diode.  Never a test; run it alone.

python -m perf.ferry_bench                            everything, about a quarter of an hour
python -m perf.ferry_bench --only goodput,media       some of it
python -m perf.ferry_bench --files 100                fewer large files over the diode

The diode's parts need root and nftables (a link of namespaces that loses datagrams); the others need neither.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from perf.ferry_bench import diode
from perf.ferry_bench.link import NoLinkError, lossy_link
from perf.ferry_bench.media import media
from perf.ferry_bench.road import road
from perf.ferry_bench.witnessed_log import witnessed_log
from perf.figures import show

OVER_A_LINK: Final = {
    "goodput": diode.goodput,
    "small": diode.small,
    "peer": diode.peer,
    "large": diode.large,
}
ALONE: Final = {"road": road, "media": media, "log": witnessed_log}
PARTS: Final = (*ALONE, *OVER_A_LINK)
#: Where the peer is installed, once.
_PEERS: Final = Path(".cache") / "pydiode"
_CANNOT: Final = 2


def main() -> int:
    """Run the parts that were asked for; gives the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m perf.ferry_bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", default=",".join(PARTS), help=f"of {','.join(PARTS)}")
    parser.add_argument("--files", type=int, default=1000, help="large files of one run (default 1000)")
    parser.add_argument("--trials", type=int, default=5, help="transfers of each candidate beside the peer (default 5)")
    words = parser.parse_args()
    wanted = words.only.split(",")
    unknown = [name for name in wanted if name not in PARTS]
    if unknown:
        parser.error(f"unknown part: {', '.join(unknown)}")
    show("cores, load average before the run", f"{os.cpu_count()}, {os.getloadavg()[0]:.2f}")
    for name in ALONE:
        if name in wanted:
            ALONE[name]()
    linked = [name for name in wanted if name in OVER_A_LINK]
    return _over_a_link(linked, words.files, words.trials) if linked else 0


def _over_a_link(wanted: Sequence[str], files: int, trials: int) -> int:
    try:
        with TemporaryDirectory(prefix="ferrygate-ferry-") as text, lossy_link(Path(text)) as link:
            plan = diode.Plan(link, files, trials, _PEERS.resolve())
            for name in wanted:
                began = time.monotonic()
                OVER_A_LINK[name](plan)
                print(f"-- {name}: {time.monotonic() - began:.0f} s", flush=True)
    except NoLinkError as error:
        sys.stderr.write(f"ferrygate: {error}\n")
        return _CANNOT
    return 0


if __name__ == "__main__":
    sys.exit(main())
