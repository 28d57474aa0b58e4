"""The reader as a process of its own: workbook on standard input, rows on standard output, then it ends.

Started as ``python -I -S reader_child.py`` by ``reader_process``; it has no environment, no site-packages, no
network of its own, and gives up memory, processor time, files and further processes before it reads a byte.
A reader that is taken over or runs away can be killed without loss: it holds nothing.
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path

# -I keeps the script's folder out of the path, so the two packages are named here and nowhere else.
sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from dmz.workers.workbook.limits import MIB, WorkbookLimits
from dmz.workers.workbook.reader import read_workbook
from dmz.workers.workbook.sheet import end_line, error_line, row_line
from wire_formats.errors import Kind, PeerError

CPU_SECONDS = 20
MEMORY_BYTES = 768 * MIB
OPEN_FILES = 8


def main() -> int:
    """Read one workbook from standard input and write its rows; 0 also when the workbook is refused."""
    _give_up_resources()
    limits = WorkbookLimits()
    data = sys.stdin.buffer.read(limits.file_bytes + 1)
    out = sys.stdout
    try:
        sheet = read_workbook(data, limits)
    except PeerError as error:
        out.write(error_line(error.kind, error.private) + "\n")
        return 0
    except (MemoryError, RecursionError):
        out.write(error_line(Kind.TOO_LARGE, "workbook: needs too much memory") + "\n")
        return 0
    for row in sheet.rows:
        out.write(row_line(row) + "\n")
    out.write(end_line(sheet) + "\n")
    out.flush()
    return 0


def _give_up_resources() -> None:
    """Lower every limit for good; hard limits cannot be raised again."""
    wanted = {
        resource.RLIMIT_CPU: CPU_SECONDS,
        resource.RLIMIT_AS: MEMORY_BYTES,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_NOFILE: OPEN_FILES,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NPROC: 0,
    }
    for name, value in wanted.items():
        _, hard = resource.getrlimit(name)
        limit = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(name, (limit, limit))


if __name__ == "__main__":
    sys.exit(main())
