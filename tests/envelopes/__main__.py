"""``python -m tests.envelopes``: a campaign of changed envelopes, bounded by a count; ends with 1 if it finds a fault.

python -m tests.envelopes                          a million, a fresh seed
python -m tests.envelopes --count 10000000         as many as that
python -m tests.envelopes --seed 7 --processes 2   the same changes again, in two processes
"""

from __future__ import annotations

import argparse
import secrets
import sys
import time

from tests.envelopes import campaign
from tests.envelopes.doors import Keys, doors


def main() -> int:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.envelopes", description=__doc__)
    parser.add_argument("--count", type=int, default=1_000_000, help="changed envelopes")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1 << 32), help="of everything; drawn if left out")
    parser.add_argument("--processes", type=int, default=1)
    words = parser.parse_args()
    began = shown = time.monotonic()

    def progress(found: campaign.Findings) -> None:
        nonlocal shown
        if time.monotonic() - shown > 10:
            shown = time.monotonic()
            rate = found.inputs / (shown - began)
            print(f"{found.inputs:>12,} changed  {rate:>7,.0f}/s  {len(found.faults)} findings", flush=True)

    print(f"seed {words.seed}", flush=True)
    found = campaign.run(words.seed, words.count, words.processes, progress)
    took = time.monotonic() - began
    for (door, outcome), count in sorted(found.outcomes.items()):
        print(f"{count:>12,}  {door}: {outcome}")
    for part in {part for door in doors(Keys()) for part in door.unsigned}:
        print(f"nobody signs {part.name}: {part.why}")
    print(f"{found.asked:,} came as far as a signature, tag or seal; {found.same:,} were not changed in the end")
    print(f"slowest: {found.slowest_s[0] * 1000:.1f} ms of processor time ({found.slowest_s[1]})")
    print(
        f"{found.inputs:,} changed envelopes in {took:.0f} s, {found.inputs / took:,.0f}/s, {len(found.faults)} findings"
    )
    for seed, door, words_of_fault, data in found.faults:
        print(f"\nFINDING seed {seed} door {door}: {words_of_fault}\n{data.hex()}")
    return 1 if found.faults else 0


if __name__ == "__main__":
    sys.exit(main())
