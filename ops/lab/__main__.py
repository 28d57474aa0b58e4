"""`python -m ops.lab`: proof of the gap, as `make lab` runs it; ``--help`` shows its words.

Exit code 0 when everything holds and every planted leak was seen, 1 otherwise, 2 when no laboratory can be built here.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from ops.cli import installation
from ops.cli.table import render
from ops.cli.words import Words
from ops.lab.machine import join_halves
from ops.lab.netns import LabError, Network, missing_tools
from ops.lab.plan import DIODE, FRONT_DOOR
from ops.lab.proof import Finding, Laboratory

DIRECTORY: Final = "directory"
_MAKE_S: Final = 240


def main(arguments: list[str]) -> int:
    """Build a laboratory for each transport, look, print what was found."""
    words = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _told_to_stop)
    if os.geteuid() != 0:
        return _cannot("a laboratory makes network namespaces and runs every zone as its own user: run it as root")
    if missing := missing_tools():
        return _cannot(f"not installed: {', '.join(missing)}; apt-get install iproute2 nftables util-linux mount")
    found: list[Finding] = []
    for transport in (DIRECTORY, DIODE) if words.transport == "both" else (words.transport,):
        print(f"{transport}:", flush=True)
        folder = Path(tempfile.mkdtemp(prefix="ferrygate-lab-"))
        folder.chmod(0o755)
        try:
            some = prove(folder, transport, lost_per_1000=words.loss)
        except LabError as error:
            return _cannot(f"{error}; what the roles said is in {folder}")
        except (KeyboardInterrupt, SystemExit):
            shutil.rmtree(folder)
            raise
        print(render(("", "what", "seen"), [("ok" if one.holds else "FAILS", one.what, one.told) for one in some]))
        found += some
        if words.keep or not all(one.holds for one in some):
            print(f"kept: {folder}", flush=True)
        else:
            shutil.rmtree(folder)
    return 0 if all(one.holds for one in found) else 1


def prove(folder: Path, transport: str, *, lost_per_1000: int) -> list[Finding]:
    """Make an installation and prove its gap.

    Args:
        folder: an empty folder that everybody may pass through.
        transport: DIRECTORY or DIODE.
        lost_per_1000: datagrams of a thousand that the one-way links lose.

    Raises:
        LabError: the laboratory could not be built, or a role did not start.
    """
    root = folder / "var"
    _tell("an installation of its own")
    environment = {
        **os.environ, "CITY_UNITS": "20", "FERRYGATE_WORKERS": "2", "FERRYGATE_EDGES": "1",
        "FERRYGATE_HOSTS": f"{FRONT_DOOR} localhost", "FERRYGATE_PORT_BASE": "20000",
        "FERRYGATE_TRANSPORT": transport,
    }  # fmt: skip
    made = subprocess.run(
        [sys.executable, "-m", "ops.provision", str(root)], env=environment, capture_output=True, text=True,
        check=False, timeout=_MAKE_S,
    )  # fmt: skip
    if made.returncode:
        raise LabError(f"no installation: {made.stderr.strip()[-300:]}")
    layout, found = installation.load(root)
    join_halves(layout, found)
    network = Network(str(os.getpid()))
    laboratory = Laboratory(network, layout, found, folder, lost_per_1000=lost_per_1000, tell=_tell)
    return list(laboratory.run())


def _parser() -> argparse.ArgumentParser:
    parser = Words(prog="python -m ops.lab", description="Run the system in network namespaces and prove the gap.")
    ways = ("both", DIRECTORY, DIODE)
    parser.add_argument("--transport", choices=ways, default="both", help="how the halves are joined (default: both)")
    parser.add_argument(
        "--loss", metavar="N", type=int, default=10, choices=range(400), help="lost datagrams of 1000 (default: 10)"
    )
    parser.add_argument("--keep", action="store_true", help="keep installation and logs")
    return parser


def _tell(words: str) -> None:
    print(f"  {words} ...", flush=True)


def _told_to_stop(number: int, _frame: object) -> None:
    """Leave as by Ctrl-C: machines, processes and folder are taken down on the way."""
    raise SystemExit(128 + number)


def _cannot(why: str) -> int:
    print(f"ferrygate: {why}", file=sys.stderr, flush=True)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
