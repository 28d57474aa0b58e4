"""What the media commands of one half share: its folders, keys, peer and known operators."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ferry.journal import open_database as open_journal
from ferry.lane.checks import HIGH_ROLE, INBOUND, LOW_ROLE, OUTBOUND
from ferry.media.register import MediaRegister
from ferry.media.settings import MediaSettings
from ferry.own_keys import known_signers, public_seal_key, seal_key, signing_key
from ferry.settings import HalfSettings
from wire_formats.certificate_names import machine_of
from wire_formats.collaborators import Clock, Disk, Randomness
from wire_formats.disk import DISK
from wire_formats.errors import Kind, Unavailable
from wire_formats.medium import OPERATOR_ROLE
from wire_formats.seal import SealPrivateKey, SealPublicKey
from wire_formats.settings_reader import SettingsError
from wire_formats.suites import SigningKey
from wire_formats.trust import TrustStore

_RETRY_S: Final = 5
#: Role of a half -> role of the other one, and the direction it sends in.
_PEERS: Final = {LOW_ROLE: (HIGH_ROLE, INBOUND), HIGH_ROLE: (LOW_ROLE, OUTBOUND)}


@dataclass(frozen=True, slots=True)
class MediaFolders:
    """Where a half's media work lies; see ``ferry.media``.

    Attributes:
        root: the half's media folder.
        disk: where it lies.
    """

    root: Path
    disk: Disk = DISK

    @property
    def out(self) -> Path:
        """Files that wait for the next medium, by lane."""
        return self.root / "out"

    @property
    def claimed(self) -> Path:
        """Files of an export that is not finished."""
        return self.root / "claimed"

    @property
    def staging(self) -> Path:
        """Files of an import that is not finished."""
        return self.root / "staging"

    @property
    def arrived(self) -> Path:
        """Files that came by media and wait for the half, by lane."""
        return self.root / "in"

    @property
    def orders(self) -> Path:
        """Where the console puts what operators ask the clerk for."""
        return self.root / "orders"

    @property
    def receipts(self) -> Path:
        """Receipts the clerk wrote, to be carried back."""
        return self.root / "receipts"

    @property
    def register(self) -> Path:
        """The register's database."""
        return self.root / "register.sqlite"

    def prepare(self) -> None:
        """Make the folders."""
        for folder in (self.out, self.claimed, self.staging, self.arrived):
            self.disk.make_folder(folder)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock that lets one media command run at a time.

        Raises:
            Unavailable: BUSY: another one runs.
        """
        try:
            handle = self.disk.lock(self.root / "lock")
        except BlockingIOError:
            raise Unavailable(Kind.BUSY, "another media command is running", _RETRY_S) from None
        try:
            yield
        finally:
            self.disk.close(handle)


@dataclass(frozen=True, slots=True)
class MediaDesk:
    """The collaborators of the media commands.

    Attributes:
        name: machine name of this half.
        direction_out: direction this half sends in; media in the other one come here.
        direction_in: direction of media that come here.
        peer: machine name of the other half.
        peer_role: its role.
        key: signs receipts.
        seal_key: opens media that come here.
        peer_key: media that leave are sealed to it.
        machines: known machines.
        operators: known gatekeeper operators.
        journal: file of the half's journal, for receipts.
        open_journal: opens it.
    """

    name: str
    direction_out: str
    direction_in: str
    peer: str
    peer_role: str
    key: SigningKey
    seal_key: SealPrivateKey
    peer_key: SealPublicKey
    machines: TrustStore
    operators: TrustStore
    journal: Path
    settings: MediaSettings
    folders: MediaFolders
    register: MediaRegister
    clock: Clock
    randomness: Randomness
    open_journal: Callable[[Path], sqlite3.Connection] = open_journal

    @property
    def disk(self) -> Disk:
        """Where the folders and the media lie."""
        return self.folders.disk


def open_desk(
    settings: HalfSettings, *, clock: Clock, randomness: Randomness, disk: Disk = DISK
) -> MediaDesk:  # fmt: skip
    """Open a half's media desk.

    Args:
        settings: the half's own.
        clock: the instant.
        randomness: names exports.
        disk: where the half's folders and the media lie.

    Raises:
        SettingsError: there is no ``media`` table, or a key or certificate it names cannot be used.
        Unavailable: the register cannot be opened.
    """
    media = settings.media
    if media is None:
        raise SettingsError("this half has no [ferry.media] settings; docs/media.md shows them")
    key = signing_key(settings.signing_key, settings.signing_certificate, *_PEERS)
    role, name = machine_of(key.certificate)
    peer_role, direction = _PEERS[role]
    machines = known_signers(settings.trust_issuers, settings.trust_machines)
    peers = machines.names(peer_role)
    if len(peers) != 1:
        raise SettingsError(f"{settings.trust_machines}: names {len(peers)} machines of the role {peer_role}, not one")
    folders = MediaFolders(media.folder, disk)
    folders.prepare()
    return MediaDesk(
        name=name,
        direction_out=direction,
        direction_in=OUTBOUND if direction == INBOUND else INBOUND,
        peer=next(iter(peers)),
        peer_role=peer_role,
        key=key,
        seal_key=seal_key(media.seal_key),
        peer_key=public_seal_key(media.peer_key),
        machines=machines,
        operators=_operators(media),
        journal=settings.journal,
        settings=media,
        folders=folders,
        register=MediaRegister(folders.register, now_ms=clock.now_ms()),
        clock=clock,
        randomness=randomness,
    )


def _operators(media: MediaSettings) -> TrustStore:
    """Read the operators' certificates; a file that is not there or empty names nobody."""
    if not media.operators.exists() or not media.operators.read_bytes().strip():
        return TrustStore([])
    store = known_signers(media.operator_issuers, media.operators)
    if not store.names(OPERATOR_ROLE):
        raise SettingsError(f"{media.operators}: no certificate of a gatekeeper operator")
    return store
