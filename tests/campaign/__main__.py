"""A campaign: feeds transactions, kills processes in the middle of anything, and judges at the end.

    python -m tests.campaign --root FOLDER --kills 1000 --requests 1000000 [--minutes 60]

The folder keeps everything; the same command goes on where it ended, and its figures add up.  A campaign that is cut
short by ``--minutes`` is judged as far as it came.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import select
import signal
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.campaign import logs, roles
from tests.campaign import material as materials
from tests.campaign.ledger import Ledger
from tests.campaign.material import Material
from tests.simulation.users import FIRST_WAGE
from wire_formats.answer import AnswerStatus

_SHOW_EVERY_S = 10.0
_SETTLED_WITHIN_S = 600.0
#: A checkpoint that was refused is shown again after a minute.
_COSIGNED_WITHIN_S = 90.0
#: Blocks that the worker is given at once.
_AHEAD = 4


class Child:
    """One process and its pipes."""

    def __init__(self, role: str, material: Material) -> None:
        self.role = role
        self._material = material
        self.pid = 0
        self.feed = self.told = -1
        self.rest = b""
        self.start()

    def start(self) -> None:
        """Fork it."""
        feed_read, feed_write = os.pipe()
        told_read, told_write = os.pipe()
        parent = os.getpid()
        self.pid = os.fork()
        if self.pid == 0:
            code = 1
            try:
                os.close(feed_write)
                os.close(told_read)
                roles.run(self.role, self._material, feed_read, told_write, parent)
                code = 0
            finally:
                os._exit(code)
        os.close(feed_read)
        os.close(told_write)
        self.feed, self.told, self.rest = feed_write, told_read, b""

    def end(self, number: int) -> int:
        """End it with a signal, and wait; gives how it ended."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)
        try:
            _, status = os.waitpid(self.pid, 0)
        except ChildProcessError:  # somebody else in this process has waited for it
            status = 0
        os.close(self.feed)
        os.close(self.told)
        return status

    def lives(self) -> bool:
        """Whether it runs still."""
        try:
            return os.waitpid(self.pid, os.WNOHANG)[0] == 0
        except ChildProcessError:
            return False


class Campaign:
    """See the module.

    Args:
        root: the campaign's folder.
        requests: transactions in all.
        kills: how many processes are killed in all.
        chance: whom, and when.
    """

    def __init__(self, root: Path, requests: int, kills: int, chance: random.Random) -> None:
        self.material = materials.read(root)
        self.ledger = Ledger(root, requests)
        self.kills = kills
        self.chance = chance
        self.children = {role: Child(role, self.material) for role in roles.ROLES}
        self.began = time.monotonic()
        self.told_before = self.ledger.told
        self.problems: list[str] = []

    @property
    def killed(self) -> int:
        """Kills so far, earlier runs included."""
        return int(self.ledger.figures.get("kills", 0))

    def run(self, until: float) -> None:
        """Feed and kill until everything is told, or time is up."""
        shown = next_kill = time.monotonic()
        while self.ledger.told < self.ledger.requests and time.monotonic() < until and not self.problems:
            self._feed()
            now = time.monotonic()
            if now >= next_kill:
                due = self.kills * self.ledger.told // self.ledger.requests
                if self.killed < min(self.kills, due + 1):
                    self._kill()
                next_kill = now + self.chance.uniform(0.05, 1.0)
            if now - shown >= _SHOW_EVERY_S:
                shown = now
                self._look()
                self.show()
        while self.killed < self.kills and self.ledger.told == self.ledger.requests and time.monotonic() < until:
            self._kill()  # everything is told, and part of it still on its way
            time.sleep(self.chance.uniform(0.05, 1.0))

    def settle(self) -> int:
        """Wait until everything told is answered; gives how many are not."""
        end = time.monotonic() + _SETTLED_WITHIN_S
        while (left := self._unanswered()) and time.monotonic() < end and not self.problems:
            self._read(0.5)
            self._look()
            print(f"{left} without an answer", flush=True)
            time.sleep(2)
        return left

    def settle_logs(self) -> None:
        """Wait until both logs are cosigned to their ends."""
        end = time.monotonic() + _COSIGNED_WITHIN_S
        while not logs.cosigned(self.material.root) and time.monotonic() < end and not self.problems:
            self._look()
            time.sleep(1)

    def stop(self) -> None:
        """End all processes."""
        for child in self.children.values():
            child.end(signal.SIGKILL)
        self.ledger.count("seconds", time.monotonic() - self.began)
        self.ledger.save()

    def show(self) -> None:
        """One line of progress."""
        took = time.monotonic() - self.began
        rate = (self.ledger.told - self.told_before) / took
        print(
            f"{took:6.0f} s: {self.ledger.told} of {self.ledger.requests} told ({rate:.0f}/s),"
            f" {self.killed} of {self.kills} kills",
            flush=True,
        )
        self.ledger.save()

    def _feed(self) -> None:
        worker = self.children["worker"]
        while self.ledger.outstanding < _AHEAD and (block := self.ledger.take()) is not None:
            with contextlib.suppress(BrokenPipeError):
                os.write(worker.feed, b"%d %d\n" % block)
        self._read(0.02)

    def _read(self, wait_s: float) -> None:
        worker = self.children["worker"]
        if not select.select([worker.told], [], [], wait_s)[0]:
            return
        *lines, worker.rest = (worker.rest + os.read(worker.told, 65_536)).split(b"\n")
        for line in lines:
            _, first, count = line.split()
            self.ledger.was_told(int(first), int(count))

    def _kill(self) -> None:
        role = self.chance.choice(roles.ROLES)
        child = self.children[role]
        if role == "worker":
            with contextlib.suppress(ValueError):
                self._read(0)
        status = child.end(signal.SIGKILL)
        if not os.WIFSIGNALED(status) or os.WTERMSIG(status) != signal.SIGKILL:
            self.problems.append(f"{role} had ended by itself: {status}")
        if role == "worker":
            self.ledger.worker_died()
        self.ledger.count("kills")
        self.ledger.count(f"kills {role}")
        child.start()

    def _look(self) -> None:
        for role, child in self.children.items():
            if not child.lives():
                self.problems.append(f"{role} ended by itself; see {self.material.root}/{role}.log")

    def _unanswered(self) -> int:
        with _reading(self.material.root / "exchange.sqlite") as database:
            found = database.execute("SELECT count(*) FROM request_out WHERE state != 'answered'").fetchone()
        return int(found[0])


