"""The diode's figures: goodput, large files at high loss, many small files, and pydiode beside it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from perf.ferry_bench import pydiode
from perf.ferry_bench.link import ETHERNET_FRAME, LARGEST_FRAME, Link, Task
from perf.figures import measure, show

MEGA: Final = 1_000_000
FILE_BYTES: Final = 5 * MEGA
SMALL_BYTES: Final = 2000
SMALL_PER_S: Final = 2000
LINK_MBIT: Final = 300
_LOSSES: Final = (0.0, 0.001, 0.01, 0.05, 0.2)


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is run.

    Attributes:
        link: the lossy link.
        files: large files of one run.
        trials: transfers of each candidate beside the peer.
        peers: where the peer is installed.
    """

    link: Link
    files: int
    trials: int
    peers: Path


def goodput(plan: Plan) -> None:
    """5 MB files in a stream at 1 % loss: on a link of 300 Mbit/s with both ends on one core, then faster."""
    for rate, cores, words in (
        (LINK_MBIT, (0, 0), "both ends on one core"),
        (LINK_MBIT, (0, 1), "a core for each end"),
        (600, (0, 1), "a core for each end"),
    ):
        files = max(20, plan.files // 5)
        sent, got = plan.link.run(Task(files, FILE_BYTES, rate, 0.01, cores=cores))
        name = f"diode {rate} Mbit/s, 1 % loss, {words}"
        measure(f"{name}: goodput", _mbit(got, FILE_BYTES), "Mbit/s", at_least=250)
        _show_end(name, sent, got, files, FILE_BYTES)


def large(plan: Plan) -> None:
    """Every 5 MB file at 5 % and at 20 % loss."""
    for loss in (0.05, 0.2):
        sent, got = plan.link.run(Task(plan.files, FILE_BYTES, LINK_MBIT, loss))
        name = f"diode, 5 MB files at {loss:.0%} loss"
        measure(f"{name}: arrived whole", got["files"], f"of {plan.files}", at_least=plan.files)
        _show_end(name, sent, got, plan.files, FILE_BYTES)
        repair = sent["out"]["packets"] / (plan.files * FILE_BYTES / (1472 - 56)) - 1
        show(f"{name}: sent beyond the source", f"{repair:.1%}; {got['in']['repaired']} of the files were repaired")


def small(plan: Plan) -> None:
    """2 KB files one by one on the interactive lane at 1 % loss, with acknowledgements on the opposite link."""
    files = SMALL_PER_S * 10
    task = Task(
        files, SMALL_BYTES, LINK_MBIT, 0.01, lane="interactive", per_second=SMALL_PER_S, acknowledged=True
    )  # fmt: skip
    sent, got = plan.link.run(task)
    name = f"diode, 2 KB files at {SMALL_PER_S}/s, 1 % loss"
    measure(f"{name}: arrived", got["files"], f"of {files}", at_least=files)
    measure(f"{name}: taken", got["files"] / got["seconds"], "/s", at_least=SMALL_PER_S * 0.95)
    waits = f"p50 {got['wait_p50_s'] * 1e3:.1f} ms  p99 {got['wait_p99_s'] * 1e3:.1f} ms"
    again = f"{sent['again']} sent again, {got['twice']} came twice"
    show(f"{name}: from put to taken", f"{waits}  most {got['wait_most_s'] * 1e3:.0f} ms; {again}")
    cpu = sent["cpu_s"] / files * 1e6, got["cpu_s"] / files * 1e6
    show(f"{name}: processor time a file", f"sender {cpu[0]:.0f} µs, receiver {cpu[1]:.0f} µs")


def peer(plan: Plan) -> None:
    """One 5 MB file at a time at 300 Mbit/s: ours, and pydiode sending everything once or twice."""
    program = pydiode.install(plan.peers)
    if program is None:
        show("pydiode", "not installed: no package index; not run")
    data = os.urandom(FILE_BYTES)
    for loss in _LOSSES:
        sent, got = plan.link.run(Task(plan.trials, FILE_BYTES, LINK_MBIT, loss))
        spread = f"{sent['out']['packets'] / (plan.trials * FILE_BYTES / (1472 - 56)):.2f} × the file sent"
        seconds = got["seconds"] / max(1, got["files"] - 1)
        show(f"{loss:.1%} loss: ours", f"{got['files']} of {plan.trials} arrived, {seconds:.2f} s each, {spread}")
        if program is None:
            continue
        for redundancy, frames in ((1, ETHERNET_FRAME), (2, ETHERNET_FRAME), (1, LARGEST_FRAME), (2, LARGEST_FRAME)):
            plan.link.lose(loss, frames=frames)
            found = [
                pydiode.transfer(plan.link, program, data, rate_mbit=LINK_MBIT, redundancy=redundancy)
                for _ in range(plan.trials)
            ]
            arrived = [trial for trial in found if trial.arrived]
            took = f", {sum(trial.seconds for trial in arrived) / len(arrived):.2f} s each" if arrived else ""
            words = f"pydiode {redundancy}×, frames of {frames}"
            show(f"{loss:.1%} loss: {words}", f"{len(arrived)} of {plan.trials} arrived{took}")


def _mbit(got: dict[str, Any], size: int) -> float:
    """Bits of whole files a second, from the first file's arrival to the last's."""
    return (got["files"] - 1) * size * 8 / MEGA / got["seconds"] if got["seconds"] > 0 else 0.0


def _show_end(name: str, sent: dict[str, Any], got: dict[str, Any], files: int, size: int) -> None:
    total = files * size / MEGA
    per = f"sender {sent['cpu_s'] / total * 1e3:.1f}, receiver {got['cpu_s'] / total * 1e3:.1f} ms a MB"
    could = f"{8e3 / (sent['cpu_s'] / total * 1e3 + got['cpu_s'] / total * 1e3):.0f} Mbit/s by one core for both"
    show(f"{name}: processor time", f"{per}: {could}")
    lost = f"{got['in']['loss']:.2%} lost on the link, {got['in']['kernel_dropped']} for lack of buffers"
    show(f"{name}: whole, wrong, never whole", f"{got['files']}, {got['wrong']}, {got['in']['incomplete']}; {lost}")
