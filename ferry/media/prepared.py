"""The one export that is prepared and waits for its two operators, as it lies in its claim's folder.

    <media>/claimed/<export>/statement                  what they sign
    <media>/claimed/<export>/signature-1, signature-2   what they have signed
    <media>/claimed/<export>/<lane>                     the files

One at a time: its place in the row of media is in the statement, and a second one would have the same.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple

from ferry.folders import read_file
from ferry.media.collecting import STATEMENT
from ferry.media.desk import MediaFolders
from wire_formats.collaborators import Disk
from wire_formats.errors import Kind, PeerError, Refused, Unavailable
from wire_formats.medium import MAX_STATEMENT_BYTES, MediumStatement, parse_statement

#: Names of the signatures, in the order in which they came.
SIGNATURES: Final = ("signature-1", "signature-2")
#: A signature carries its statement, a key id and 64 bytes.
MAX_SIGNATURE_BYTES: Final = 1024


class Draft(NamedTuple):
    """A prepared export.

    Attributes:
        statement: what the operators sign.
        signatures: those that have come, checked when they came.
    """

    statement: MediumStatement
    signatures: tuple[bytes, ...]

    @property
    def complete(self) -> bool:
        """Whether both have signed."""
        return len(self.signatures) == len(SIGNATURES)


def prepared_export(folders: MediaFolders) -> Draft | None:
    """Give the prepared export, or None."""
    try:
        names = sorted(folders.disk.names(folders.claimed))
    except OSError:
        return None
    drafts = (_draft(folders.claimed / name, folders.disk) for name in names)
    return next((draft for draft in drafts if draft is not None), None)


def check_none_prepared(folders: MediaFolders) -> None:
    """Check that no export waits for its operators.

    Raises:
        Refused: CONFLICT: one does.
    """
    draft = prepared_export(folders)
    if draft is not None:
        raise Refused(Kind.CONFLICT, f"an export of medium {draft.statement.serial} is prepared: write or cancel it")


def _draft(claim: Path, disk: Disk) -> Draft | None:
    """Read a claim's statement and signatures; None where there is no whole statement."""
    try:
        statement = parse_statement(read_file(claim, STATEMENT, limit=MAX_STATEMENT_BYTES, disk=disk))
    except (OSError, PeerError, Unavailable):
        return None
    if statement.export.hex() != claim.name:
        return None
    signatures = []
    for name in SIGNATURES:
        try:
            signatures.append(read_file(claim, name, limit=MAX_SIGNATURE_BYTES, disk=disk))
        except (OSError, PeerError, Unavailable):
            break
    return Draft(statement, tuple(signatures))
