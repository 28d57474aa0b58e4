"""What every bundle must pass at each half before its content is looked at.

Name, size, form, the author's seal, the crossing's seal, direction and lane, and that all items fit
the lane.  Every fault has its own reason (``reasons.Reason``); nothing here opens a seal.

Source: DESIGN invariant 2; research, fault list.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple

from ferry.lane.crossing import Author
from ferry.lane.reasons import Reason, SetAside
from wire_formats.answer import AnswerHeader, AnswerStatus, check_answer_content, parse_answer_header
from wire_formats.bundle import MAX_FRESH_BYTES, Bundle, CheckedSeal, parse_bundle, verify_seal
from wire_formats.drop import DropName
from wire_formats.errors import Kind, PeerError
from wire_formats.request import RequestHeader, parse_header
from wire_formats.trust import TrustStore

INBOUND = "inbound"
OUTBOUND = "outbound"
LOW_ROLE = "ferry_low"
HIGH_ROLE = "ferry_high"
WORKER_ROLE = "worker"
CORE_ROLE = "core"
#: Outbound bundles are made by the core, or by the high half for requests that failed inspection.
ANSWER_ROLES = (CORE_ROLE, HIGH_ROLE)


class LaneId(NamedTuple):
    """One lane that carries bundles."""

    direction: str
    lane: str

    @classmethod
    def of(cls, word: str) -> LaneId:
        """Read what ``word`` has written."""
        direction, _, lane = word.partition("-")
        return cls(direction, lane)

    @property
    def word(self) -> str:
        """The lane in one word, as acts, folders and stations name it: ``<direction>-<lane>``."""
        return f"{self.direction}-{self.lane}"

    @property
    def author_roles(self) -> tuple[str, ...]:
        """Who may make bundles for this lane."""
        return (WORKER_ROLE,) if self.direction == INBOUND else ANSWER_ROLES

    @property
    def crossing_role(self) -> str:
        """Which half puts bundles of this lane on the transport."""
        return LOW_ROLE if self.direction == INBOUND else HIGH_ROLE


@dataclass(frozen=True, slots=True)
class Signers:
    """Who is known to a half.

    Attributes:
        trust: the signers.
        workers: names that answers may be addressed to.
    """

    trust: TrustStore
    workers: Collection[str]


@dataclass(frozen=True, slots=True)
class Checked:
    """A bundle whose seals held.

    Attributes:
        bundle: the bundle.
        author: the author's seal.
    """

    bundle: Bundle
    author: CheckedSeal

    @property
    def author_key(self) -> Author:
        """The key of deduplication."""
        return Author(self.author.signer.kid, self.author.statement.epoch, self.author.statement.sequence)


def check_fresh(data: bytes, name: DropName, lane: LaneId, signers: Signers, *, now_ms: int) -> Checked:
    """Check the seal of a bundle that its author has just put down: exactly one.

    Raises:
        PeerError: with a reason word; see ``reasons.reason_of``.
    """
    if len(data) > MAX_FRESH_BYTES:
        raise SetAside(Reason.TOO_LARGE, Kind.TOO_LARGE)
    checked = _check_author(data, name, lane, signers, now_ms)
    if len(checked.bundle.seals) != 1:
        raise SetAside(Reason.WRONG_SEALS, Kind.BAD_SIGNATURE)
    _check_name(name, checked.author)
    return checked


def check_arrived(
    data: bytes, name: DropName, lane: LaneId, signers: Signers, *, now_ms: int
) -> tuple[Checked, CheckedSeal]:
    """Check the seals of a bundle that came over the gap: the author's and the other half's.

    Returns:
        The bundle, and the crossing's seal.

    Raises:
        PeerError: with a reason word; see ``reasons.reason_of``.
    """
    checked = _check_author(data, name, lane, signers, now_ms)
    if len(checked.bundle.seals) != 2:
        raise SetAside(Reason.WRONG_SEALS, Kind.BAD_SIGNATURE)
    crossing = verify_seal(checked.bundle, 1, signers.trust, role=lane.crossing_role, now_ms=now_ms)
    if crossing.statement.lane != lane.lane:
        raise SetAside(Reason.WRONG_LANE, Kind.WRONG_LANE)
    _check_name(name, crossing)
    return checked, crossing


class Items(NamedTuple):
    """What the items' headers say.

    Attributes:
        reply_to: the worker all answers of the bundle are for; empty for requests.
        requests: the parsed headers of requests, in order; empty for answers.
    """

    reply_to: str
    requests: tuple[RequestHeader, ...]


def check_items(checked: Checked, lane: LaneId, signers: Signers) -> Items:
    """Check that every item fits the lane, after the seals held.

    Raises:
        PeerError: with a reason word; see ``reasons.reason_of``.
    """
    if lane.direction == INBOUND:
        return Items("", _check_requests(checked.bundle, lane, signers))
    return Items(_check_answers(checked.bundle, lane, signers, checked.author.signer.role), ())


def _check_author(data: bytes, name: DropName, lane: LaneId, signers: Signers, now_ms: int) -> Checked:
    if name.kind != "bundle":
        raise SetAside(Reason.BAD_NAME)
    if not data:
        raise SetAside(Reason.EMPTY)
    bundle = parse_bundle(data)
    if bundle.direction != lane.direction:
        raise SetAside(Reason.WRONG_LANE, Kind.WRONG_LANE)
    author = verify_seal(bundle, 0, signers.trust, role=lane.author_roles, now_ms=now_ms)
    if author.statement.lane != lane.lane:
        raise SetAside(Reason.WRONG_LANE, Kind.WRONG_LANE)
    return Checked(bundle, author)


def _check_name(name: DropName, seal: CheckedSeal) -> None:
    statement = seal.statement
    if (name.epoch, name.sequence, name.sender) != (statement.epoch, statement.sequence, seal.signer.name):
        raise SetAside(Reason.NAME_MISMATCH)


def _check_requests(bundle: Bundle, lane: LaneId, signers: Signers) -> tuple[RequestHeader, ...]:
    headers = tuple(parse_header(item.header) for item in bundle.items)
    for header in headers:
        if header.lane != lane.lane:
            raise SetAside(Reason.WRONG_LANE, Kind.WRONG_LANE)
        if header.reply_to not in signers.workers:
            raise SetAside(Reason.WRONG_WORKER)
    return headers


def _check_answers(bundle: Bundle, lane: LaneId, signers: Signers, role: str) -> str:
    reply_to = ""
    for item in bundle.items:
        header = parse_answer_header(item.header)
        _check_answer(header, lane, role)
        _check_undamaged(header, item.content)
        if reply_to not in ("", header.reply_to):
            raise SetAside(Reason.WRONG_WORKER)
        reply_to = header.reply_to
    if reply_to not in signers.workers:
        raise SetAside(Reason.WRONG_WORKER)
    return reply_to


def check_answers_whole(bundle: Bundle, lane: LaneId) -> None:
    """Check that every answer's content is the one its header names; of requests nothing is checked.

    Raises:
        PeerError: one is not.
    """
    if lane.direction == OUTBOUND:
        for item in bundle.items:
            _check_undamaged(parse_answer_header(item.header), item.content)


def _check_undamaged(header: AnswerHeader, content: bytes) -> None:
    """Check an answer's content, which no seal covers; another copy of it may be well."""
    try:
        check_answer_content(header, content)
    except PeerError as error:
        if error.kind is Kind.DIGEST_MISMATCH:
            raise SetAside(Reason.DAMAGED_CONTENT, error.kind) from None
        raise


def _check_answer(header: AnswerHeader, lane: LaneId, role: str) -> None:
    if header.lane != lane.lane:
        raise SetAside(Reason.WRONG_LANE, Kind.WRONG_LANE)
    # The high half may say "rejected" and nothing else; the core never says it.
    if (header.status is AnswerStatus.REJECTED) != (role == HIGH_ROLE):
        raise SetAside(Reason.WRONG_ROLE, Kind.WRONG_ROLE)
