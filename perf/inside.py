"""What the roles say of themselves: memory at rest, and the time each hop takes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from perf.figures import measure, show
from perf.hall import Hall

_HISTOGRAM: Final = re.compile(r"^(\w+_seconds)_(sum|count)(\{[^}]*\})? ([0-9.e+-]+)$", re.MULTILINE)
_PAGE_KIB: Final = 1024


def memory(hall: Hall) -> None:
    """Resident memory of every process of the installation."""
    worst = 0
    for pid, command in processes(hall.root):
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
        match = re.search(r"VmRSS:\s+(\d+) kB", status)
        if match:
            mib = int(match[1]) // _PAGE_KIB
            worst = max(worst, mib)
            show(f"  memory of {command}", f"{mib} MiB")
    if not worst:
        raise SystemExit(f"{hall.root}: nothing runs here")
    measure("largest memory of a role at rest", worst, "MiB", at_most=120)


def processes(root: Path) -> list[tuple[int, str]]:
    """Give pid and role of every process that serves the installation at ``root``."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            words = (entry / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")
        except OSError:
            continue
        settings = next((word for word in words if word.startswith(str(root)) and word.endswith(".toml")), None)
        if settings:
            found.append((int(entry.name), Path(settings).stem))
    return sorted(found, key=lambda item: item[1])


def hops(hall: Hall) -> None:
    """Mean time of every duration the roles measure, since their start."""
    base = hall.ports["metrics"]
    for port in range(base, base + 60):
        try:
            page = hall.metrics(port)
        except OSError:
            continue
        sums: dict[tuple[str, str], dict[str, float]] = {}
        for name, part, labels, value in _HISTOGRAM.findall(page):
            sums.setdefault((name, labels), {})[part] = float(value)
        for (name, labels), parts in sorted(sums.items()):
            if parts.get("count"):
                mean = parts.get("sum", 0.0) / parts["count"]
                show(f"  {name}{labels}", f"mean {mean * 1e3:8.2f} ms  (n = {parts['count']:.0f})")