def judge(root: Path, ledger: Ledger) -> tuple[Counter[str], list[str]]:
    """Hold what users were told against what took effect."""
    told = ledger.numbers_told()
    figures: Counter[str] = Counter(told=told.count(1))
    done = bytearray(len(told))
    with _reading(root / "core.sqlite") as database:
        for (wage,) in database.execute("SELECT wage FROM sim_effect"):
            figures["effects"] += 1
            figures["twice"] += done[wage - FIRST_WAGE] > 0
            done[wage - FIRST_WAGE] = 1
    figures["lost"] = sum(1 for number in range(len(told)) if told[number] and not done[number])
    figures["untold but done"] = sum(1 for number in range(len(told)) if done[number] and not told[number])
    accepted = (AnswerStatus.ACCEPTED.value, AnswerStatus.DONE.value)
    with _reading(root / "exchange.sqlite") as database:
        for status, count in database.execute("SELECT status, count(*) FROM result_in GROUP BY status"):
            figures["answered" if status in accepted else f"answered {AnswerStatus(status).name}"] += count
        figures["unanswered"] = database.execute(
            "SELECT count(*) FROM request_out WHERE state != 'answered'"
        ).fetchone()[0]
    wrong = [what for what in ("lost", "twice", "unanswered") if figures[what]]
    wrong += [what for what in figures if what.startswith("answered ")]
    return figures, wrong


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    database = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)
    try:
        yield database
    finally:
        database.close()


def main() -> int:
    """Run a campaign; gives 0 when nothing was lost and nothing done twice."""
    parser = argparse.ArgumentParser(prog="tests.campaign", description="kill -9 on real processes, at full size")
    parser.add_argument("--root", type=Path, required=True, help="the campaign's folder; the same one goes on")
    parser.add_argument("--kills", type=int, default=1_000)
    parser.add_argument("--requests", type=int, default=1_000_000)
    parser.add_argument("--minutes", type=float, default=600.0, help="stop feeding after this time")
    parser.add_argument("--seed", type=int, default=None)
    options = parser.parse_args()
    root: Path = options.root.absolute()
    if not root.exists():
        materials.write(root, time.time_ns() // 1_000_000)
    campaign = Campaign(root, options.requests, options.kills, random.Random(options.seed))
    left = -1
    try:
        campaign.run(time.monotonic() + 60 * options.minutes)
        campaign.show()
        left = campaign.settle()
        campaign.settle_logs()
    finally:
        campaign.stop()
    figures, wrong = judge(root, campaign.ledger)
    log_figures, found = logs.audit(root, campaign.material.trust)
    campaign.problems += found
    kills = {
        name.removeprefix("kills "): int(n) for name, n in campaign.ledger.figures.items() if name.startswith("kills ")
    }
    print(
        f"{figures['told']} transactions told, {campaign.killed} kills {kills}, {campaign.ledger.figures['seconds']:.0f} s"
    )
    print(", ".join(f"{name} {count}" for name, count in sorted(figures.items())))
    print("logs: " + ", ".join(f"{name} {count}" for name, count in sorted(log_figures.items())))
    for problem in campaign.problems:
        print(f"WRONG: {problem}")
    print("nothing lost, nothing twice" if not wrong and not campaign.problems else f"WRONG: {wrong}, {left} left")
    return 1 if wrong or campaign.problems else 0


if __name__ == "__main__":
    sys.exit(main())
