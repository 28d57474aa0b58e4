"""A campaign in this machine's processes: so many mutated requests, each from a seed that repeats it."""

from __future__ import annotations

import functools
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from typing import Final

from dmz.messages import Window
from tests.fuzz.mutations import mutate
from tests.fuzz.oracle import Fault, FrontDoor
from tests.fuzz.seeds import Door, doors, request

#: Inputs of one piece of work; a piece is repeated by its own seed.
PIECE: Final = 20_000
_MUTANTS: Final = 5
_MOST_FAULTS: Final = 20


@dataclass
class Findings:
    """What a campaign has found.

    Attributes:
        inputs: requests examined.
        outcomes: how often each way of ending was met.
        faults: (seed of the piece, number in it, what is wrong, the bytes).
        slowest_s: processor seconds of the most expensive input, all rules checked.
    """

    inputs: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    faults: list[tuple[str, int, str, bytes]] = field(default_factory=list)
    slowest_s: float = 0.0

    def add(self, other: Findings) -> None:
        """Take in another's findings."""
        self.inputs += other.inputs
        self.outcomes += other.outcomes
        self.faults += other.faults
        self.slowest_s = max(self.slowest_s, other.slowest_s)


def inputs(seed: str, count: int, entrances: list[Door]) -> Iterator[tuple[bytes, Window]]:
    """Give mutated requests and the windows they are for; the same for the same seed."""
    chance = random.Random(seed)  # noqa: S311 - reproducible mutations, not secrets
    door, before = entrances[0], request(entrances[0], chance)
    sound = before
    for number in range(count):
        if number % _MUTANTS == 0:
            door, before = chance.choice(entrances), sound
            sound = request(door, chance)
        data = mutate(sound.copy(), chance)
        if chance.random() < 0.15:
            data += mutate(before.copy(), chance)
        yield data, door.window


def run_piece(seed: str, count: int) -> Findings:
    """Examine the inputs of one seed; stops after a number of faults."""
    door, findings = _front_door(), Findings()
    door.outcomes = Counter()
    chance = random.Random(f"{seed} cuts")  # noqa: S311
    for number, (data, window) in enumerate(inputs(seed, count, doors())):
        began = time.process_time()
        try:
            door.examine(data, window, chance)
        except Fault as fault:
            findings.faults.append((seed, number, str(fault), data))
        findings.slowest_s = max(findings.slowest_s, time.process_time() - began)
        findings.inputs += 1
        if len(findings.faults) >= _MOST_FAULTS:
            break
    findings.outcomes = door.outcomes
    return findings


@functools.cache
def _front_door() -> FrontDoor:
    """One per process: compiling the firewall's patterns takes longer than a thousand inputs."""
    return FrontDoor()


def run(seed: int, count: int, processes: int, on_piece: Callable[[Findings], None]) -> Findings:
    """Run a campaign.

    Args:
        seed: of everything.
        count: inputs.
        processes: how many work at a time.
        on_piece: called with what was found so far.
    """
    found = Findings()
    sizes = [min(PIECE, count - at) for at in range(0, count, PIECE)]
    seeds = [f"{seed}-{number}" for number in range(len(sizes))]
    with ProcessPoolExecutor(processes) as pool:
        for part in pool.map(run_piece, seeds, sizes):
            found.add(part)
            on_piece(found)
            if len(found.faults) >= _MOST_FAULTS:
                pool.shutdown(cancel_futures=True)
                break
    return found
