"""What the command line and the console share: one half's held bundles, its ledger of acts, and where acts are put.

Nothing here does an act: it only puts signed bytes where the half reads them, and looks at what the half wrote.
"""

from __future__ import annotations

import hashlib
from contextlib import closing
from pathlib import Path
from typing import Final

from cryptography import x509

from ferry.acts.held import HeldItem, HeldShelf
from ferry.acts.ledger import ActLedger, Line
from ferry.acts.settings import ActsSettings
from ferry.settings import HalfSettings
from wire_formats.certificate_names import machine_of
from wire_formats.drop import TEMPORARY, DropName, write_drop
from wire_formats.errors import PeerError
from wire_formats.settings_reader import SettingsError

#: Shortest piece of a digest by which a held bundle may be named.
LEAST_DIGITS: Final = 6


class ActDesk:
    """One half's acts, from outside the half.

    Args:
        name: machine name of the half.
        quarantine: its quarantine folder.
        acts: its table ``acts``.
    """

    def __init__(self, name: str, quarantine: Path, acts: ActsSettings) -> None:
        self.name = name
        self.shelf = HeldShelf(quarantine)
        self.acts = acts

    def named(self, text: str) -> list[HeldItem]:
        """Give the held bundles whose digest, or whole subject, begins so."""
        return [item for item in self.shelf.items() if len(text) >= LEAST_DIGITS and item.subject.startswith(text)]

    def put(self, signed: bytes, *, now_ms: int) -> None:
        """Put a signed act where the half reads it.

        Raises:
            Unavailable: the folder cannot be written.
            FileNotFoundError: the half has never run.
        """
        if not (self.acts.drop / TEMPORARY).is_dir():
            raise FileNotFoundError(2, "the half has never run", str(self.acts.drop))
        number = int.from_bytes(hashlib.sha256(signed).digest()[:6], "big")
        write_drop(self.acts.drop, DropName(now_ms, number, "act", "notice"), signed)

    def lines(self, *, subject: str = "", most: int = 500) -> list[Line]:
        """Give the latest lines of the ledger, oldest first.

        Raises:
            Unavailable: it cannot be read now, or the half has never run.
        """
        with self._ledger() as ledger:
            return ledger.lines(subject=subject, most=most)

    def waiting(self, subject: str, *, now_ms: int) -> list[Line]:
        """Give what single operators have said of a held bundle.

        Raises:
            Unavailable: the ledger cannot be read now.
        """
        with self._ledger() as ledger:
            return ledger.waiting(subject, now_ms=now_ms)

    def verify(self) -> int:
        """Recompute the ledger's chain; gives how many lines there are.

        Raises:
            Bug: the first line that does not fit.
            Unavailable: it cannot be read now.
        """
        with self._ledger() as ledger:
            return ledger.verify()

    def _ledger(self) -> closing[ActLedger]:
        return closing(ActLedger(self.acts.ledger, readonly=True))


def open_act_desk(settings: HalfSettings) -> ActDesk:
    """Open the desk of one half.

    Raises:
        SettingsError: the half has no table ``acts``, or its certificate cannot be read.
    """
    if settings.acts is None:
        raise SettingsError("this half has no [ferry.acts] settings; docs/gatekeeper.md shows them")
    try:
        certificate = x509.load_pem_x509_certificate(settings.signing_certificate.read_bytes())
        name = machine_of(certificate).name
    except (OSError, ValueError, PeerError) as error:
        raise SettingsError(f"{settings.signing_certificate}: cannot be used: {error}") from None
    return ActDesk(name, settings.quarantine, settings.acts)
