"""Puts the operators' acts into a half."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import NamedTuple

from ferry.acts.released import released_port
from ferry.acts.settings import ActsSettings
from ferry.acts.station import ActStation
from ferry.lane.checks import LaneId
from ferry.parts import HalfParts
from ferry.ports import FolderPort
from wire_formats.errors import Kind, PeerError
from wire_formats.trust import TrustStore


class BuiltActs(NamedTuple):
    """The station of acts, and where each lane's released bundles come from; nothing where there are no acts."""

    station: ActStation | None
    ports: dict[LaneId, FolderPort]

    def released(self, lane: LaneId) -> FolderPort | None:
        """Give where a lane's released bundles come from."""
        return self.ports.get(lane)


def build_acts(
    parts: HalfParts, settings: ActsSettings | None, lanes: Collection[LaneId], wake: Callable[[LaneId], None],
    *, one_way: bool = False,
) -> BuiltActs:  # fmt: skip
    """Build them; with no settings there are none.

    Args:
        parts: the half's collaborators.
        settings: the table ``acts``.
        lanes: the lanes of this half.
        wake: lets a lane look for work.
        one_way: whether nothing ever goes back to the sender.
    """
    if settings is None:
        return BuiltActs(None, {})

    def operators() -> TrustStore:
        return known_operators(settings)

    station = ActStation(parts, settings, operators, lanes, wake, one_way=one_way)
    return BuiltActs(station, {lane: released_port(settings, lane, disk=parts.disk) for lane in lanes})


def known_operators(settings: ActsSettings) -> TrustStore:
    """Read the operators' certificates; a file that is not there or empty names nobody.

    Raises:
        PeerError: a certificate cannot be read, or its issuer is not known.
    """
    pem = _read(settings.operators)
    return TrustStore.from_pem([_read(settings.operator_issuers)], [pem]) if pem.strip() else TrustStore([])


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise PeerError(Kind.UNKNOWN_SIGNER, f"{path.name}: {error.strerror}") from None
