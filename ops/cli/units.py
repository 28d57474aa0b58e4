"""`ferrygate units`: files for a service manager, so that every zone runs as a user of its own behind its walls."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path, PurePosixPath

from ops.cli import installation
from ops.cli.faults import CannotRunError
from ops.units.bundle import unit_files
from ops.units.service_unit import Host

_NEXT = """\
Next, as root, on the machine that will run them:
  cp {out}/*.service {out}/ferrygate.target /etc/systemd/system/
  systemd-sysusers {out}/sysusers.d/ferrygate.conf
  systemd-tmpfiles --create {out}/tmpfiles.d/ferrygate.conf
  systemctl daemon-reload && systemctl enable --now ferrygate.target
On several machines, copy each zone's units and folders to its machine only. docs/walls.md tells more."""


def units(root: Path, out: Path) -> int:
    """Write the files.

    Args:
        root: an installation, absolute.
        out: a folder; made when it is missing, files of the same name are replaced.

    Raises:
        CannotRunError: no installation there, or the folder cannot be written.
    """
    layout, found = installation.load(root)
    here = Path(__file__).resolve().parents[2]
    host = Host(PurePosixPath(layout.root), _program(), (PurePosixPath(sys.prefix), PurePosixPath(here)))
    try:
        for name, text in unit_files(found, host):
            path = out / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CannotRunError(f"{error.filename}: {error.strerror}; name a folder that can be written") from None
    print(_NEXT.format(out=out), flush=True)
    return 0


def _program() -> PurePosixPath:
    beside = Path(sys.executable).with_name("ferrygate")
    found = str(beside) if beside.exists() else shutil.which("ferrygate")
    if found is None:
        raise CannotRunError(
            "the command ferrygate is not installed beside this Python; `make .venv/.run-stamp` does it"
        )
    return PurePosixPath(found)
