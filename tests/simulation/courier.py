"""People who carry media: they export, let two operators sign, carry, import, bring receipts, sanitise, and err.

Each medium has a life of its own, written down as a script; what it asks for is a command at one of the two machines,
run by the product's own functions in a process of its own.  A command is one call of the simulation: it may die at any
of its operations, the medium be pulled out at any of them, and its machine lose power, but its half does nothing
meanwhile.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, Final

from ferry.media.desk import MediaDesk
from ferry.media.drafting import add_signature, cancel_export, prepare_export, write_export
from ferry.media.exporting import export_medium
from ferry.media.importing import import_medium
from ferry.media.prepared import prepared_export
from ferry.media.receipts import take_receipt, write_receipt
from ferry.media.states import MediumKind, MediumState
from ferry.media.writing import FOLDER
from tests.simulation.disk import SimDisk
from tests.simulation.media_book import MediaBook
from tests.simulation.media_commands import Command, Outcome, Wait, carry_out
from tests.simulation.media_lane import MEDIA, MediaBounds, medium_path, other
from tests.simulation.world import World
from wire_formats.errors import Kind, PeerError, Refused, Unavailable
from wire_formats.medium import sign_statement

Script = Generator[Wait | Command, Outcome, Any]
#: How many media go each way, before one is lost.
MEDIA_EACH_WAY: Final = 2
_TRIES: Final = 10
#: Seen so often, an export that somebody else prepared is cancelled.
_PATIENCE: Final = 4


@dataclass
class CourierRates:
    """How often people and machines fail, 0..1 each; by default never.

    Attributes:
        lose: a medium is lost on its way; one of two is found after it was given up.
        slow: it is on its way for long, so that later ones overtake it.
        twice: it is imported again.
        no_receipt: no receipt is written, or it never comes back.
        late_receipt: it comes back when its medium is on its way again.
        stray: a medium that its register does not know is carried all the same.
        crash: a command dies in the middle.
        power: of these, its machine goes dark with it.
        pull: a medium is pulled out in the middle of a command.
    """

    lose: float = 0.0
    slow: float = 0.0
    twice: float = 0.0
    no_receipt: float = 0.0
    late_receipt: float = 0.0
    stray: float = 0.0
    crash: float = 0.0
    power: float = 0.0
    pull: float = 0.0


@dataclass
class Stick:
    """One medium.

    Attributes:
        serial: in both registers, and the name of its device.
        sender: the side it is filled at.
        stray: whether the sender's register does not know its present filling.
    """

    serial: str
    sender: str
    stray: bool = False

    @property
    def receiver(self) -> str:
        return other(self.sender)

    @property
    def device(self) -> str:
        return self.serial.lower()


class Courier:
    """All people.

    Args:
        world: where they work.
        rates: how often they fail.
        bounds: settings of the halves' media.
        chance: decides.
    """

    def __init__(self, world: World, rates: CourierRates, bounds: MediaBounds, chance: random.Random) -> None:
        self.world, self.rates, self.bounds, self.chance = world, rates, bounds, chance
        self.book = MediaBook(world)
        self.commands = self.carried = 0
        self._made = 0

    def start(self) -> None:
        for side in MEDIA:
            for _ in range(MEDIA_EACH_WAY):
                self._begin(side)

    # --- scripts

    def _begin(self, side: str) -> None:
        self._made += 1
        stick = Stick(f"{side.upper()}-{self._made:04d}", side)
        self._wipe(stick)
        self._advance(self._life(stick), None)

    def _advance(self, script: Script, outcome: Outcome | None) -> None:
        try:
            step = script.send(outcome) if outcome is not None else next(script)
        except StopIteration:
            return
        if isinstance(step, Wait):
            self.world.scheduler.after(step.seconds, lambda: self._advance(script, Outcome()))
            return
        self.commands += 1
        crash = self.chance if self.chance.random() < self.rates.crash else None
        power = crash is not None and self.chance.random() < self.rates.power
        carry_out(self, step, lambda outcome: self._advance(script, outcome), crash=crash, power=power)

    def _life(self, stick: Stick) -> Script:
        """Filled, carried, taken in, receipted, sanitised, and again, until it is lost."""
        yield from self._enter(stick)
        while True:
            yield from self._fill(stick)
            if not (yield from self._carry(stick)):
                self._begin(stick.sender)
                return
            yield from self._take_in(stick)
            if self._happens(self.rates.twice):
                yield from self._take_in(stick, again=True)
            receipt = None
            if not self._happens(self.rates.no_receipt):
                receipt = yield from self._receipt(stick)
            yield from self._until_it_is(stick, stick.receiver, MediumState.SANITISED)
            self._wipe(stick)
            yield Wait(self._way())
            yield from self._come_back(stick, receipt)

    def _enter(self, stick: Stick) -> Script:
        def enter(desk: MediaDesk) -> None:
            if desk.register.medium(stick.serial) is None:
                now_ms = desk.clock.now_ms()
                desk.register.add(stick.serial, "", MediumKind.REWRITABLE, operator="li", now_ms=now_ms)

        while not (yield Command(stick.sender, "register", enter)).done:
            yield Wait(self._soon())

    def _fill(self, stick: Stick) -> Script:
        """Until the medium is filled and in the register, or is carried although it is not."""
        stick.stray, blocked = False, 0
        while True:
            yield Wait(self._soon())
            seen = yield Command(stick.sender, "list", lambda desk: _seen(desk, stick.serial))
            if not seen.done:
                continue
            state, prepared = seen.value
            self._unplug(stick)
            filled = self._is_filled(stick)
            if state is MediumState.EXPORTED:
                if not filled:
                    self.world.trace.fault(f"{stick.serial} is exported by its register, and there is nothing on it")
                self.book.filled(stick)
                return
            if filled:  # the export died before the register's entry
                if self._happens(self.rates.stray):
                    stick.stray = True
                    self.book.filled(stick)
                    return
                self._wipe(stick)
            blocked = blocked + 1 if prepared not in ("", stick.serial) else 0
            if blocked >= _PATIENCE:  # whoever prepared it has lost its medium, or forgot it
                yield Command(stick.sender, "cancel", lambda desk: cancel_export(desk, by="wang"))
            if prepared == stick.serial or self.chance.random() < 0.4:
                yield from self._in_steps(stick)
            else:
                made = yield Command(
                    stick.sender, "export", lambda desk: self._export(desk, stick), self._pulled(stick)
                )
                self._told(stick, made)

    def _export(self, desk: MediaDesk, stick: Stick) -> Any:
        def both(statement: Any) -> Any:
            self.book.signs(statement)
            return self.world.kit.operators

        return export_medium(desk, stick.serial, medium_path(stick.device), both).statement

    def _in_steps(self, stick: Stick) -> Script:
        """As on the console: prepared, signed twice, written; now and then cancelled."""
        found = yield Command(stick.sender, "look", lambda desk: prepared_export(desk.folders))
        draft = found.value
        if draft is None:
            prepare: Callable[[MediaDesk], Any] = lambda desk: prepare_export(desk, stick.serial, by="li")  # noqa: E731
            made = yield Command(stick.sender, "prepare", prepare)
            if not made.done:
                return
            draft = made.value
        if draft.statement.serial != stick.serial:
            return  # another medium's; its own people go on with it
        self.book.signs(draft.statement)
        export = draft.statement.export
        for key in self.world.kit.operators[len(draft.signatures) :]:
            yield Wait(self._soon() / 3)
            signature = sign_statement(draft.statement, key)
            sign: Callable[[MediaDesk], Any] = lambda desk, one=signature: add_signature(desk, export, one)  # type: ignore[misc]  # noqa: E731
            if not (yield Command(stick.sender, "sign", sign)).done:
                return
        place = medium_path(stick.device)
        written = yield Command(
            stick.sender, "write", lambda desk: write_export(desk, export, place).statement, self._pulled(stick)
        )
        self._told(stick, written)
        if written.error is not None and (not isinstance(written.error, Unavailable) or self.chance.random() < 0.3):
            yield Command(stick.sender, "cancel", lambda desk: cancel_export(desk, by="li"))

    def _told(self, stick: Stick, made: Outcome) -> None:
        if made.done:
            self.book.exported(stick.sender, made.value)

    def _carry(self, stick: Stick) -> Script:
        """Give whether it arrives."""
        if self._happens(self.rates.lose):
            self.world.disturb(f"{stick.serial} is lost")
            yield Wait(self.chance.uniform(1, 10))
            if not stick.stray:
                yield from self._until_it_is(stick, stick.sender, MediumState.LOST)
            if self.chance.random() < 0.5:
                return False
            self.world.disturb(f"{stick.serial} is found")
        slow = self._happens(self.rates.slow)
        yield Wait(self.chance.uniform(5, 25) if slow else self._way())
        self.carried += 1
        return True

    def _take_in(self, stick: Stick, *, again: bool = False) -> Script:
        place = medium_path(stick.device)
        for _ in range(_TRIES * 3):
            take: Callable[[MediaDesk], Any] = lambda desk: import_medium(desk, place, by="zhao")  # noqa: E731
            taken = yield Command(stick.receiver, "import", take, self._pulled(stick), mounts=stick.device)
            error = taken.error
            if taken.done:
                self.book.imported(stick.receiver, taken.value.statement, again=again)
                return
            if isinstance(error, Refused) and "already" in error.private:
                return
            if isinstance(error, Refused) and "cannot become imported" in error.private:
                yield from self._until_it_is(stick, stick.receiver, MediumState.SANITISED)
            elif isinstance(error, PeerError | Refused):
                self.world.trace.fault(f"{stick.serial} is refused: {error.private}")
                return
            yield Wait(self._soon())

    def _receipt(self, stick: Stick) -> Script:
        """Give a receipt to carry back, or None."""
        for _ in range(_TRIES):
            write: Callable[[MediaDesk], Any] = lambda desk: write_receipt(desk, stick.serial, by="zhao").data  # noqa: E731
            written = yield Command(stick.receiver, "receipt", write)
            if written.done:
                return written.value
            if isinstance(written.error, Refused) and self.book.came(stick) > 1:
                return None  # a prepared export was carried before its register knew, then written and carried again
            if isinstance(written.error, Refused):
                self.world.trace.fault(f"no receipt for {stick.serial}: {written.error.private}")
                return None
            yield Wait(self._soon())
        return None

    def _come_back(self, stick: Stick, receipt: bytes | None) -> Script:
        """The sender takes the receipt, or gives the medium up; then it may be filled again."""
        if receipt is not None and self._happens(self.rates.late_receipt):
            late = self._take_receipt(stick, receipt)
            self.world.scheduler.after(self.chance.uniform(3, 20), lambda: self._advance(late, None))
            receipt = None
        if receipt is not None:
            yield from self._take_receipt(stick, receipt)
            if self._happens(self.rates.twice):
                yield from self._take_receipt(stick, receipt)
        if stick.stray:
            return
        seen = yield from self._look(stick)
        if seen is not MediumState.RECEIPTED:
            yield Wait(self.chance.uniform(1, 8))
            yield from self._until_it_is(stick, stick.sender, MediumState.LOST)
        yield from self._until_it_is(stick, stick.sender, MediumState.SANITISED)

    def _take_receipt(self, stick: Stick, data: bytes) -> Script:
        for _ in range(_TRIES):
            taken = yield Command(stick.sender, "take receipt", lambda desk: take_receipt(desk, data, by="li"))
            error = taken.error
            if taken.done or isinstance(error, Refused) and error.kind in (Kind.NOT_FOUND, Kind.CONFLICT):
                return
            if isinstance(error, PeerError | Refused):
                self.world.trace.fault(f"the receipt of {stick.serial} is refused: {error.private}")
                return
            yield Wait(self._soon())

    def _until_it_is(self, stick: Stick, side: str, state: MediumState) -> Script:
        """Note a state, again and again, until the register has it."""

        def note(desk: MediaDesk) -> None:
            medium = desk.register.medium(stick.serial)
            if medium is not None and medium.state is not state:
                desk.register.move(stick.serial, state, operator="li", now_ms=desk.clock.now_ms())

        while True:
            noted = yield Command(side, state.value, note)
            if noted.done:
                return
            if isinstance(noted.error, Refused):
                self.world.trace.fault(f"{stick.serial} cannot become {state.value}: {noted.error.private}")
                return
            yield Wait(self._soon())

    def _look(self, stick: Stick) -> Script:
        while True:
            seen = yield Command(stick.sender, "list", lambda desk: _seen(desk, stick.serial))
            if seen.done:
                return seen.value[0]
            yield Wait(self._soon())

    # --- hands

    def _happens(self, rate: float) -> bool:
        return self.chance.random() < rate

    def _soon(self) -> float:
        return self.chance.uniform(0.3, 1.2)

    def _way(self) -> float:
        return self.chance.uniform(0.3, 2.0)

    def _pulled(self, stick: Stick) -> str:
        """The device that is going to be pulled out in the middle, or nothing."""
        return stick.device if self._happens(self.rates.pull) else ""

    def _is_filled(self, stick: Stick) -> bool:
        return f"{medium_path(stick.device)}/{FOLDER}" in self.world.disks[stick.device].folders

    def _unplug(self, stick: Stick) -> None:
        """It is pulled out and not unmounted: what was not synced is lost."""
        self.world.disks[stick.device].lose_power()

    def _wipe(self, stick: Stick) -> None:
        """An empty file system, and nobody has pulled it out."""
        disk = SimDisk(stick.device, random.Random(f"{self.world.seed} disk {stick.device}"))
        disk.make_folder(str(medium_path(stick.device)))
        self.world.disks[stick.device] = disk


def _seen(desk: MediaDesk, serial: str) -> tuple[MediumState | None, str]:
    """What ``list`` shows: the medium's state, and of which medium an export is prepared."""
    medium, draft = desk.register.medium(serial), prepared_export(desk.folders)
    return medium and medium.state, draft.statement.serial if draft is not None else ""
