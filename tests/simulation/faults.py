"""Which faults a seed meets.  A profile says what kind of schedule it is; the seed says how much of it, and when.

loss       the carrier loses bundles and nothing else: figures of noticing and repair are checked
gap        the carrier loses, tears, alters, doubles, delays, repeats, litters; control lanes too
kills      kill -9 before, after and in the middle of writes, syncs, renames, unlinks, commits, acknowledgements
power      machines go dark, in the middle of those, or at any time; the gap's disk as well
disk       no room, errors, short writes, refused changes
clocks     clocks a day ahead, a day behind, set back and forth
outage     both lanes down, now and then for an hour
hands      folders emptied, journals removed or put back, keys changed with a backlog, processes stopped
media      people carry media, lose and confuse them; deaths, pulled-out media and power cuts at every step of theirs
diode      a cable in the place of the folders: loss beyond what is planned, in bursts, turned bits, dark times, deaths
poison     requests whose inspection or execution ends the process
tight      small bounds everywhere, and much to do
storm      a little of everything
"""

from __future__ import annotations

import errno
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from ferry.settings import FerryLimits
from tests.simulation import processes
from tests.simulation.cable import CableRates
from tests.simulation.carrier import Carrier, Rates
from tests.simulation.courier import Courier, CourierRates
from tests.simulation.forgery import Forger
from tests.simulation.media_lane import MediaBounds
from tests.simulation.process_disk import CHANGES, Crash, Trouble
from tests.simulation.processes import Bounds
from tests.simulation.users import Users
from tests.simulation.watchers import Conservation
from tests.simulation.world import DEVICES, ROLES, World

PROFILES: Final = (
    "loss", "gap", "kills", "power", "disk", "clocks", "outage", "hands", "poison", "tight", "storm", "diode", "media",
)  # fmt: skip
DAY_MS: Final = 86_400_000
HOUR_S: Final = 3_600.0
_REFUSED: Final = frozenset({"create", "write", "rename", "unlink", "make_folder", "db_write"})
_TROUBLES: Final = (
    (frozenset({"create", "write", "db_write"}), errno.ENOSPC),
    (frozenset({"create", "write", "db_write", "rename"}), errno.ENOSPC),
    (frozenset({"write"}), 0),
    (frozenset({"write", "db_write"}), 0),
    (frozenset({"write", "read", "db_write", "db_read", "sync", "db_sync"}), errno.EIO),
    (_REFUSED, errno.EROFS),
    (frozenset({"open", "create", "names", "unlink"}), errno.EACCES),
)


@dataclass
class Plan:
    """What one seed is going to meet."""

    profile: str
    direct: bool
    bounds: Bounds
    rates: Rates
    faults_s: float
    users: int
    burst: float
    cable: CableRates | None = None
    media: MediaBounds | None = None
    courier: CourierRates = field(default_factory=CourierRates)


@dataclass
class Parts:
    """Who can do harm in a schedule."""

    world: World
    carrier: Carrier
    users: Users
    conservation: Conservation
    courier: Courier | None
    forger: Forger
    chance: random.Random
    older: dict[str, dict[str, bytes]] = field(default_factory=dict)


def plan_of(seed: int, profile: str = "") -> Plan:
    """Decide what kind of schedule a seed is."""
    chance = random.Random(f"{seed} plan")
    chosen = profile or PROFILES[seed % len(PROFILES)]
    tight = chosen == "tight" or chosen == "storm" and chance.random() < 0.3
    limits = FerryLimits(
        credits=chance.choice((2, 4, 8)) if tight else chance.choice((16, 64)),
        quarantine_files=4 if tight else 500,
        worker_inbox_files=chance.choice((4, 12)) if tight else 200,
        core_inbox_files=chance.choice((2, 5)) if tight else 50,
        journal_rows=chance.choice((10, 40)) if tight else 1_000,
        give_up_tries=chance.choice((4, 12)),
        log_leaves=random.Random(f"{seed} log").choice((3, 9, 40)) if tight else 1 << 20,
    )
    worker = {
        "resend_first_ms": chance.choice((2_000, 5_000)),
        "resend_most_ms": 20_000,
        "outbox_files": 6 if tight else 200,
    }
    bounds = Bounds(limits, core_outbox_files=3 if tight else 2_000, worker=worker)
    direct = chosen in ("kills", "power", "disk", "hands") and chance.random() < 0.4
    rates = _rates(chosen, chance)
    seconds, users = chance.uniform(15, 45), 60 if tight else chance.randrange(12, 40)
    cable = _cable(random.Random(f"{seed} cable rates")) if chosen == "diode" else None
    if chosen == "media":
        return _with_media(Plan(chosen, False, bounds, rates, seconds, users, 0.5), random.Random(f"{seed} media"))
    return Plan(chosen, direct, bounds, rates, seconds, users, 0.5, cable)


