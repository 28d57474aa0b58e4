"""What really happened to media, noted beside the product, and both registers held against it at the end."""

from __future__ import annotations

import hashlib
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ferry.media.register import MediaRegister
from ferry.media.register_rows import DELIVERING, EXPORT_WAY, IMPORT_WAY, OPEN, RECEIPTED, Passage
from ferry.media.states import MediumState
from ferry.media.writing import FOLDER, MANIFEST
from tests.simulation.kit import LOW_SEAL, SEAL_KEY
from tests.simulation.media_lane import MEDIA, REGISTERS, medium_path, other
from tests.simulation.world import ROLES, World
from wire_formats.errors import Bug, PeerError
from wire_formats.medium import Entry, MediumStatement, open_manifest

if TYPE_CHECKING:
    from tests.simulation.courier import Stick

_KEYS: Final = {"low": LOW_SEAL, "high": SEAL_KEY}
#: Everything is listed: no schedule has as many acts.
_ALL: Final = 1 << 20


class MediaBook:
    """See above.

    Args:
        world: where it happens.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._signed: dict[bytes, MediumStatement] = {}
        self._exported: dict[bytes, str] = {}
        self._imported: Counter[bytes] = Counter()
        self._on: dict[str, bytes] = {}
        self._filled: Counter[bytes] = Counter()
        self._entries: dict[bytes, tuple[Entry, ...]] = {}
        self._promised: dict[tuple[str, str, str], set[bytes]] = {}
        self._delivered: set[tuple[str, str, str, bytes]] = set()

    def signs(self, statement: MediumStatement) -> None:
        """Two operators are shown a statement."""
        self._signed[statement.export] = statement

    def exported(self, side: str, statement: MediumStatement) -> None:
        """A command said that an export is finished."""
        self._exported[statement.export] = side

    def filled(self, stick: Stick) -> None:
        """A medium is going to be carried: whoever may open it finds what two operators signed."""
        disk = self._world.disks[stick.device]
        try:
            data = bytes(disk.find(f"{medium_path(stick.device)}/{FOLDER}/{MANIFEST}").content)
            manifest = open_manifest(data, _KEYS[stick.receiver])
        except (PeerError, OSError) as error:
            self._world.trace.fault(f"{stick.serial} stands under its name and is not whole: {error}")
            return
        statement = manifest.statement
        if self._signed.get(statement.export) != statement:
            self._world.trace.fault(f"{stick.serial} carries what nobody has signed")
        self._entries[statement.export] = tuple(manifest.entries)
        self._on[stick.serial] = statement.export
        self._filled[statement.export] += 1
        for entry in manifest.entries:
            self._promised.setdefault((stick.receiver, entry.lane, str(entry.name)), set()).add(entry.digest)

    def came(self, stick: Stick) -> int:
        """Give how often the filling that is on a medium was sent on its way."""
        return self._filled[self._on.get(stick.serial, b"")]

    def imported(self, side: str, statement: MediumStatement, *, again: bool) -> None:
        """A command said that an import is finished."""
        trace = self._world.trace
        self._imported[statement.export] += 1
        if self._imported[statement.export] > 1:
            trace.fault(f"the same filling of {statement.serial} was imported twice{', brought again' * again}")
        if self._signed.get(statement.export) != statement:
            trace.fault(f"{statement.serial} was imported, and nobody has signed it")
        for entry in self._entries.get(statement.export, ()):
            if (side, entry.lane, str(entry.name), entry.digest) not in self._delivered:
                trace.fault(f"{entry.lane} {entry.name} of {statement.serial} was never delivered")

    def renamed(self, process: str, path: str, content: bytes) -> None:
        """A command gave a file its name: what comes before a half is what two operators signed."""
        side = process.removeprefix("media_")
        arrived = f"{MEDIA.get(side)}/in/"
        if side == process or not path.startswith(arrived):
            return
        lane, name = path.removeprefix(arrived).split("/", 1)
        digest = hashlib.sha256(content).digest()
        if digest in self._promised.get((side, lane, name), ()):
            self._delivered.add((side, lane, name, digest))
        elif lane != "control":  # a receipt's acknowledgements come there as well
            self._world.trace.fault(f"{side}: {lane} {name} was delivered as no operator signed it")

    # --- the end

    def check(self) -> None:
        """Hold both registers against what happened."""
        with tempfile.TemporaryDirectory(prefix="ferrygate-simulation-") as name:
            registers = {side: self._copied(side, Path(name)) for side in MEDIA}
            for side, register in registers.items():
                self._check_one(side, register)
                self._check_exports(side, register)
                self._check_imports(side, register, registers[other(side)])
            for register in registers.values():
                register.close()

    def _check_one(self, side: str, register: MediaRegister) -> None:
        try:
            register.verify()
        except Bug as error:
            self._world.trace.fault(f"register of {side}: {error.private}")
        for medium in register.media():
            last = register.last_passage(medium.serial)
            if medium.state is MediumState.RECEIPTED and (last is None or last.receipt_ms is None):
                self._world.trace.fault(
                    f"register of {side}: {medium.serial} is receipted, and its last filling is not"
                )

    def _check_exports(self, side: str, register: MediaRegister) -> None:
        trace = self._world.trace
        mine = [export for export, where in self._exported.items() if where == side]
        for export in mine:
            if register.passage(export) is None:
                trace.fault(f"register of {side} has forgotten the export of {self._signed[export].serial}")
        previous: dict[tuple[int, int], bytes] = {}
        for passage in _passages(register, EXPORT_WAY, self._signed):
            statement = self._signed[passage.export]
            if passage.statement != statement.digest():
                trace.fault(f"register of {side}: {passage.serial} has another statement than was signed")
            if (passage.epoch, passage.sequence) in previous:
                trace.fault(f"register of {side}: two exports have the number {passage.sequence}")
            previous[passage.epoch, passage.sequence] = passage.statement
            if passage.sequence > 1 and previous.get((passage.epoch, passage.sequence - 1)) != statement.previous:
                trace.fault(f"register of {side}: export {passage.sequence} does not follow the one before it")

    def _check_imports(self, side: str, register: MediaRegister, sender: MediaRegister) -> None:
        trace = self._world.trace
        done = Counter(act.detail for act in register.acts(most=_ALL) if act.act == "imported")
        for filling, count in done.items():
            if count > 1:
                trace.fault(f"register of {side}: filling {filling[:8]} was imported {count} times")
        for passage in _passages(register, IMPORT_WAY, self._signed):
            finished = passage.state not in (OPEN, DELIVERING)
            if finished and done[passage.export.hex()] != 1:
                trace.fault(f"register of {side}: {passage.serial} is imported, and no act says so")
            there = sender.passage(passage.export)
            if there is not None and there.statement != passage.statement:
                trace.fault(f"registers differ about {passage.serial}")
            if there is not None and there.state == RECEIPTED and not finished:
                trace.fault(f"{passage.serial} has its receipt, and its import is not finished")
        for export in self._imported:
            if self._signed[export].direction == ("inbound" if side == "high" else "outbound"):
                if not done[export.hex()]:
                    trace.fault(f"register of {side} has forgotten the import of {self._signed[export].serial}")

    def _copied(self, side: str, folder: Path) -> MediaRegister:
        path = REGISTERS[side]
        files = self._world.disks[ROLES[side]].folders[str(path.parent)]
        target = folder / side
        target.mkdir()
        for name in (path.name, f"{path.name}-wal"):
            if name in files:
                (target / name).write_bytes(bytes(files[name].content))
        return MediaRegister(target / path.name)


def _passages(register: MediaRegister, way: str, signed: dict[bytes, MediumStatement]) -> list[Passage]:
    """The register's passages of one way, in the order of their numbers."""
    found = [register.passage(export) for export in signed]
    mine = [passage for passage in found if passage is not None and passage.way == way]
    return sorted(mine, key=lambda passage: (passage.epoch, passage.sequence))
