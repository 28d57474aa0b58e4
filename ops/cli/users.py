"""Whose files they are: a command that works beside a role must run as that role's user."""

from __future__ import annotations

import os
from pathlib import Path

from ops.cli.faults import CannotRunError


def check_user(folder: Path, what: str, role: str) -> None:
    """Make sure that a role can read what is written: files are for their owner only, and root's for root.

    Args:
        folder: where it is written.
        what: it is called in the complaint.
        role: who reads it.

    Raises:
        CannotRunError: another user than the role's runs this.
    """
    owner = next(at for at in (folder, *folder.parents) if at.exists()).stat().st_uid
    if owner != os.geteuid():
        raise CannotRunError(
            f"{what} belong to user {owner}, and {role} could not read yours; run this with sudo -u '#{owner}'"
        )