def _with_media(plan: Plan, chance: random.Random) -> Plan:
    some: Callable[[float], float] = lambda most: chance.uniform(0, most) if chance.random() < 0.7 else 0.0  # noqa: E731
    courier = CourierRates(
        lose=some(0.3), slow=some(0.4), twice=some(0.4), no_receipt=some(0.5), late_receipt=some(0.4), stray=some(1.0),
        crash=some(0.25), power=some(0.5), pull=some(0.3),
    )  # fmt: skip
    return replace(
        plan, media=MediaBounds(most_files=chance.choice((12, 40, 12_000))), courier=courier,
        faults_s=2 * plan.faults_s,
    )  # fmt: skip


def _cable(chance: random.Random) -> CableRates:
    return CableRates(
        lose=chance.choice((0.0, 0.01, 0.05, 0.2, 0.4)), burst=chance.choice((1.0, 1.0, 5.0, 30.0)),
        flip=chance.choice((0.0, 0.01)), double=chance.choice((0.0, 0.05)), planned=chance.choice((0, 100, 500)),
    )  # fmt: skip


def _rates(profile: str, chance: random.Random) -> Rates:
    if profile == "loss":
        return Rates(lose=chance.choice((0.02, 0.1, 0.3)), spare_control=chance.random() < 0.8)
    some: Callable[[float], float] = lambda most: chance.uniform(0, most) if chance.random() < 0.6 else 0.0  # noqa: E731
    most = {"gap": 0.15, "storm": 0.05, "hands": 0.02, "clocks": 0.02}.get(profile, 0.0)
    delay = some(most) if most else some(0.05)
    return Rates(
        lose=some(2 * most), tear=some(most), flip=some(most), double=some(most), delay=delay, replay=some(2 * most),
        litter=some(most / 10),
    )  # fmt: skip


