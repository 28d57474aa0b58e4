"""The half's own part: reads acts from its drop, checks them, does what operators agreed on (implements ``Station``).

    drop ──▶ signature, operator, half, age ──▶ ledger: taken ──▶ by another operator: agreed ──▶ done

What is agreed is in the ledger before anything is done, and every step may be done again:

    release   copy the bundle to the lane's folder ``released``; journal HELD -> RECEIVED; take it off the shelf; done
    reject    journal HELD -> REJECTED; move it from the shelf to ``rejected``; done

A crash in between leaves the line "agreed" without "done": the start repeats it before any lane runs.  A copy that was
taken in already has left the state HELD, and is not copied again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import replace
from typing import Final

from twisted.logger import Logger

from ferry.acts.act import BY_TWO, MAX_ACT_BYTES, PAUSE, RELEASE, VerifiedAct, verify_act
from ferry.acts.held import HeldItem, HeldShelf
from ferry.acts.held_rows import find_by_file, reject_row, release_row
from ferry.acts.ledger import AGREED, DONE, REFUSED, ActLedger
from ferry.acts.released import released_port
from ferry.acts.settings import ActsSettings
from ferry.acts.view import single_item
from ferry.intake import Over
from ferry.journal import RECEIVED_WAY, SENT_WAY, Entry
from ferry.lane.checks import LaneId
from ferry.lane.crossing import Author, State
from ferry.lane.reasons import Reason
from ferry.parts import HalfParts
from ferry.ports import FolderPort
from wire_formats.bundle import encode_bundle, parse_bundle, peek_statement
from wire_formats.cose import parse_sign1
from wire_formats.drop import DropName, prepare_drop, write_drop
from wire_formats.errors import PeerError, Unavailable
from wire_formats.medium import OPERATOR_ROLE
from wire_formats.merkle import leaf_hash
from wire_formats.trust import TrustStore

_AT_ONCE: Final = 16
_RELEASED: Final = "released"


class ActStation:
    """Acts of one half.

    Args:
        parts: the half's collaborators.
        settings: where acts lie.
        operators: gives the operators known now; the file is read for every act, so that a change holds at once.
        lanes: the lanes of this half.
        wake: lets a lane look for work.
        one_way: whether nothing ever goes back to the sender, so that a lane cannot wait at its receiving end.
    """

    log = Logger()

    def __init__(
        self, parts: HalfParts, settings: ActsSettings, operators: Callable[[], TrustStore],
        lanes: Collection[LaneId], wake: Callable[[LaneId], None], *, one_way: bool,
    ) -> None:  # fmt: skip
        self._parts = parts
        self._settings = settings
        self._operators = operators
        self._lanes = tuple(lanes)
        self._wake = wake
        self._one_way = one_way
        self.port = FolderPort(settings.drop, limit=MAX_ACT_BYTES, disk=parts.disk)
        self._shelf = HeldShelf(parts.quarantine.folder, disk=parts.disk)
        self._ledger: ActLedger | None = None
        self._due: list[tuple[str, str]] = []

    def start(self) -> None:
        """Make folders, finish what was agreed on before a crash, and pause what was paused; before any lane runs.

        Raises:
            Unavailable: a folder or the ledger cannot be used.
        """
        prepare_drop(self._settings.drop, disk=self._parts.disk)
        for lane in self._lanes:
            prepare_drop(released_port(self._settings, lane, disk=self._parts.disk).folder, disk=self._parts.disk)
        self._ledger = ActLedger(self._settings.ledger)
        for subject in self._ledger.paused():
            self._parts.pauses.set(LaneId.of(subject), paused=True)
        self._due = self._ledger.unfinished()
        self._do_due()

    def stop(self) -> None:
        """Close the ledger."""
        if self._ledger is not None:
            self._ledger.close()
            self._ledger = None

    def step(self, over: Over) -> bool:
        """Read some acts and do what is agreed on; gives whether there was anything."""
        if self._ledger is None:
            return False
        found = self.port.waiting(most=_AT_ONCE)
        for strange in found.strange:
            self._refuse("strange name")
            self.port.remove(strange)
        try:
            for name in found.names:
                self._read(self._ledger, name)
            return self._do_due() or (bool(found.names) and not over())
        except Unavailable as error:
            self.log.debug("act_delayed", reason=error.private)
            return False

    def abandon(self) -> None:
        """Nothing is held between steps but what the ledger holds, too."""
        if self._ledger is not None:
            self._due = self._ledger.unfinished()

    def _read(self, ledger: ActLedger, name: DropName) -> None:
        parts, operators = self._parts, TrustStore([])
        try:
            data, operators = self.port.read(name), self._operators()
            verified = verify_act(
                data, operators, parts.signers.trust, half=parts.name,
                by_console=self._settings.by_console, now_ms=parts.clock.now_ms(),
            )  # fmt: skip
        except FileNotFoundError:
            return
        except PeerError as error:
            self._refuse(error.private or error.kind.name)
        else:
            self._take(ledger, verified, operators)
        self.port.remove(name)

    def _take(self, ledger: ActLedger, verified: VerifiedAct, operators: TrustStore) -> None:
        act, now_ms = verified.act, self._parts.clock.now_ms()

        def counts(kid: bytes) -> bool:
            with suppress(PeerError):
                operators.signer(kid, role=OPERATOR_ROLE, now_ms=now_ms)
                return True
            return False

        if ledger.seen(verified.digest):
            self._refuse("came before")
            return
        why = self._impossible(act.act, act.subject)
        if why:
            ledger.single(verified, REFUSED, why, now_ms=now_ms)
            self._refuse(why, operator=verified.operator.name)
        elif act.act in BY_TWO:
            outcome = ledger.take(verified, counts=counts, now_ms=now_ms)
            self._tell(verified, outcome)
            if outcome == AGREED:
                self._due.append((act.act, act.subject))
        else:
            ledger.single(verified, DONE, now_ms=now_ms)
            self._parts.pauses.set(LaneId.of(act.subject), paused=act.act == PAUSE)
            self._wake(LaneId.of(act.subject))
            self._tell(verified, DONE)

    def _impossible(self, act: str, subject: str) -> str:
        """Say why something cannot be done, or nothing."""
        if act not in BY_TWO:
            return self._not_paused_here(LaneId.of(subject))
        item = self._shelf.find(subject)
        if item is None:
            return "no such held bundle"
        return "" if act != RELEASE or item.releasable else f"{item.reason.value} cannot be released"

    def _not_paused_here(self, lane: LaneId) -> str:
        if lane not in self._lanes:
            return "this half has no such lane"
        # A sender that hears nothing cannot know that its bundles wait: the transport drops what it has no room for.
        received = self._way(lane) == RECEIVED_WAY
        return "strictly one way: pause it at the sending end" if received and self._one_way else ""

    def _do_due(self) -> bool:
        """Do what is agreed on; what cannot be done now stays due."""
        ledger, done = self._ledger, 0
        while self._due and ledger is not None:
            act, subject = self._due[0]
            item = self._shelf.find(subject)
            detail = "off the shelf already"
            if item is not None:
                detail = self._release(item) if act == RELEASE else self._reject(item)
            ledger.finish(act, subject, detail, now_ms=self._parts.clock.now_ms())
            del self._due[0]
            done += 1
        return done > 0

    def _release(self, item: HeldItem) -> str:
        parts = self._parts
        try:
            data = self._shelf.read(item)
            if hashlib.sha256(data).hexdigest() != item.digest:
                return "the held file is not what it was: nothing done"
            if (one := single_item(data)) is not None:
                return self._look_again(item, leaf_hash(one.header))
            entry = self._entry(item, data)
            # Sent bundles are held with our own seal; they go back as their author made them.
            data = _as_made(data) if item.reason is Reason.GIVEN_UP else data
        except (PeerError, FileNotFoundError):
            return "the held file cannot be read: nothing done"
        state = "" if entry is None else entry.state.value
        if entry is None or entry.state is State.HELD:
            port = released_port(self._settings, item.lane, disk=parts.disk)
            name = DropName(item.held_ms, item.name.sequence, _RELEASED)
            write_drop(port.folder, name, data, durable=True, disk=parts.disk)
            if entry is not None:
                digest, now_ms = hashlib.sha256(data).digest(), parts.clock.now_ms()
                release_row(parts.journal, entry, digest, item_leaves(data), now_ms=now_ms)
            state = _RELEASED
        parts.quarantine.let_go(item.name)
        self._wake(item.lane)
        return state

    def _look_again(self, item: HeldItem, leaf: bytes) -> str:
        """Let a single request that was kept back be looked at again, when its worker sends it the next time."""
        self._parts.journal.forget_break(leaf)
        self._parts.journal.commit()
        self._parts.quarantine.let_go(item.name)
        return "looked at again when it comes again"

    def _reject(self, item: HeldItem) -> str:
        entry = None
        try:
            entry = self._entry(item, self._shelf.read(item))
        except (PeerError, FileNotFoundError):
            self.log.warn("held_unreadable", lane=item.lane.lane, way=item.lane.direction)
        if entry is not None and entry.state is State.HELD:
            reject_row(self._parts.journal, entry, now_ms=self._parts.clock.now_ms())
        kept = self._parts.quarantine.reject(item.name)
        return "rejected" if kept else "rejected, bytes not kept"

    def _entry(self, item: HeldItem, data: bytes) -> Entry | None:
        """Find the journal's row of a held bundle; conflicts have none of their own at the sender."""
        journal, way = self._parts.journal, self._way(item.lane)
        if item.reason is not Reason.GIVEN_UP:
            return find_by_file(journal, way, item.lane, hashlib.sha256(data).digest())
        seal = parse_bundle(data).seals[0]
        statement = peek_statement(seal)
        return journal.by_author(
            SENT_WAY, item.lane, Author(parse_sign1(seal).kid, statement.epoch, statement.sequence)
        )

    def _way(self, lane: LaneId) -> str:
        return SENT_WAY if lane.crossing_role == self._parts.key_role else RECEIVED_WAY

    def _refuse(self, reason: str, *, operator: str = "") -> None:
        self.log.warn("act_refused", reason=reason, operator=operator)

    def _tell(self, verified: VerifiedAct, outcome: str) -> None:
        self.log.info(
            "gatekeeper_act", stage=verified.act.act, reason=verified.act.reason, operator=verified.operator.name,
            state=outcome,
        )  # fmt: skip


def item_leaves(data: bytes) -> list[bytes]:
    """Give the leaves of a bundle's items."""
    return [leaf_hash(one.header) for one in parse_bundle(data).items]


def _as_made(data: bytes) -> bytes:
    bundle = parse_bundle(data)
    return encode_bundle(replace(bundle, seals=bundle.seals[:1]))
