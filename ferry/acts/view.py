"""What may be shown of a held bundle (安全视图): who made it, when, how large, for which service; never what it says.

Seals are not opened and certificates, grants and keys of users are left out.  Pure: bytes in, lines out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from ferry.lane.checks import INBOUND
from wire_formats import cbor
from wire_formats.answer import parse_answer_header
from wire_formats.bundle import Bundle, Item, parse_bundle, peek_statement
from wire_formats.cose import parse_sign1
from wire_formats.errors import PeerError
from wire_formats.request import parse_header

MOST_ITEMS: Final = 256


class SealView(NamedTuple):
    """One seal, its signature not checked here."""

    kid: str
    lane: str
    epoch: int
    sequence: int
    items: int
    made_ms: int


class ItemView(NamedTuple):
    """One request or answer.

    Attributes:
        request_id: hex.
        service: its code.
        version: of the service.
        worker: who waits for the answer.
        made_ms: when it was made.
        expires_ms: when it ends; 0 for answers.
        size: bytes of its sealed content.
        status: of an answer.
        trouble: why its header cannot be read.
    """

    request_id: str = ""
    service: str = ""
    version: int = 0
    worker: str = ""
    made_ms: int = 0
    expires_ms: int = 0
    size: int = 0
    status: str = ""
    trouble: str = ""


class BundleView(NamedTuple):
    """A held bundle; ``trouble`` says why it cannot be read, then there is nothing else."""

    direction: str = ""
    seals: tuple[SealView, ...] = ()
    items: tuple[ItemView, ...] = ()
    trouble: str = ""


def single_item(data: bytes) -> Item | None:
    """Give the one request that was kept back out of its bundle, if that is what is held."""
    try:
        parts = cbor.decode(data, max_depth=1)
    except PeerError:
        return None
    if isinstance(parts, list) and len(parts) == 2 and all(isinstance(part, bytes) for part in parts):
        header, content = parts
        return Item(header, content)  # type: ignore[arg-type]
    return None


def view_bundle(data: bytes) -> BundleView:
    """Show a bundle, or one request that was kept back."""
    one = single_item(data)
    if one is not None:
        return BundleView(INBOUND, (), (_shown(_request, one.header, len(one.content)),))
    try:
        bundle = parse_bundle(data)
        return BundleView(bundle.direction, tuple(map(_seal, bundle.seals)), _items(bundle))
    except PeerError as error:
        return BundleView(trouble=error.private or error.kind.name)


def _seal(seal: bytes) -> SealView:
    said = peek_statement(seal)
    return SealView(parse_sign1(seal).kid.hex(), said.lane, said.epoch, said.sequence, said.count, said.made_ms)


def _items(bundle: Bundle) -> tuple[ItemView, ...]:
    show = _request if bundle.direction == INBOUND else _answer
    return tuple(_shown(show, item.header, len(item.content)) for item in bundle.items[:MOST_ITEMS])


def _shown(show: Callable[[bytes, int], ItemView], header: bytes, size: int) -> ItemView:
    try:
        return show(header, size)
    except PeerError as error:
        return ItemView(size=size, trouble=error.private or error.kind.name)


def _request(header: bytes, size: int) -> ItemView:
    said = parse_header(header)
    return ItemView(
        said.id.hex(), said.service, said.version, said.reply_to, said.created_ms, said.expires_ms, size
    )  # fmt: skip


def _answer(header: bytes, size: int) -> ItemView:
    said = parse_answer_header(header)
    return ItemView(
        said.request_id.hex(),
        said.service,
        said.version,
        said.reply_to,
        said.answered_ms,
        0,
        size,
        said.status.name.lower(),
    )
