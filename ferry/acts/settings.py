"""Settings of the operators' acts: the table ``acts`` of a half."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class ActsSettings:
    """Whose acts a half believes (table ``acts``); see ``ferry.acts``.

    Attributes:
        folder: the half's folder of acts: ``drop`` (acts come here), ``released``, the ledger.
        operators: PEM file with the certificates of the gatekeeper operators.
        operator_issuers: PEM file with the authorities that issue them.
        by_console: whether an act counts that the console countersigned for an operator who showed his certificate;
            otherwise only an operator's own signature does.
    """

    folder: Path
    operators: Path
    operator_issuers: Path
    by_console: bool = True

    @property
    def drop(self) -> Path:
        """Where acts are put."""
        return self.folder / "drop"

    @property
    def released(self) -> Path:
        """Bundles on their way back, by direction and lane."""
        return self.folder / "released"

    @property
    def ledger(self) -> Path:
        """The ledger's database."""
        return self.folder / "acts.sqlite"
