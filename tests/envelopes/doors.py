"""The doors of the gap: what reads a signed envelope, real envelopes it lets in, and what in them nobody signed.

Every door is the product's own parser and verification, to the end: a bundle's seals, items and sealed contents, a
medium's manifest and both operators, evidence up to the cosigned root.  It gives what its owner would act on, in a form
that can be compared.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from typing import Final

from ferry.acts import act
from ferry.inspection import Inspector
from ferry.lane.checks import Checked, LaneId, Signers, check_arrived, check_fresh, check_items
from ferry.transports.diode.datagram import COPIES, Opener, Sealer, parse
from ferry.transports.diode.framing import pack_object, unpack_object
from ferry.witness.judgement import Judgement, judge
from tests.support.diode_kit import KEY
from tests.support.log_kit import LogKit
from tests.support.machines import NOW_MS, MachineAuthority, pem_of
from tests.support.media_kit import HIGH_SEAL
from tests.support.wire_samples import HIGH_HALF, SESSION, answer_item, request_item
from wire_formats import deny_list, grant, lane_control, lane_manifest, medium, medium_receipt, merkle
from wire_formats.answer import open_answer, parse_answer_header
from wire_formats.bundle import Bundle, SealStream, encode_bundle, new_bundle
from wire_formats.catalogue import SERVICES
from wire_formats.drop import DropName
from wire_formats.errors import Kind, PeerError
from wire_formats.suites import SigningKey
from wire_formats.tlog import tree
from wire_formats.tlog.checkpoint import parse_checkpoint
from wire_formats.tlog.evidence import (
    Evidence,
    Proved,
    format_evidence,
    parse_evidence,
    verify_cosigned,
    verify_evidence,
    verify_log_line,
)
from wire_formats.tlog.note import format_note, parse_note
from wire_formats.tlog.submission import Submission, format_submission, parse_submission
from wire_formats.trust import TrustStore

DATAGRAM_BYTES: Final = 1_448
_RUN: Final = 0x1234_5678_9ABC_DEF0
_INSPECTOR: Final = Inspector(SERVICES, HIGH_HALF)
_INBOUND, _OUTBOUND = LaneId("inbound", "interactive"), LaneId("outbound", "interactive")


@dataclass(frozen=True)
class Unsigned:
    """A part of an envelope that nobody signed, and why that is right.

    Attributes:
        name: of the part.
        why: the reason.
        applies: whether a value that was accepted differs from a good one in no more than this.
    """

    name: str
    why: str
    applies: Callable[[Hashable, frozenset[Hashable]], bool]


@dataclass(frozen=True)
class Door:
    """What reads envelopes of one kind.

    Attributes:
        name: of the kind.
        look: parses and verifies; raises PeerError, or gives what is believed.
        good: envelopes that must be let in as they are.
        unsigned: the parts that nobody signed.
        lines: whether they are texts of lines.
    """

    name: str
    look: Callable[[bytes], Hashable]
    good: tuple[bytes, ...]
    unsigned: tuple[Unsigned, ...] = ()
    lines: bool = False


def _same(value: Hashable, good: frozenset[Hashable]) -> bool:
    return value in good


def _less(value: Hashable, good: frozenset[Hashable]) -> bool:
    return isinstance(value, Proved) and not value.request_id and value in {_without(each) for each in good}


def _without(value: Hashable) -> Hashable:
    return value._replace(request_id=b"") if isinstance(value, Proved) else value


OTHER_LINES: Final = Unsigned(
    "other lines of a note",
    "C2SP: lines of keys nobody knows are passed over, so that another witness may add its own",
    _same,
)
ITEM_WITHHELD: Final = Unsigned(
    "the item of evidence, or its header, left out",
    "a crossing is proved without its requests, a request by its digest; less is claimed, and what is claimed holds",
    _less,
)
ORDER_OF_TWO: Final = Unsigned(
    "which of the two operators signed first", "both signed the same statement; nothing follows from the order", _same
)


class Keys:
    """Everybody who signs, and some who must not."""

    def __init__(self) -> None:
        machine = MachineAuthority().machine
        self.log = LogKit()
        authority = self.log.authority
        self.worker, self.low, self.high, self.core = self.log.worker, self.log.low, self.log.high, self.log.core
        self.deny = authority.machine("ca_deny", "ca_deny")
        self.console = authority.machine("ferry_console", "console")
        known = [self.worker, self.low, self.high, self.core, self.deny, self.console]
        self.trust = authority.trust(known)
        self.signers = Signers(self.trust, frozenset({"worker-1"}))
        persons = MachineAuthority("Test persons")
        self.li, self.wang, self.zhao = (persons.operator(name) for name in ("li", "wang", "zhao"))
        self.operators = TrustStore.from_pem([persons.pem], [pem_of(self.li), pem_of(self.wang)])
        #: What a worker has put down: each text is signed once only, as it is in life.
        self.written = tuple(
            _sealed(new_bundle("inbound", [request_item() for _ in range(count)]), self.worker) for count in (1, 3)
        )
        #: Of the right role and name, and nobody here knows them.
        self.strangers = (authority.machine("worker", "worker-1"), machine("ferry_low", "ferry_low"))


# --- bundles


def _sealed(bundle: Bundle, *keys: SigningKey, before: int = 0) -> Bundle:
    for key in keys:
        stream = SealStream(bundle.direction, "interactive", NOW_MS, before)
        bundle = stream.seal(bundle, key, now_ms=NOW_MS)
    return bundle


def _name(sender: str, sequence: int = 1) -> DropName:
    return DropName(NOW_MS, sequence, sender)


def _opened(checked: Checked, lane: LaneId, signers: Signers) -> tuple[Hashable, ...]:
    items = check_items(checked, lane, signers)
    if lane.direction == "inbound":
        both = zip(items.requests, checked.bundle.items, strict=True)
        contents = tuple(_INSPECTOR.inspect(header, item, now_ms=NOW_MS) for header, item in both)
    else:
        contents = tuple(
            open_answer(item.content, parse_answer_header(item.header).request_id, SESSION)
            for item in checked.bundle.items
        )
    return (checked.author_key, checked.author.statement, tuple(i.header for i in checked.bundle.items), contents)


def _bundles(keys: Keys) -> list[Door]:
    """Bundles as they reach either half, a bundle as its author puts it down, one as it comes over a diode."""
    signers, now = keys.signers, NOW_MS
    fresh = tuple(encode_bundle(written) for written in keys.written)
    came = tuple(encode_bundle(_sealed(written, keys.low)) for written in keys.written)
    answered = [new_bundle("outbound", [answer_item() for _ in range(count)]) for count in (1, 2)]
    answers = [encode_bundle(_sealed(bundle, keys.core, keys.high)) for bundle in answered]

    def look_fresh(data: bytes) -> Hashable:
        return _opened(check_fresh(data, _name("worker-1"), _INBOUND, signers, now_ms=now), _INBOUND, signers)

    def look_inbound(data: bytes) -> Hashable:
        checked, crossing = check_arrived(data, _name("ferry_low"), _INBOUND, signers, now_ms=now)
        # The entry of the log holds the digests of both seals: they are part of what is believed.
        seals = tuple(hashlib.sha256(seal).digest() for seal in checked.bundle.seals)
        return (crossing.statement, seals, _opened(checked, _INBOUND, signers))

    def look_outbound(data: bytes) -> Hashable:
        checked, crossing = check_arrived(data, _name("ferry_high"), _OUTBOUND, signers, now_ms=now)
        seals = tuple(hashlib.sha256(seal).digest() for seal in checked.bundle.seals)
        return (crossing.statement, seals, _opened(checked, _OUTBOUND, signers))

    def look_object(data: bytes) -> Hashable:
        name, inside = unpack_object(data)
        checked, crossing = check_arrived(inside, name, _INBOUND, signers, now_ms=now)
        return (name, crossing.statement, _opened(checked, _INBOUND, signers))

    numbered = _sealed(new_bundle("inbound", [request_item()]), keys.worker, keys.low, before=4)
    objects = (pack_object(_name("ferry_low", 5), encode_bundle(numbered)), pack_object(_name("ferry_low"), came[0]))
    return [
        Door("bundle of a worker", look_fresh, fresh),
        Door("inbound bundle", look_inbound, came),
        Door("outbound bundle", look_outbound, tuple(answers)),
        Door("object of a diode", look_object, objects),
    ]


# --- what halves, the CA and operators say


def _controls(keys: Keys) -> list[Door]:
    digest = hashlib.sha256(b"digest").digest()
    told = (
        lane_control.Heartbeat("inbound", "interactive", NOW_MS, 7, digest, NOW_MS),
        lane_control.Acknowledgement("outbound", "bulk", NOW_MS, 7, (9, 11), NOW_MS),
        lane_control.TreeHead(2, digest, 9, digest, bytes(64), 8, (digest,) * 3, NOW_MS),
        lane_control.Cosignature(2, digest, 9, digest, NOW_MS // 1000, bytes(64), NOW_MS),
        lane_control.TreeRefused(2, 9, "split_view", NOW_MS),
        lane_control.Progress(digest, "taken", NOW_MS),
    )
    manifest = lane_manifest.Manifest("inbound", "bulk", NOW_MS, 3, 5, (digest, digest), 9, NOW_MS)
    missing = lane_manifest.ResendList("inbound", (lane_manifest.LaneGaps("bulk", NOW_MS, 7, (9, 11)),), NOW_MS)
    trust = keys.trust
    return [
        Door(
            "control message",
            lambda data: lane_control.verify_control(data, trust, role="ferry_low", now_ms=NOW_MS),
            tuple(lane_control.sign_control(each, keys.low) for each in told),
        ),
        Door(
            "lane manifest",
            lambda data: lane_manifest.verify_manifest(data, trust, role="ferry_low", now_ms=NOW_MS),
            (lane_manifest.sign_manifest(manifest, keys.low),),
        ),
        Door(
            "resend list",
            lambda data: lane_manifest.verify_resend_list(data, trust, role="ferry_high", now_ms=NOW_MS),
            (lane_manifest.sign_resend_list(missing, keys.high),),
        ),
        Door("deny increment", lambda data: deny_list.verify_increment(data, trust, now_ms=NOW_MS), _increments(keys)),
        Door("grant", lambda data: grant.verify_grant(data, trust, now_ms=NOW_MS), (_grant(keys),)),
        *_acts(keys),
    ]


def _increments(keys: Keys) -> tuple[bytes, ...]:
    first = deny_list.DenyIncrement(1, deny_list.FIRST, NOW_MS, full=True, serials=(5, 1 << 100), size=2)
    second = deny_list.DenyIncrement(2, deny_list.increment_digest(first), NOW_MS, full=False, serials=(), size=2)
    return tuple(deny_list.sign_increment(each, keys.deny) for each in (first, second))


def _grant(keys: Keys) -> bytes:
    rights = ("wage.batch", "unit.profile")
    return grant.sign_grant(
        grant.Grant(bytes(16), "420100000001", "unit", "U1", bytes(32), rights, 0, NOW_MS + 1, "420102"), keys.core
    )


def _acts(keys: Keys) -> list[Door]:
    said = act.Act(act.RELEASE, "ferry_high", f"{'ab' * 32}-{NOW_MS}", "looked_at", NOW_MS)
    pause = act.Act(act.PAUSE, "ferry_high", "inbound-bulk", "maintenance", NOW_MS)
    shown = act.Shown(keys.wang.kid, 77)

    def look(data: bytes) -> Hashable:
        return act.verify_act(data, keys.operators, keys.trust, half="ferry_high", by_console=True, now_ms=NOW_MS)

    good = (act.sign_act(said, keys.li), act.sign_act(pause, keys.wang), act.countersign_act(said, shown, keys.console))
    return [Door("act of an operator", look, good)]


# --- media


def _media(keys: Keys) -> list[Door]:
    export, data = bytes(range(16)), b"content of the medium"
    entries = tuple(
        medium.Entry(lane, _name("ferry_low", number), len(data), hashlib.sha256(data).digest())
        for lane in ("interactive", "bulk")
        for number in (1, 2)
    )
    statement = medium.MediumStatement(
        "inbound", "ferry_low", "ferry_high", HIGH_SEAL.public.digest, "WH-0001", export, NOW_MS, 1, medium.FIRST,
        len(entries), sum(entry.size for entry in entries), medium.entries_root(entries), medium.count_lanes(entries),
        NOW_MS, NOW_MS + 86_400_000,
    )  # fmt: skip
    signatures = [medium.sign_statement(statement, key) for key in (keys.li, keys.wang)]
    plain = medium.encode_manifest(signatures, entries)
    told = lane_control.Acknowledgement("inbound", "interactive", NOW_MS, 7, (), NOW_MS)
    receipt = medium_receipt.MediumReceipt(
        "WH-0001", export, statement.digest(), "inbound", 4, NOW_MS, NOW_MS,
        (lane_control.sign_control(told, keys.high), b""),
    )  # fmt: skip

    def look(opened: medium.Manifest) -> Hashable:
        operators = medium.verify_operators(opened, keys.operators, now_ms=NOW_MS)
        return (opened.statement, opened.entries, frozenset(one.name for one in operators))

    return [
        Door("manifest of a medium", lambda data: look(medium.parse_manifest(data)), (plain,), (ORDER_OF_TWO,)),
        Door(
            "sealed manifest of a medium",
            lambda data: look(medium.open_manifest(data, HIGH_SEAL)),
            (medium.seal_manifest(plain, HIGH_SEAL.public),),
        ),
        Door(
            "chunk of a medium",
            lambda data: medium.open_chunk(data, HIGH_SEAL, export, 3),
            (medium.seal_chunk(data * 20, HIGH_SEAL.public, export, 3),),
        ),
        Door(
            "receipt of a medium",
            lambda data: medium_receipt.verify_receipt(data, keys.trust, direction="inbound", now_ms=NOW_MS),
            (medium_receipt.sign_receipt(receipt, keys.high),),
        ),
    ]


# --- the log of crossings


def _log(keys: Keys) -> list[Door]:
    log = keys.log
    for number in range(9):
        log.cross(1 + number % 3, direction="inbound" if number % 4 else "outbound")
    known = log.checkpoint(5)
    grown = tuple(tree.consistency_path(5, 9, log.tree.node))

    def look_note(data: bytes) -> Hashable:
        note = parse_note(data)
        half, witness, at_s = verify_cosigned(note, log.trust)
        return (parse_checkpoint(note.text), half.kid, witness.kid, at_s)

    def look_evidence(data: bytes) -> Hashable:
        return verify_evidence(parse_evidence(data), log.trust)

    def look_submission(data: bytes) -> Hashable:
        offered = parse_submission(data)
        signer = verify_log_line(offered.note, log.trust, at_s=NOW_MS // 1000)
        checkpoint = parse_checkpoint(offered.note.text)
        if judge(known, checkpoint, offered.old, offered.proof) is not Judgement.COSIGN:
            raise PeerError(Kind.DIGEST_MISMATCH, "does not continue the tree that is known")
        return (checkpoint, signer.kid)

    note = log.note()
    submission = Submission(5, grown, replace(note, signatures=note.signatures[:1]))
    evidence: list[Evidence] = [
        log.evidence(entry, item, note=note) for entry, item in ((1, 0), (5, 1), (4, 0), (7, None))
    ]
    withheld = evidence[1].item
    assert withheld is not None
    evidence.append(replace(evidence[1], item=replace(withheld, header=b"")))
    return [
        Door("cosigned checkpoint", look_note, (format_note(note),), (OTHER_LINES,), lines=True),
        Door("checkpoint for a witness", look_submission, (format_submission(submission),), (OTHER_LINES,), lines=True),
        Door(
            "evidence", look_evidence, tuple(map(format_evidence, evidence)), (OTHER_LINES, ITEM_WITHHELD), lines=True
        ),
    ]


# --- the diode


def _datagrams() -> list[Door]:
    sealer = Sealer(KEY, "inbound", _RUN, size=DATAGRAM_BYTES)
    opener = Opener(KEY, "inbound", _RUN)

    def look(data: bytes) -> Hashable:
        view = memoryview(data)
        header = parse(view, size=DATAGRAM_BYTES)
        if header.run != _RUN:  # a run of its own key
            return (header, bytes(Opener(KEY, "inbound", header.run).payload(header, view)))
        return (header, bytes(opener.payload(header, view)))

    good = (sealer.seal((1, COPIES, 1, 2000, 0, 0, 1), b"payload" * 40), sealer.filler(7))
    return [Door("datagram of a diode", look, good)]


def hostile(keys: Keys) -> tuple[bytes, ...]:
    """Well-formed envelopes that no door may let in: of strangers, of the wrong role, expired, one operator twice."""
    stranger, impostor = keys.strangers
    heartbeat = lane_control.Heartbeat("inbound", "interactive", NOW_MS, 7, bytes(32), NOW_MS)
    wrong = (keys.high, keys.worker, keys.core, impostor)
    written = keys.written[0]
    return (
        encode_bundle(_sealed(new_bundle("inbound", [request_item()]), stranger, keys.low)),
        encode_bundle(_sealed(new_bundle("inbound", [request_item()]), keys.core, keys.low)),
        encode_bundle(_sealed(written, impostor)),
        encode_bundle(_sealed(written, keys.high)),
        encode_bundle(_sealed(new_bundle("outbound", [answer_item()]), stranger, keys.high)),
        *(lane_control.sign_control(heartbeat, key) for key in wrong),
        act.sign_act(act.Act(act.PAUSE, "ferry_high", "inbound-bulk", "maintenance", NOW_MS), keys.zhao),
        act.sign_act(act.Act(act.PAUSE, "ferry_low", "inbound-bulk", "maintenance", NOW_MS), keys.li),
        merkle.leaf_hash(b"no envelope at all"),
    )


def doors(keys: Keys) -> tuple[Door, ...]:
    """Make every door with its envelopes."""
    return (*_bundles(keys), *_controls(keys), *_media(keys), *_log(keys), *_datagrams())
