"""``python -m tests.fuzz``: a campaign against the front door, bounded by a count; ends with 1 if it finds a fault.

python -m tests.fuzz                            a million inputs, a fresh seed
python -m tests.fuzz --count 10000000           as many as that
python -m tests.fuzz --seed 7 --processes 2     the same inputs again, in two processes
python -m tests.fuzz --sockets 5000             afterwards as many at a real edge over TLS
"""

from __future__ import annotations

import argparse
import secrets
import sys
import time

from tests.fuzz import campaign
from tests.fuzz.sockets import SocketCampaign, running_edge


def main() -> int:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--count", type=int, default=1_000_000, help="inputs in this process")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1 << 32), help="of everything; drawn if left out")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--sockets", type=int, default=1_000, help="inputs at a real edge")
    words = parser.parse_args()
    began = time.monotonic()

    def progress(found: campaign.Findings) -> None:
        rate = found.inputs / (time.monotonic() - began)
        print(f"{found.inputs:>12,} inputs  {rate:>7,.0f}/s  {len(found.faults)} faults", flush=True)

    print(f"seed {words.seed}", flush=True)
    found = campaign.run(words.seed, words.count, words.processes, progress)
    if words.sockets:
        with running_edge() as bench:
            at_edge = SocketCampaign(bench).run(f"{words.seed}-sockets", words.sockets)
        print(f"{at_edge.inputs:>12,} inputs at a real edge  {len(at_edge.faults)} faults")
        found.add(at_edge)
    for name, count in found.outcomes.most_common():
        print(f"{count:>12,}  {name}")
    print(f"slowest input: {found.slowest_s * 1000:.1f} ms of processor time, all checks together")
    for seed, number, words_of_fault, data in found.faults:
        print(f"\nFAULT seed {seed} number {number}: {words_of_fault}\n{data!r}")
    return 1 if found.faults else 0


if __name__ == "__main__":
    sys.exit(main())