class Faults:
    """Carries out a plan.

    Args:
        plan: of the seed.
        parts: who can do harm.
    """

    def __init__(self, plan: Plan, parts: Parts) -> None:
        self._plan = plan
        self._parts = parts
        self._world, self._chance = parts.world, parts.chance
        self._carrier = parts.carrier
        self._over = False

    def start(self) -> None:
        kinds: dict[str, tuple[Callable[[], None], ...]] = {
            "gap": (self._forge,),
            "kills": (self._kill, self._crash, self._crash, self._crash_on_the_road),
            "power": (self._power, self._crash_with_power),
            "disk": (self._trouble,),
            "clocks": (self._clock, self._clock, self._kill),
            "outage": (self._outage,),
            "hands": (self._empty, self._journal, self._keys, self._stop, self._kill),
            "media": (self._kill, self._crash, self._power, self._crash_with_power, self._trouble, self._pause),
            "diode": (self._kill, self._crash, self._pause, self._dark),
            "poison": (self._poison, self._poison, self._kill),
            "tight": (self._kill, self._pause, self._pause),
            "storm": (
                self._forge, self._kill, self._crash, self._power, self._crash_with_power, self._trouble, self._clock,
                self._empty, self._journal, self._keys, self._stop, self._pause, self._short_outage,
            ),
        }  # fmt: skip
        acts = kinds.get(self._plan.profile, ())
        for _ in range(self._chance.randrange(2, 9) if acts else 0):
            act = self._chance.choice(acts)
            self._world.scheduler.after(self._chance.uniform(0.5, self._plan.faults_s), lambda act=act: self._do(act))  # type: ignore[misc]
        self._world.scheduler.after(0.9 * self._plan.faults_s, self._remember)

    def end(self) -> None:
        """From now on the world is honest, and everything runs again."""
        self._over = True
        self._carrier.rates = Rates()
        self._carrier.down = False
        if self._parts.courier is not None:
            self._parts.courier.rates = CourierRates()
        if (cable := self._world.cable) is not None:
            cable.rates, cable.dark = CableRates(), False
        self._world.mounts.troubles.clear()
        for machine in self._world.machines.values():
            machine.offset_ms = 0
        for role in self._world.roles.values():
            role.stopped = False
            if role.disk is not None:
                role.disk.crash = None
        self._world.disturb("faults end")
        self._world.start_all()

    def _do(self, act: Callable[[], None]) -> None:
        if not self._over:
            act()

    def _remember(self) -> None:
        """Copies of the journals, as an operator makes them."""
        for name, path in processes.JOURNALS.items():
            disk = self._world.disks[ROLES[name]]
            folder = str(path.parent)
            self._parts.older[name] = {
                file: bytes(inode.content) for file, inode in disk.folders[folder].items() if "journal" in file
            }

    # --- processes

    def _role(self) -> str:
        return self._chance.choice(tuple(ROLES))

    def _kill(self) -> None:
        self._world.kill(self._role())

    def _crash(self, *, power: bool = False) -> None:
        where = "/control/" if self._chance.random() < 0.1 else ""
        kinds = frozenset({self._chance.choice(CHANGES)} if self._chance.random() < 0.7 else CHANGES)
        moment = self._chance.choice(("before", "after", "torn"))
        self._world.crash_at(self._role(), Crash(kinds, self._chance.randrange(1, 25), moment, power, where))

    def _crash_on_the_road(self) -> None:
        """A half dies right after a bundle got its name on the gap or behind it, and nothing of that is committed yet."""
        name = self._chance.choice(("low", "high"))
        self._world.crash_at(
            name, Crash(frozenset({"rename"}), self._chance.randrange(1, 4), "after", False, "/interactive/")
        )

    def _crash_with_power(self) -> None:
        self._crash(power=True)

    def _pause(self) -> None:
        """A process stands still, as one that is stopped or whose machine is busy."""
        process = self._world.roles[self._role()].process
        if process is not None:
            self._world.disturb(f"{process.name} stands still")
            process.busy_until = self._world.scheduler.now + self._chance.uniform(0.2, 6.0)

    def _stop(self) -> None:
        """Somebody stops a role, and starts it again later."""
        name = self._role()
        self._world.roles[name].stopped = True
        self._world.kill(name)
        self._world.scheduler.after(self._chance.uniform(1, 15), lambda: self._let(name))

    def _let(self, name: str) -> None:
        self._world.roles[name].stopped = False
        self._world.start(name)

    # --- machines

    def _power(self) -> None:
        self._world.cut_power(self._chance.choice(DEVICES))

    def _trouble(self) -> None:
        kinds, number = self._chance.choice(_TROUBLES)
        device, seconds = self._chance.choice(DEVICES), self._chance.uniform(0.2, 8.0)
        rate = self._chance.choice((0.02, 0.3, 1.0))
        self._world.disturb(f"disk {device}: errno {number} for {seconds:.1f} s, {rate:.0%} of {sorted(kinds)}")
        until = self._world.scheduler.now + seconds
        self._world.mounts.troubles[device] = Trouble(kinds, number, rate, until)
        self._world.scheduler.after(seconds, lambda: self._world.disturb(f"disk {device} is well again"))

    def _clock(self) -> None:
        name, machine = self._chance.choice(tuple(self._world.machines.items()))
        machine.offset_ms = self._chance.choice((DAY_MS, -DAY_MS, 0, 3_600_000, -3_600_000, 240_000, -240_000, -5))
        self._world.disturb(f"clock of {name} is wrong by {machine.offset_ms / 1000:.3f} s")

    # --- the gap

    def _outage(self) -> None:
        long = self._chance.random() < 0.05
        self._down(HOUR_S if long else self._chance.uniform(5, 120))

    def _short_outage(self) -> None:
        self._down(self._chance.uniform(1, 20))

    def _down(self, seconds: float) -> None:
        if self._carrier.down:
            return
        self._world.disturb(f"both lanes down for {seconds:.0f} s")
        self._carrier.down = True
        self._world.scheduler.after(seconds, self._up)

    def _up(self) -> None:
        self._world.disturb("lanes up")
        self._carrier.down = False

    def _dark(self) -> None:
        """Both cables carry nothing for a while."""
        cable, seconds = self._world.cable, self._chance.uniform(0.2, 15.0)
        assert cable is not None
        cable.dark = True
        self._world.disturb(f"cables dark for {seconds:.1f} s")
        self._world.scheduler.after(seconds, self._light)

    def _light(self) -> None:
        cable = self._world.cable
        assert cable is not None
        cable.dark = False
        self._world.disturb("cables carry again")

    def _forge(self) -> None:
        self._parts.forger.forge()

    # --- hands

    def _empty(self) -> None:
        """Somebody empties a folder of the ferry."""
        low, high = self._world.gap
        folder = self._chance.choice((
            f"{processes.DMZ}/low/spool/inbound-interactive", f"{processes.DMZ}/low/spool/inbound-bulk",
            f"{processes.CORE}/high/spool/outbound-interactive", f"{processes.CORE}/high/spool/outbound-bulk",
            f"{low}/inbound/interactive", f"{high}/outbound/interactive", f"{low}/inbound/control",
        ))  # fmt: skip
        disk = self._world.disks[folder.split("/")[3]]
        names = [name for name in disk.folders.get(folder, {})]
        self._world.disturb(f"somebody empties {folder} ({len(names)})")
        for name in names:
            disk.unlink(f"{folder}/{name}")
            self._parts.conservation.by_hand(f"{folder}/{name}")

    def _journal(self) -> None:
        """Somebody removes a half's journal, or puts an older one in its place."""
        name = self._chance.choice(("low", "high"))
        older = self._parts.older.get(name)
        self._world.kill(name)
        disk, folder = self._world.disks[ROLES[name]], str(processes.JOURNALS[name].parent)
        for file in [file for file in disk.folders[folder] if "journal" in file]:
            disk.unlink(f"{folder}/{file}")
        for file, content in (older or {}).items():
            disk.create(f"{folder}/{file}").write(content, 0)
        self._world.excuses.add("journal")
        self._world.disturb(f"journal of {name} is {'an older one' if older else 'gone'}")

    def _keys(self) -> None:
        """A role signs with its other key from now on."""
        name = self._role()
        role = self._world.roles[name]
        role.key = 1 - role.key
        self._world.disturb(f"{name} changes its key")
        self._world.kill(name)

    def _poison(self) -> None:
        intents = [intent for intent in self._parts.users.intents.values() if intent.told is None and not intent.over]
        if intents:
            intent = self._chance.choice(intents)
            intent.poison = self._chance.choice(("high", "core"))
            self._world.disturb(f"declaration {intent.wage} is poison for {intent.poison}")
