"""What the high half does with requests that came over the gap: inspected, then before the core or refused.

    receiving ──▶ ferry_inspector ──▶ opened: core inbox/<lane>, under this half's seal
                                 └──▶ refused: quarantine, and an answer for the outbound lane to send

A request that fails inspection keeps its header in the bundle, so that the earlier seals still hold;
its content is emptied, which tells the core to pass over it.  Its sender gets a REJECTED answer from
this half, and the item as it came goes to the quarantine.

A request whose content cannot be opened gets no such answer: the seals do not cover the sealed bytes,
so they may have been damaged on the road, and what was acknowledged to a user must not be refused for
that.  The whole bundle is quarantined and comes again.

When something breaks while a bundle is looked at, its next look counts each item before it is opened, and takes the
count back when nobody looked.  An item that was the one three times is held and kept back, in this bundle and wherever
it comes again; the others in its bundle go on.

Source: DESIGN invariants 2, 7 and 8; decision 0018.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from twisted.logger import Logger

from ferry.answers import Rejection, by_worker, rejected_answer
from ferry.folders import CountedRoom
from ferry.inspector.frames import Refusal, Verdict, slices
from ferry.inspector.port import InspectionPort, NoScannerError
from ferry.intake import Pause
from ferry.lane.checks import OUTBOUND, Checked, Items, LaneId
from ferry.lane.crossing import State
from ferry.lane.reasons import Reason, SetAside
from ferry.own_seals import OwnSeals
from ferry.parts import HalfParts
from wire_formats import cbor
from wire_formats.bundle import Item, new_bundle
from wire_formats.drop import prepare_drop, write_drop
from wire_formats.errors import Kind, Unavailable, code_of
from wire_formats.merkle import leaf_hash
from wire_formats.request import RequestHeader

#: Items and bytes of one question to the inspector: a single request of another lane waits no longer than for these
#: (about 5 ms of queries, or one chunk of a workbook, about 15 ms).
_INSPECTED_AT_ONCE: Final = 32
_INSPECTED_BYTES: Final = 64 << 10
#: Looks at an item during which something broke until it is held; one more, not counted, came before.
BREAKS: Final = 2


class OwnAnswers:
    """Bundles of REJECTED answers that this half writes, for the outbound lane to send.

    Args:
        parts: the half's collaborators.
        lane: the outbound lane.
        folder: a drop of its own, so that an answer survives the death of the process.
    """

    def __init__(self, parts: HalfParts, lane: LaneId, folder: Path) -> None:
        self.folder = folder
        self._parts = parts
        self._seals = OwnSeals(parts, lane)
        self._room = CountedRoom(folder, most=parts.limits.credits, disk=parts.disk)

    def prepare(self) -> None:
        """Make the folder."""
        prepare_drop(self.folder, disk=self._parts.disk)

    def check_room(self) -> None:
        """Check, now and then, that no more wait than the outbound lane may have under way.

        Raises:
            Unavailable: the other half does not fetch them: it gets no more of its requests refused.
        """
        if self._room.left() <= 0:
            raise Unavailable(Kind.BUSY, "answers to refused requests wait for the outbound lane")

    def put(self, rejections: list[Rejection]) -> None:
        """Write the answers, one bundle per worker.

        Raises:
            Unavailable: STORAGE_FULL; written again with the whole bundle, and harmless twice.
        """
        now_ms = self._parts.clock.now_ms()
        for group in by_worker(rejections).values():
            bundle = new_bundle(OUTBOUND, [rejected_answer(rejection, now_ms=now_ms) for rejection in group])
            self._seals.put(bundle, partial(write_drop, self.folder, disk=self._parts.disk))
            self._room.took()


class RequestDelivery:
    """Inspects requests and puts them into the core's inbox (implements ``receiving.Deliver``).

    Args:
        parts: the half's collaborators.
        lane: the inbound lane.
        folder: the core's inbox of this lane.
        inspector: opens and checks requests.
        answers: takes the answers to rejected requests.
        wake: lets this lane look again, when the inspector has answered.
    """

    log = Logger()
    looks_more = 1

    def __init__(
        self, parts: HalfParts, lane: LaneId, folder: Path, inspector: InspectionPort, answers: OwnAnswers,
        wake: Callable[[], None],
    ) -> None:  # fmt: skip
        self._parts = parts
        self._lane = lane
        self._inspector = inspector
        self._answers = answers
        self._wake = wake
        self._seals = OwnSeals(parts, lane)
        self._inbox = CountedRoom(folder, most=parts.limits.core_inbox_files, disk=parts.disk)

    def prepare(self) -> None:
        """Make the core's inbox."""
        prepare_drop(self._inbox.folder, disk=self._parts.disk)

    def room(self) -> int:
        """Give how many bundles the core's inbox may take, counted now and then.

        Raises:
            Unavailable: the core does not keep up, or the other half fetches no answers.
        """
        self._answers.check_room()
        left = self._inbox.left()
        if left <= 0:
            raise Unavailable(Kind.STORAGE_FULL, "the core's inbox is full")
        return left

    def deliver(self, checked: Checked, items: Items, *, careful: bool) -> Generator[Pause, None, State]:
        """Have the items inspected, then deliver what passed and answer what did not.

        Raises:
            Unavailable: the disk is full, no inspector is there, or its virus scanner does not answer.
            InspectorLostError: the inspector was lost over these items.
            PeerError: DAMAGED_CONTENT: the bundle must come again.
        """
        verdicts: list[Verdict] = []
        at_once = 1 if careful else _INSPECTED_AT_ONCE
        for some in slices(checked.bundle.items, most=at_once, most_bytes=_INSPECTED_BYTES):
            verdicts += yield from self._look(some, careful=careful)
            yield Pause.BREATH
        opened: list[Item] = []
        rejections: list[Rejection] = []
        for header, item, verdict in zip(items.requests, checked.bundle.items, verdicts, strict=True):
            opened.append(self._judged(header, item, verdict, rejections))
        if rejections:
            self._answers.put(rejections)
            self._parts.metrics.lane(self._lane).rejected.inc(len(rejections))
        if not any(item.content for item in opened):
            return State.REJECTED if rejections else State.HELD
        bundle = replace(checked.bundle, items=tuple(opened))
        write = partial(write_drop, self._inbox.folder, disk=self._parts.disk)
        self._seals.put(bundle, write, tracked=checked.author.statement.tracked)
        self._inbox.took()
        return State.SENT

    def _look(self, items: tuple[Item, ...], *, careful: bool) -> Generator[Pause, None, list[Verdict]]:
        """Have items inspected but those that break the inspector; if careful (one item), count the look."""
        journal = self._parts.journal
        leaves = [leaf_hash(item.header) for item in items]
        sound = [item for item, leaf in zip(items, leaves, strict=True) if journal.breaks(leaf) < BREAKS]
        if careful and sound:
            journal.count_break(leaves[0])
        found: Sequence[Verdict] = ()
        if sound:
            found = yield from self._ask(sound, leaves[0] if careful else None)
        verdicts = iter(found)
        return [
            next(verdicts) if journal.breaks(leaf) < BREAKS else self._keep_back(item)
            for item, leaf in zip(items, leaves, strict=True)
        ]

    def _ask(self, items: Sequence[Item], counted: bytes | None) -> Generator[Pause, None, Sequence[Verdict]]:
        journal = self._parts.journal
        try:
            pending = self._inspector.ask(items, now_ms=self._parts.clock.now_ms(), wake=self._wake)
            while (found := pending.verdicts()) is None:
                yield Pause.UNTIL_WOKEN
        except Unavailable as error:
            if isinstance(error, NoScannerError):
                self._parts.metrics.scanner_absent.set(1)
            if counted is not None:
                journal.take_back_break(counted)
            raise
        self._parts.metrics.scanner_absent.set(0)
        if counted is not None:
            journal.forget_break(counted)
        for verdict in found:
            if isinstance(verdict, Refusal) and verdict.damaged:
                raise SetAside(Reason.DAMAGED_CONTENT, verdict.kind)
        return found

    def _keep_back(self, item: Item) -> Verdict:
        self._parts.quarantine.add(Reason.POISON, self._lane, cbor.encode([item.header, item.content]))
        return b""

    def _judged(self, header: RequestHeader, item: Item, verdict: Verdict, rejections: list[Rejection]) -> Item:
        if not isinstance(verdict, Refusal):
            return Item(item.header, verdict)
        self.log.warn(
            "request_rejected", code=code_of(verdict.kind), reason=verdict.reason, request_id=header.id.hex(),
            service=header.service, lane=self._lane.lane,
        )  # fmt: skip
        reason = Reason.INFECTED if verdict.kind is Kind.INFECTED else Reason.FAILED_INSPECTION
        self._parts.quarantine.add(reason, self._lane, cbor.encode([item.header, item.content]))
        rejections.append(Rejection(header, verdict.kind))
        return Item(item.header, b"")
