"""One act of a gatekeeper operator: what he says, and how it is signed.  Pure.

    act map
     1 act       "release", "reject", "pause" or "resume"
     2 half      machine name of the half it is for
     3 subject   "<SHA-256 of the held bundle, hex>-<instant it was held, ms>", or "<direction>-<lane>"
     4 reason    one of ``REASONS``
     5 made      ms since 1970; believed for a day

    countersigned act map: the same, and
     6 operator  key id (SHA-256 of the certificate) of the operator who showed his certificate
     7 serial    serial number of that certificate, big-endian, at most 20 bytes

The first kind is a COSE_Sign1 by the operator himself.  The second is a COSE_Sign1 by the console's machine key: the
console has no operator's key, it vouches that somebody held a TLS connection with that certificate.  Whoever takes the
console over can make such acts; the first kind he cannot make.

A subject names the instant at which a bundle was held, so that an act does not fit the next time it is held.

Source: RFC 9052; research, section 7, point 9.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Final, NamedTuple

from ferry.shelves import SUBJECT
from wire_formats import cbor, cose
from wire_formats.bundle import CLOCK_SLACK_MS
from wire_formats.certificate_names import SIGNER_NAME
from wire_formats.errors import Kind, PeerError
from wire_formats.header_reader import HeaderReader
from wire_formats.instants import DAY_MS
from wire_formats.medium import OPERATOR_ROLE
from wire_formats.suites import Signing
from wire_formats.trust import Signer, TrustStore

RELEASE: Final = "release"
REJECT: Final = "reject"
PAUSE: Final = "pause"
RESUME: Final = "resume"
ACTS: Final = (RELEASE, REJECT, PAUSE, RESUME)
#: Acts that two different operators must agree on.
BY_TWO: Final = frozenset({RELEASE, REJECT})
#: Why: fixed words, so that no line of the ledger holds anything personal.
REASONS: Final = (
    "cause_mended",
    "looked_at",
    "sender_confirms",
    "sent_again",
    "not_trusted",
    "maintenance",
    "incident",
)
LIFE_MS: Final = DAY_MS
MAX_ACT_BYTES: Final = 1024
CONSOLE_ROLE: Final = "ferry_console"
_SIGNED_USE: Final = b"ferrygate gatekeeper act 1"
_SHOWN_USE: Final = b"ferrygate gatekeeper act by console 1"
_OWN_KEYS: Final = 5
_SHOWN_KEYS: Final = 7
_KID_BYTES: Final = 32
_MAX_SERIAL_BYTES: Final = 20
LANE_SUBJECT: Final = re.compile(r"(inbound|outbound)-(interactive|bulk)", re.ASCII)
_ANY_SUBJECT: Final = re.compile(f"{SUBJECT.pattern}|{LANE_SUBJECT.pattern}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Act:
    """What an operator says; see the module."""

    act: str
    half: str
    subject: str
    reason: str
    made_ms: int


class Shown(NamedTuple):
    """The certificate an operator showed to the console."""

    kid: bytes
    serial: int

    def fields(self, first: int) -> dict[int | str, cbor.Value]:
        """Give its two fields of what the console signs for him: key id, and serial number."""
        return {first: self.kid, first + 1: self.serial.to_bytes(_MAX_SERIAL_BYTES, "big").lstrip(b"\0")}


class VerifiedAct(NamedTuple):
    """An act whose signature held.

    Attributes:
        act: what is said.
        operator: who says it.
        by_console: whether the console vouches for him.
        digest: SHA-256 of the signed bytes, by which a repetition is recognised.
    """

    act: Act
    operator: Signer
    by_console: bool
    digest: bytes


def sign_act(act: Act, key: Signing) -> bytes:
    """Sign an act as an operator."""
    return cose.sign1(cbor.encode(_map(act)), key, external=_SIGNED_USE)


def countersign_act(act: Act, shown: Shown, key: Signing) -> bytes:
    """Sign an act as the console, for an operator who showed his certificate."""
    return cose.sign1(cbor.encode(_map(act) | shown.fields(6)), key, external=_SHOWN_USE)


def verify_act(
    data: bytes, operators: TrustStore, machines: TrustStore, *, half: str, by_console: bool, now_ms: int
) -> VerifiedAct:
    """Check an act: signature, operator, half, age.

    Args:
        data: the signed act.
        operators: the operators this half knows.
        machines: the machines it knows, the console among them.
        half: machine name of this half.
        by_console: whether acts that the console countersigned count.
        now_ms: the instant now.

    Raises:
        PeerError: it cannot be read, the signer or operator is unknown, not valid now, or of another role; the act is
            for another half, too old, or from the future.
    """
    if len(data) > MAX_ACT_BYTES:
        raise PeerError(Kind.TOO_LARGE, "act too large")
    parts = cose.parse_sign1(data)
    digest = hashlib.sha256(parts.protected + parts.payload).digest()
    if _is_shown(parts.payload):
        if not by_console:
            raise PeerError(Kind.UNKNOWN_SIGNER, "acts of the console do not count here")
        cose.verify1(data, machines, role=CONSOLE_ROLE, now_ms=now_ms, external=_SHOWN_USE)
        reader = HeaderReader(parts.payload, keys=_SHOWN_KEYS, limit=MAX_ACT_BYTES, depth=1)
        operator = shown_operator(reader, 6, operators, now_ms=now_ms)
        verified = VerifiedAct(_parse(reader), operator, True, digest)
    else:
        signer = cose.verify1(data, operators, role=OPERATOR_ROLE, now_ms=now_ms, external=_SIGNED_USE).signer
        reader = HeaderReader(parts.payload, keys=_OWN_KEYS, limit=MAX_ACT_BYTES, depth=1)
        verified = VerifiedAct(_parse(reader), signer, False, digest)
    if verified.act.half != half:
        raise PeerError(Kind.WRONG_ROLE, "act is for another half")
    check_age(verified.act.made_ms, now_ms=now_ms)
    return verified


def shown_operator(reader: HeaderReader, first: int, operators: TrustStore, *, now_ms: int) -> Signer:
    """Give the operator whose certificate the console says it was shown (``Shown.fields``).

    Raises:
        PeerError: malformed; the operator is unknown, or not valid now.
    """
    operator = operators.signer(reader.exact_bytes(first, _KID_BYTES), role=OPERATOR_ROLE, now_ms=now_ms)
    reader.bytes_up_to(first + 1, _MAX_SERIAL_BYTES)
    return operator


def check_age(made_ms: int, *, now_ms: int, what: str = "act", life_ms: int = LIFE_MS) -> None:
    """Check that what an operator says is fresh.

    Args:
        made_ms: when it was made.
        now_ms: the instant now.
        what: what it is called in a refusal.
        life_ms: how long it is believed.

    Raises:
        PeerError: FROM_THE_FUTURE, or REPLAYED: too old.
    """
    if made_ms > now_ms + CLOCK_SLACK_MS:
        raise PeerError(Kind.FROM_THE_FUTURE, f"{what} was made in the future")
    if made_ms + life_ms <= now_ms:
        raise PeerError(Kind.REPLAYED, f"{what} has expired")


def _is_shown(payload: bytes) -> bool:
    value = cbor.decode(payload, max_depth=1)
    return isinstance(value, dict) and len(value) == _SHOWN_KEYS


def _parse(reader: HeaderReader) -> Act:
    act = reader.choice(1, ACTS)
    subject = reader.text(3, _ANY_SUBJECT)
    if (act in BY_TWO) != bool(SUBJECT.fullmatch(subject)):
        raise PeerError(Kind.MALFORMED, "act and subject do not fit")
    return Act(act, reader.text(2, SIGNER_NAME), subject, reader.choice(4, REASONS), reader.instant(5))


def _map(act: Act) -> dict[int | str, cbor.Value]:
    return {1: act.act, 2: act.half, 3: act.subject, 4: act.reason, 5: act.made_ms}
