"""The media clerk (介质台): carries out what operators ask for on the console's page, one thing after the other.

    <media>/orders ──▶ the console's signature, operator, age ──▶ the functions of ``ferry.media`` ──▶ clerk.json

The console has no key of the half and writes nothing but orders; the clerk has the half's keys and serves no network.
What came of an order stands in the state file, under the order's name, in both languages.

An order is taken out of the drop before it is carried out: after a crash nothing is done twice, and the page says that
it does not know what came of it; the register does.

Source: decision 0026.
"""

from __future__ import annotations

from twisted.logger import Logger

from ferry.folders import read_file, remove_entry
from ferry.media.clerk_state import ClerkState, Outcome
from ferry.media.clerk_work import WORK, Work
from ferry.media.desk import MediaDesk, MediaFolders, open_desk
from ferry.media.orders import MAX_ORDER_BYTES, MOST_WAITING, Order, order_name, verify_order
from ferry.media.settings import ClerkSettings
from ferry.media.troubles import told_error
from ferry.settings import HalfSettings
from wire_formats.bilingual import Label
from wire_formats.collaborators import Clock, Disk, Randomness
from wire_formats.disk import DISK
from wire_formats.drop import TEMPORARY, parse_name, prepare_drop
from wire_formats.errors import HallError, PeerError, Unavailable
from wire_formats.settings_reader import SettingsError


class MediaClerk:
    """One half's clerk; its methods run in one thread at a time.

    Args:
        settings: where media are mounted.
        half: the half's own settings.
        clock: the instant.
        randomness: names exports.
        disk: where the half's folders and the media lie.

    Raises:
        SettingsError: the half has no media, or a key cannot be used.
        Unavailable: the register cannot be opened.
    """

    log = Logger()

    def __init__(
        self, settings: ClerkSettings, half: HalfSettings, *, clock: Clock, randomness: Randomness, disk: Disk = DISK
    ) -> None:  # fmt: skip
        if half.media is None:
            raise SettingsError("this half has no [ferry.media] settings; docs/media.md shows them")
        self._settings = settings
        self._half = half
        self._clock = clock
        self._randomness = randomness
        self._folders = MediaFolders(half.media.folder, disk)
        desk = self._desk()
        desk.register.close()
        prepare_drop(self._folders.orders, disk=disk)
        self.state = ClerkState(self._folders, settings, clock)
        self.state.learn(desk)

    def step(self) -> None:
        """Carry out the orders that wait, and tell how things stand.

        Raises:
            OSError: the state cannot be written.
        """
        names = self._waiting()
        for name in names:
            self._take(name)
        if names or self.state.due:
            self.state.write()

    def _waiting(self) -> list[str]:
        names = [name for name in self._folders.disk.names(self._folders.orders) if name != TEMPORARY]
        return sorted(names)[:MOST_WAITING]

    def _take(self, name: str) -> None:
        data = self._fetch(name)
        if data is None:
            return
        order, operator, told = Order("", "", 0), "", Label("", "")
        outcome = "done"
        try:
            desk = self._desk()
            try:
                verified = verify_order(
                    data, desk.operators, desk.machines, half=desk.name, now_ms=self._clock.now_ms()
                )
                order, operator = verified.order, verified.operator.name
                self.state.busy(order)
                told = WORK[order.word](Work(desk, self._settings, self.state, order, operator))
            finally:
                self.state.learn(desk)
                desk.register.close()
        except HallError as error:
            outcome, told = "refused", told_error(error)
        except (OSError, SettingsError) as error:
            outcome, told = "refused", Label(f"系统原因，未执行：{error}", f"not carried out: {error}")
        self.state.tell(
            Outcome(
                order_name(data), self._clock.now_ms(), order.word, order.serial, operator, outcome, told.zh, told.en
            )
        )
        self.log.info("media_order", stage=order.word, operator=operator, state=outcome, reason=told.en)

    def _fetch(self, name: str) -> bytes | None:
        """Read an order and take it out of the drop; what is none goes, too."""
        data = None
        try:
            parse_name(name)
            data = read_file(self._folders.orders, name, limit=MAX_ORDER_BYTES, disk=self._folders.disk)
        except (PeerError, FileNotFoundError):
            self.log.warn("media_order_strange")
        except Unavailable as error:
            self.log.debug("media_order_delayed", reason=error.private)
            return None
        return data if remove_entry(self._folders.orders, name, disk=self._folders.disk) else None

    def _desk(self) -> MediaDesk:
        return open_desk(self._half, clock=self._clock, randomness=self._randomness, disk=self._folders.disk)
