"""The ``[role]`` table at the head of every role's settings file."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from ops.walls.walls import IF_POSSIBLE, OFF, REQUIRED
from wire_formats.settings_reader import number


@dataclass(frozen=True)
class RoleSettings:
    """What the process itself needs, whatever its zone.

    Attributes:
        name: name of the process, for example ``worker-1``.
        metrics_port: loopback port of /metrics and /healthz.
        log_file: where log lines go; stdout when absent.
        log_most_bytes: size at which a new log file is begun.
        log_keep: how many full log files are kept.
        stop_deadline_s: longest clean stop, in seconds; then the process ends anyway.
        open_files: wanted limit of open descriptors.
        walls: for a role that has walls (``ops.walls``): ``required`` (it does not start where the kernel cannot put
            them up), ``if_possible`` or ``off``.
    """

    name: str
    metrics_port: int = number(0, least=0, most=65_535)
    log_file: Path | None = None
    log_most_bytes: int = number(20_000_000, least=10_000, most=1_000_000_000)
    log_keep: int = number(3, least=1, most=100)
    stop_deadline_s: int = number(10, least=1, most=300)
    open_files: int = number(8_192, least=64, most=1_048_576)
    walls: str = field(default=IF_POSSIBLE, metadata={"choices": (REQUIRED, IF_POSSIBLE, OFF)})
