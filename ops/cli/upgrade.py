"""`ferrygate upgrade`: one process after the other is replaced by one that runs the code that lies there now."""

from __future__ import annotations

import fcntl
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from ops.cli import installation, running
from ops.cli.faults import CannotRunError
from ops.layout import Layout, hands_over
from ops.runtime.clock import SystemClock

EXIT_FAILED: Final = 1
#: The order: whoever is asked before whoever asks, so that a new edge never meets an old worker.
_ORDER: Final = ("static", "worker", "edge")


def upgrade(root: Path, wanted: list[str]) -> int:
    """Replace processes one by one; stops at the first that fails.

    Args:
        root: the installation's folder.
        wanted: names of processes, or kinds ("worker" is all of them); none: the whole front door.

    Returns:
        0 all are replaced, 1 one was not: it serves on as it was, and those after it were not begun.

    Raises:
        CannotRunError: nothing runs there, no such process, or another upgrade is under way.
    """
    layout, _ = installation.load(root)
    clock = SystemClock()
    with _alone(layout):
        there = {process["name"]: process["pid"] for process in running.processes(layout)}
        names = _chosen(wanted, list(there))
        for number, name in enumerate(names):
            began_ms = clock.now_ms()
            reason = _replace(layout, name)
            if reason:
                _say_failed(name, reason, names[:number], names[number + 1 :])
                return EXIT_FAILED
            pid = {process["name"]: process["pid"] for process in running.processes(layout)}[name]
            seconds = (clock.now_ms() - began_ms) / 1000
            how = "" if hands_over(name) else "   (what came while there was none waited in files)"
            print(f"  {name:<12} replaced   pid {there[name]} -> {pid}   {seconds:.1f} s{how}", flush=True)
        print(f"upgraded: {', '.join(names)}")
        for line in _rest([name for name in there if name not in names]):
            print(line)
    return 0


@contextmanager
def _alone(layout: Layout) -> Iterator[None]:
    """Hold the lock of upgrades.

    Raises:
        CannotRunError: somebody else holds it.
    """
    layout.run.mkdir(mode=0o700, parents=True, exist_ok=True)
    with layout.upgrade_lock.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotRunError(f"{layout.root}: another `ferrygate upgrade` is under way; wait for its end") from None
        yield


def _chosen(wanted: list[str], there: list[str]) -> list[str]:
    """Give the processes to replace, in order.

    Raises:
        CannotRunError: a word names none.
    """
    chosen: list[str] = []
    for word in wanted or _ORDER:
        found = [name for name in there if word in (name, name.partition("-")[0])]
        if not found:
            raise CannotRunError(f"no process {word[:40]} here; there are {', '.join(sorted(there))}")
        chosen += [name for name in found if name not in chosen]
    places = {kind: place for place, kind in enumerate(_ORDER)}
    return sorted(chosen, key=lambda name: places.get(name.partition("-")[0], -1))


def _replace(layout: Layout, name: str) -> str:
    """Replace one; gives why it was not, "" when it was."""
    try:
        answer = running.ask_to_replace(layout, name)
    except CannotRunError:
        return "the supervisor ended meanwhile; `ferrygate up` starts everything with the code that lies there now"
    return "" if answer["ok"] else str(answer["reason"])


def _say_failed(name: str, reason: str, done: list[str], left: list[str]) -> None:
    lines = [f"ferrygate: upgrade stopped at {name}: {reason}"]
    lines.append(f"  replaced: {', '.join(done) or 'none'}; not begun: {', '.join(left) or 'none'}")
    lines.append("  mend what the line says, or put the older code back, then run `ferrygate upgrade` again")
    sys.stdout.flush()
    sys.stderr.write("\n".join(lines) + "\n")


def _rest(others: list[str]) -> Iterator[str]:
    """Say what still runs the older code."""
    inner = [name for name in others if not hands_over(name)]
    if inner:
        yield f"not touched: {', '.join(inner)}; `ferrygate upgrade {inner[0]} ...` ends each before it starts it anew"
    yield "the supervisor itself keeps its code until `ferrygate stop` and `ferrygate up`"
