"""Two media desks in a temporary folder, one on each side of the gap, and two operators who sign."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from ferry.media.desk import MediaDesk, MediaFolders
from ferry.media.exporting import Exported, Signatories, export_medium
from ferry.media.importing import Imported, import_medium
from ferry.media.register import MediaRegister
from ferry.media.settings import MediaSettings
from ferry.media.states import MediumKind
from ferry.transports.media import MediaOutlet
from tests.support.ferry_kit import SetClock
from tests.support.machines import NOW_MS, MachineAuthority, pem_of
from wire_formats.drop import DropName
from wire_formats.medium import MediumStatement
from wire_formats.seal import SealPrivateKey
from wire_formats.suites import Signing, SigningKey
from wire_formats.trust import TrustStore

LOW_SEAL = SealPrivateKey(hashlib.sha256(b"seal of the low half").digest())
HIGH_SEAL = SealPrivateKey(hashlib.sha256(b"seal of the high half").digest())


class CountedRandomness:
    """Bytes that differ at each call, the same in every run."""

    def __init__(self) -> None:
        self._count = 0

    def bytes(self, count: int, /) -> bytes:
        self._count += 1
        return hashlib.sha256(self._count.to_bytes(8, "big")).digest()[:count]


class MediaKit:
    """Both desks, both operators, and a folder that stands for a medium."""

    def __init__(self, root: Path, *, most_files: int = 12_000, most_bytes: int = 3_900_000_000) -> None:
        self.root = root
        self.clock = SetClock(NOW_MS)
        self.authority = MachineAuthority()
        self.persons = MachineAuthority("Test persons")
        self.low_key = self.authority.machine("ferry_low", "ferry_low")
        self.high_key = self.authority.machine("ferry_high", "ferry_high")
        self.operators = {name: self.persons.operator(name) for name in ("li", "wang", "zhao")}
        self.machines = self.authority.trust([self.low_key, self.high_key])
        self.known = self.trust_of(self.operators["li"], self.operators["wang"])
        self.limits: dict[str, Any] = {"most_files": most_files, "most_bytes": most_bytes}
        self.randomness = CountedRandomness()
        self.low = self._desk("ferry_low", self.low_key, ("ferry_high", "inbound", "outbound"), (LOW_SEAL, HIGH_SEAL))
        self.high = self._desk("ferry_high", self.high_key, ("ferry_low", "outbound", "inbound"), (HIGH_SEAL, LOW_SEAL))

    def trust_of(self, *operators: SigningKey) -> TrustStore:
        return TrustStore.from_pem([self.persons.pem], [pem_of(one) for one in operators])

    def outlet(self, desk: MediaDesk) -> MediaOutlet:
        outlet = MediaOutlet(desk.folders.root, **self.limits)
        outlet.prepare()
        return outlet

    def medium(self, name: str = "usb") -> Path:
        folder = self.root / name
        folder.mkdir(exist_ok=True)
        return folder

    def both(self, _statement: MediumStatement) -> tuple[Signing, Signing]:
        return self.operators["li"], self.operators["wang"]

    def register(self, desk: MediaDesk, serial: str, kind: MediumKind = MediumKind.REWRITABLE) -> None:
        desk.register.add(serial, "no label", kind, operator="li", now_ms=self.clock.ms)

    def export(
        self, serial: str = "WH-0001", *, desk: MediaDesk | None = None, target: Path | None = None,
        image: bool = False, signatories: Signatories | None = None,
    ) -> Exported:  # fmt: skip
        desk = desk or self.low
        if desk.register.medium(serial) is None:
            self.register(desk, serial)
        return export_medium(desk, serial, target or self.medium(), signatories or self.both, image=image)

    def take_in(self, source: Path | None = None, *, desk: MediaDesk | None = None) -> Imported:
        return import_medium(desk or self.high, source or self.medium(), by="zhao", writable_ok=True)

    def close(self) -> None:
        self.low.register.close()
        self.high.register.close()

    def _desk(
        self, name: str, key: SigningKey, way: tuple[str, str, str], seals: tuple[SealPrivateKey, SealPrivateKey]
    ) -> MediaDesk:
        folders = MediaFolders(self.root / name / "media")
        folders.prepare()
        peer, out, back = way
        unused = Path("unused")
        settings = MediaSettings(
            folder=folders.root, seal_key=unused, peer_key=unused, operators=unused, operator_issuers=unused,
            most_files=self.limits["most_files"], most_bytes=self.limits["most_bytes"],
        )  # fmt: skip
        return MediaDesk(
            name=name,
            direction_out=out,
            direction_in=back,
            peer=peer,
            peer_role=peer,
            key=key,
            seal_key=seals[0],
            peer_key=seals[1].public,
            machines=self.machines,
            operators=self.known,
            journal=self.root / name / "journal.sqlite",
            settings=settings,
            folders=folders,
            register=MediaRegister(folders.register, now_ms=NOW_MS),
            clock=self.clock,
            randomness=self.randomness,
        )


def bundle_name(sequence: int, *, epoch: int = 7, sender: str = "ferry_low") -> DropName:
    return DropName(epoch, sequence, sender)


def arrived(desk: MediaDesk) -> dict[str, bytes]:
    """What imports delivered: lane/name -> bytes."""
    root = desk.folders.arrived
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.glob("*/*-*"))}
