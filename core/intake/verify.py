"""Verifies a bundle from the ferry, and each request in it.

    bundle   seal of a worker (author) and seal of the ferry's high half (last), both valid now, over these headers,
             for this direction and lane
    request  canonical header, body digest, known service and version, window, lane, time, canonical checked body

A bundle that fails is refused whole (PeerError). A request that fails is refused alone, with a kind for its answer.
Source: DESIGN invariant 2; wire_formats.bundle, wire_formats.request.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from wire_formats.bundle import CLOCK_SLACK_MS, Bundle, Item, SealStatement, parse_bundle, peek_statement, verify_seal
from wire_formats.canonical import decode_object
from wire_formats.catalogue import Service, ServiceKind, service
from wire_formats.checking import check_body
from wire_formats.errors import HallError, Kind, PeerError, Refused
from wire_formats.request import RequestHeader, body_of, header_digest, parse_header
from wire_formats.trust import TrustStore

AUTHOR: Final = "worker"
HIGH_HALF: Final = "ferry_high"
LEAST_SEALS: Final = 2


@dataclass(frozen=True, slots=True)
class Incoming:
    """One request whose bundle was verified; `fault` says why it may not run."""

    header: RequestHeader
    digest: bytes
    declared: Service | None
    body: dict[str, Any] = field(default_factory=dict)
    body_bytes: bytes = b""
    fault: HallError | None = None

    @property
    def is_transaction(self) -> bool:
        """Whether its answer is recorded; what cannot be told apart is treated as one."""
        return self.declared is None or self.declared.kind is ServiceKind.TRANSACTION


@dataclass(frozen=True, slots=True)
class VerifiedBundle:
    """A bundle whose seals held."""

    requests: tuple[Incoming, ...]
    hops: dict[str, int]
    """When each party sealed it: worker, ferry_low, ferry_high; ms since 1970."""


def verify_bundle(data: bytes, *, lane: str, trust: TrustStore, now_ms: int) -> VerifiedBundle:
    """Verify a bundle and read its requests.

    Args:
        data: the file.
        lane: the lane whose inbox it lay in.
        trust: the machines this core knows.
        now_ms: the instant now.

    Raises:
        PeerError: syntax, seal, role, root or lane of the bundle.
    """
    bundle = parse_bundle(data)
    if bundle.direction != "inbound":
        raise PeerError(Kind.WRONG_LANE, "bundle is outbound")
    if len(bundle.seals) < LEAST_SEALS:
        raise PeerError(Kind.BAD_SIGNATURE, "bundle lacks the seal of the high half")
    author = verify_seal(bundle, 0, trust, role=AUTHOR, now_ms=now_ms).statement
    high = verify_seal(bundle, -1, trust, role=HIGH_HALF, now_ms=now_ms).statement
    if author.lane != lane or high.lane != lane:
        raise PeerError(Kind.WRONG_LANE, "bundle is for another lane")
    # An item without content failed inspection; the high half has answered it, its header stays for the seals.
    requests = tuple(read_request(item, lane=lane, now_ms=now_ms) for item in bundle.items if item.content)
    return VerifiedBundle(requests, _hops(bundle, author, high))


def read_request(item: Item, *, lane: str, now_ms: int) -> Incoming:
    """Read one request of a verified bundle; its own faults are kept, not raised.

    Raises:
        PeerError: the header itself cannot be read, so that nobody can be answered.
    """
    header = parse_header(item.header)
    digest = header_digest(item.header)
    declared: Service | None = None
    try:
        declared = service(header.service, header.version)
        body_bytes = body_of(header, item.content)
        _check_frame(header, declared, lane=lane, now_ms=now_ms)
        body = decode_object(body_bytes)
        check_body(declared, body)
    except HallError as fault:
        return Incoming(header, digest, declared, fault=fault)
    return Incoming(header, digest, declared, dict(body), body_bytes)


def _check_frame(header: RequestHeader, declared: Service, *, lane: str, now_ms: int) -> None:
    if header.lane != lane:
        raise PeerError(Kind.WRONG_LANE, "request is for another lane")
    if header.window not in declared.windows:
        raise Refused(Kind.WRONG_WINDOW, f"{declared.code} is not offered in {header.window}")
    if header.created_ms > now_ms + CLOCK_SLACK_MS:
        raise PeerError(Kind.FROM_THE_FUTURE, "request was made in the future")
    if header.expires_ms - header.created_ms > declared.life_ms:
        raise PeerError(Kind.MALFORMED, "request lives longer than its service allows")
    if now_ms > header.expires_ms:
        raise Refused(Kind.EXPIRED, "request waited too long")


def _hops(bundle: Bundle, author: SealStatement, high: SealStatement) -> dict[str, int]:
    hops = {"worker": author.made_ms, "ferry_high": high.made_ms}
    if len(bundle.seals) > LEAST_SEALS:
        # The low half's seal was verified by the high half; here it only tells a time.
        hops["ferry_low"] = peek_statement(bundle.seals[1]).made_ms
    return hops
