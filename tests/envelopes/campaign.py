"""A campaign in this machine's processes: so many changed envelopes, each from a seed that repeats it.

A finding is: an envelope that was changed and is let in, unless the change touches nothing but a part that nobody signed
(``doors.Unsigned``, counted by name); any other exception than PeerError.

Key material and signatures differ from run to run, so a seed repeats the kind of a change and its place, and a finding
keeps its bytes.
"""

from __future__ import annotations

import functools
import itertools
import random
import time
from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from typing import Final

from tests.envelopes.doors import Door, Keys, doors, hostile
from tests.envelopes.mutations import Envelope, cuts, flips, mutate
from wire_formats.errors import Kind, PeerError

#: Changes of one piece of work; a piece is repeated by its own seed.
PIECE: Final = 50_000
_MOST_FINDINGS: Final = 20
#: What only a signature, a tag or a seal that was computed can say.
ASKED: Final = frozenset(
    {"signature does not verify", "seal does not open", "tag of a datagram", "one operator signed twice"}
)
#: What is said only after a signature held.
_AFTER: Final = frozenset({Kind.WRONG_LANE, Kind.REPLAYED, Kind.FROM_THE_FUTURE, Kind.DIGEST_MISMATCH})


@dataclass
class Findings:
    """What a campaign has found.

    Attributes:
        inputs: changed envelopes.
        outcomes: by door, how often each way of ending was met.
        asked: how many came as far as a signature, tag or seal that was computed.
        same: how often a change gave the envelope itself, or another good one.
        faults: (seed of the piece, door, what is wrong, the bytes).
        slowest_s: processor seconds of the most expensive one, and its door.
    """

    inputs: int = 0
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    asked: int = 0
    same: int = 0
    faults: list[tuple[str, str, str, bytes]] = field(default_factory=list)
    slowest_s: tuple[float, str] = (0.0, "")

    def add(self, other: Findings) -> None:
        """Take in another's findings."""
        self.inputs += other.inputs
        self.outcomes += other.outcomes
        self.asked += other.asked
        self.same += other.same
        self.faults += other.faults
        self.slowest_s = max(self.slowest_s, other.slowest_s)


class Range:
    """All doors, their good envelopes, and the judge.

    Args:
        given: the doors.
        strangers: envelopes that no door lets in.
    """

    def __init__(self, given: tuple[Door, ...], strangers: tuple[bytes, ...] = ()) -> None:
        self.doors = {door.name: door for door in given}
        self.good = {door.name: frozenset(door.good) for door in given}
        self.values: dict[str, frozenset[Hashable]] = {
            door.name: frozenset(door.look(data) for data in door.good) for door in given
        }
        self.envelopes = [Envelope(door.name, data, door.lines) for door in given for data in door.good]
        self.strangers = [Envelope("", data) for data in strangers]
        parted = [each for each in (*self.envelopes, *self.strangers) if each.byte_strings and not each.lines]
        lined = [each for each in self.envelopes if each.lines]
        self._donors = {False: parted, True: lined}

    def change(self, chance: random.Random) -> tuple[str, bytes]:
        """Give a changed envelope and the door it is for."""
        one = chance.choice(self.envelopes)
        if self.strangers and chance.random() < 0.05:
            stranger = chance.choice(self.strangers)
            return one.door, mutate(stranger, self._donors[False], chance) if chance.random() < 0.5 else stranger.data
        if chance.random() < 0.02:
            return one.door, chance.choice(self.envelopes).data  # of another kind, as it is
        return one.door, mutate(one, self._donors[one.lines], chance)

    def examine(self, name: str, data: bytes, found: Findings, seed: str) -> None:
        """Bring an envelope to a door, and judge what comes of it."""
        door = self.doors[name]
        began = time.process_time()
        try:
            value = door.look(data)
        except PeerError as error:
            outcome = error.kind.name.lower()
            found.asked += error.private in ASKED or error.kind in _AFTER
        except Exception as error:  # noqa: BLE001 - that is what is looked for
            outcome = "FAULT"
            found.faults.append((seed, name, f"{type(error).__name__}: {error}", data))
        else:
            outcome = self._accepted(door, data, value, found, seed)
        found.slowest_s = max(found.slowest_s, (time.process_time() - began, name))
        found.outcomes[name, outcome] += 1
        found.inputs += 1

    def _accepted(self, door: Door, data: bytes, value: Hashable, found: Findings, seed: str) -> str:
        found.asked += 1
        if data in self.good[door.name]:
            found.same += 1
            return "not changed"
        for part in door.unsigned:
            if part.applies(value, self.values[door.name]):
                return f"unsigned: {part.name}"
        found.faults.append((seed, door.name, f"accepted: {value!r}", data))
        return "FAULT"


@functools.cache
def whole_range() -> Range:
    """One per process: its keys, doors and envelopes."""
    keys = Keys()
    return Range(doors(keys), hostile(keys))


def sweep(number: int, parts: int, *, stride: int = 1, given: Range | None = None) -> Findings:
    """Flip every bit and cut at every place of every envelope; one of several parts of that.

    Args:
        number: which part.
        parts: how many there are.
        stride: examine every n-th change only.
        given: the doors; all of them if left out.
    """
    at, found = given or whole_range(), Findings()
    changes = ((each.door, data) for each in at.envelopes for data in (*flips(each.data), *cuts(each.data)))
    for place, (door, data) in enumerate(changes):
        if place % (parts * stride) == number * stride:
            at.examine(door, data, found, f"sweep {number}")
    return found


def run_piece(seed: str, count: int, given: Range | None = None) -> Findings:
    """Examine the changes of one seed; stops after a number of findings."""
    at, found = given or whole_range(), Findings()
    chance = random.Random(seed)  # noqa: S311 - reproducible mutations, not secrets
    for _ in range(count):
        door, data = at.change(chance)
        at.examine(door, data, found, seed)
        if len(found.faults) >= _MOST_FINDINGS:
            break
    return found


def run(seed: int, count: int, processes: int, on_piece: Callable[[Findings], None]) -> Findings:
    """Run a campaign: first every bit and every cut of every envelope, then changes by chance.

    Args:
        seed: of what is left to chance.
        count: changed envelopes in all.
        processes: how many work at a time.
        on_piece: called with what was found so far.
    """
    found = Findings()
    with ProcessPoolExecutor(processes) as pool:
        for part in itertools.chain(pool.map(sweep, range(8), [8] * 8), _by_chance(pool, seed, count, found)):
            found.add(part)
            on_piece(found)
            if len(found.faults) >= _MOST_FINDINGS:
                pool.shutdown(cancel_futures=True)
                break
    return found


def _by_chance(pool: ProcessPoolExecutor, seed: int, count: int, found: Findings) -> Iterator[Findings]:
    left = max(0, count - found.inputs)
    sizes = [min(PIECE, left - at) for at in range(0, left, PIECE)]
    yield from pool.map(run_piece, [f"{seed}-{number}" for number in range(len(sizes))], sizes)
