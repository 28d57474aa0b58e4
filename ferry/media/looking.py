"""A look at a medium before anything of it is taken: its manifest, who signed it, and whether it may come in here.

Reads the manifest only, opened as an import opens it; nothing is written, the register not either.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from ferry.media.desk import MediaDesk
from ferry.media.importing import believed_manifest
from ferry.media.reading import open_medium
from ferry.media.register_rows import DELIVERING, OPEN
from wire_formats.medium import MediumStatement


class Looked(NamedTuple):
    """What a medium says of itself, its signatures checked.

    Attributes:
        statement: what the operators signed.
        operators: who signed.
        taken: whether this filling was imported already.
        begun: whether its import was begun and interrupted.
        earlier: number of the last medium of this row that came, 0 for none.
    """

    statement: MediumStatement
    operators: tuple[str, str]
    taken: bool
    begun: bool
    earlier: int


def look_at_medium(desk: MediaDesk, source: Path, *, writable_ok: bool = False) -> Looked:
    """Look at a medium.

    Args:
        desk: the half's media desk.
        source: where the medium is mounted, or the image file.
        writable_ok: look at a medium that is mounted writable.

    Raises:
        PeerError: the medium may not be believed.
        Refused: it is mounted writable, or is not there.
        Unavailable: it cannot be read now.
    """
    with open_medium(source, writable_ok=writable_ok, disk=desk.disk) as medium:
        manifest, operators = believed_manifest(desk, medium)
    statement = manifest.statement
    known = desk.register.passage(statement.export)
    begun = known is not None and known.state in (OPEN, DELIVERING)
    earlier = desk.register.last_number(statement.epoch)
    return Looked(statement, operators, known is not None and not begun, begun, earlier)
