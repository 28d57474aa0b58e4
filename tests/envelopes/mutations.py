"""Changes of an envelope: by its parts, by its lines, and blind.

By its parts     a part cut, doubled, left out, exchanged for one of another envelope (seal, key id, lane, payload …), heads
                 longer than they must be, keys doubled or out of order, lengths that lie, bytes behind the end, another
                 type, an indefinite length, the other signature (r, n - s) of the same text
By its lines     notes and proofs: lines left out, doubled, exchanged, of another note; base64 opened, changed and closed
Blind            bits, bytes, pieces, ends
"""

from __future__ import annotations

import base64
import binascii
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from tests.envelopes.spans import ARRAY, BYTES, MAP, TEXT, Span, head, replaced, spans_of

#: Order of the group of P-256.
ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_SIGNATURE_BYTES: Final = 64
#: What is put in the place of a part: other types, and values at the edges.
_STRANGE: Final = (
    b"\x00", b"\x17", b"\x18\x18", b"\x1b" + b"\xff" * 8, b"\x1b\x7f" + b"\xff" * 7, b"\x20", b"\x3b" + b"\xff" * 8, b"\x40",
    b"\x41\x00", b"\x60", b"\x61a", b"\x62\xc0\x80", b"\x63\xed\xa0\x80", b"\x80", b"\xa0", b"\xa1\x01\x02", b"\xf4", b"\xf5",
    b"\xf6", b"\xf7", b"\xf9\x3c\x00", b"\xfb\x3f\xf0" + b"\x00" * 6, b"\xc0\x00", b"\xd2\x84\x40\xa0\x40\x40", b"\x5f\xff",
    b"\x7f\xff", b"\x9f\xff", b"\xbf\xff", b"\xff", b"\x81" * 12 + b"\x00", b"\x58\x20" + bytes(32), b"\x58\x40" + bytes(64),
)  # fmt: skip
_FAR: Final = (0, 1, 23, 24, 255, 256, 65_535, 65_536, (1 << 31) - 1, 1 << 31, (1 << 32) - 1, 1 << 32, (1 << 64) - 1)


@dataclass(frozen=True)
class Envelope:
    """One envelope that is going to be changed.

    Attributes:
        door: which door it is for.
        data: its bytes.
        lines: whether it is a text of lines.
    """

    door: str
    data: bytes = field(repr=False)
    lines: bool = False

    @cached_property
    def spans(self) -> list[Span]:
        """Its parts."""
        return spans_of(self.data)

    @cached_property
    def byte_strings(self) -> list[Span]:
        return [span for span in self.spans if span.major == BYTES]

    @cached_property
    def containers(self) -> list[Span]:
        return [span for span in self.spans if span.major in (ARRAY, MAP) and span.argument > 0]

    @cached_property
    def signatures(self) -> list[Span]:
        return [span for span in self.byte_strings if span.argument == _SIGNATURE_BYTES]


Donors = Sequence[Envelope]
Mutation = Callable[[Envelope, Donors, random.Random], bytes]


# --- by its parts


def _longer_head(one: Envelope, _donors: Donors, chance: random.Random) -> bytes:
    span = chance.choice(one.spans)
    new = head(span.major, span.argument, longer=chance.randint(1, 4))
    return replaced(one.data, span.start, span.content, new, span.around)


def _lying_length(one: Envelope, _donors: Donors, chance: random.Random) -> bytes:
    span = chance.choice(one.spans)
    told = max(0, span.argument + chance.choice((-2, -1, 1, 2, 8))) if chance.random() < 0.6 else chance.choice(_FAR)
    return replaced(one.data, span.start, span.content, head(span.major, told), span.around)


def _strange_part(one: Envelope, _donors: Donors, chance: random.Random) -> bytes:
    span = chance.choice(one.spans)
    return replaced(one.data, span.start, span.end, chance.choice(_STRANGE), span.around)


def _part_of_another(one: Envelope, donors: Donors, chance: random.Random) -> bytes:
    """A seal, a key id, a lane, a payload, an item of another envelope."""
    span, donor = chance.choice(one.spans), chance.choice(donors)
    for _ in range(4):
        other = chance.choice(donor.spans)
        if other.major == span.major and other.in_map == span.in_map:
            break
    return replaced(one.data, span.start, span.end, donor.data[other.start : other.end], span.around)


def _string_of_another(one: Envelope, donors: Donors, chance: random.Random) -> bytes:
    """A byte string of the same length: other keys, digests, signatures."""
    span, donor = chance.choice(one.byte_strings), chance.choice(donors)
    same = [other for other in donor.byte_strings if other.argument == span.argument]
    if not same:
        return _flip_in(one, span, chance)
    other = chance.choice(same)
    return one.data[: span.content] + donor.data[other.content : other.end] + one.data[span.end :]


def _moved_inside(one: Envelope, _donors: Donors, chance: random.Random) -> bytes:
    """Exchange two parts of the same envelope."""
    first, second = sorted((chance.choice(one.spans), chance.choice(one.spans)), key=lambda span: span.start)
    if first.end > second.start or first.around != second.around:
        return _doubled(one, _donors, chance)
    a, b = one.data[first.start : first.end], one.data[second.start : second.end]
    middle = one.data[first.end : second.start]
    return replaced(one.data, first.start, second.end, b + middle + a, first.around)


def _doubled(one: Envelope, _donors: Donors, chance: random.Random) -> bytes:
    """Double the first part of a container: a key comes twice, an item comes twice; the count is right."""
    span = chance.choice(one.containers)
    inside = one.data[span.content : span.end]
    first = _first_of(one, span)
    new = head(span.major, span.argument + 1) + first + inside
    return replaced(one.data, span.start, span.end, new, span.around)


def _left_out(one: Envelope, _donors: Donors, chance: random.Random) -> bytes:
    span = chance.choice(one.containers)
    first = _first_of(one, span)
    new = head(span.major, span.argument - 1) + one.data[span.content + len(first) : span.end]
    return replaced(one.data, span.start, span.end, new, span.around)


def _first_to_the_end(one: Envelope, _donors: Donors, chance: random.Random) -> bytes:
    """Keys out of order, items in another order."""
    span = chance.choice(one.containers)
    first = _first_of(one, span)
    new = one.data[span.content + len(first) : span.end] + first
    return replaced(one.data, span.content, span.end, new, span.around)


def _bytes_behind(one: Envelope, _donors: Donors, chance: random.Random) -> bytes:
    span = chance.choice(one.spans)
    more = chance.choice((b"\x00", b"\xff", b"\xf6", chance.randbytes(8), one.data[span.start : span.end]))
    return replaced(one.data, span.end, span.end, more, span.around)


def _indefinite(one: Envelope, _donors: Donors, chance: random.Random) -> bytes:
    span = chance.choice([span for span in one.spans if span.major in (BYTES, TEXT, ARRAY, MAP)])
    inside = one.data[span.content : span.end]
    if span.major in (BYTES, TEXT):
        inside = one.data[span.start : span.end]
    return replaced(one.data, span.start, span.end, bytes([span.major << 5 | 31]) + inside + b"\xff", span.around)


def _other_value(one: Envelope, _donors: Donors, chance: random.Random) -> bytes:
    """Another number in the place of a number, in its one form."""
    numbers = [span for span in one.spans if span.major == 0]
    if not numbers:
        return _flip(one, _donors, chance)
    span = chance.choice(numbers)
    value = chance.choice((span.argument + 1, max(0, span.argument - 1), span.argument ^ 1 << chance.randrange(32), 0))
    return replaced(one.data, span.start, span.end, head(0, value), span.around)


def _other_signature(one: Envelope, donors: Donors, chance: random.Random) -> bytes:
    """The same signature in the other of its two forms, or with a scalar beyond the order."""
    if not one.signatures:
        return _string_of_another(one, donors, chance)
    span = chance.choice(one.signatures)
    r, s = (int.from_bytes(one.data[at : at + 32], "big") for at in (span.content, span.content + 32))
    r, s = chance.choice(
        ((r, ORDER - s), (r, ORDER - s), (ORDER - r, s), (r + ORDER, s), (r, s + ORDER), (0, 0), (s, r))
    )
    plain = b"".join((value % (1 << 256)).to_bytes(32, "big") for value in (r, s))
    return one.data[: span.content] + plain + one.data[span.end :]


def _flip_in(one: Envelope, span: Span, chance: random.Random) -> bytes:
    changed = bytearray(one.data)
    changed[chance.randrange(span.start, span.end)] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _in_a_string(one: Envelope, _donors: Donors, chance: random.Random) -> bytes:
    """A bit of a digest, a signature, a key id, a payload: the form stays right, and the signature is asked."""
    return _flip_in(one, chance.choice(one.byte_strings), chance)


def _first_of(one: Envelope, span: Span) -> bytes:
    """The first item of an array, the first pair of a map."""
    place = next(at for at, other in enumerate(one.spans) if other is span)
    inside = [o for o in one.spans[place + 1 :] if o.around == span.around and span.content <= o.start < span.end]
    end = inside[0].end if span.major == ARRAY else next(o.end for o in inside if o.start == inside[0].end)
    return one.data[span.content : end]


# --- by its lines


def _line(one: Envelope, donors: Donors, chance: random.Random) -> bytes:
    lines = one.data.split(b"\n")
    at, step = chance.randrange(len(lines)), chance.randrange(6)
    if step == 0:
        del lines[at]
    elif step == 1:
        lines.insert(at, lines[chance.randrange(len(lines))])
    elif step == 2:
        other = chance.randrange(len(lines))
        lines[at], lines[other] = lines[other], lines[at]
    elif step == 3:
        donor = chance.choice([each for each in donors if each.lines] or [one]).data.split(b"\n")
        lines[at] = chance.choice(donor)
    elif step == 4:
        lines[at] += chance.choice((b" ", b"\r", b"\t", b"=", b"\x00", b"\xc2\xa0", b"A"))
    else:
        lines.insert(at, b"")
    return b"\n".join(lines)


def _base64(one: Envelope, _donors: Donors, chance: random.Random) -> bytes:
    """Open a line's base64, change what is in it, and close it again in its one form."""
    lines = one.data.split(b"\n")
    at = chance.randrange(len(lines))
    before, space, text = lines[at].rpartition(b" ")
    try:
        inside = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        inside = b""
    if len(inside) < _LEAST_INSIDE:
        return _line(one, _donors, chance)
    if spans_of(inside) and chance.random() < 0.8:
        new = mutate(Envelope(one.door, inside), [Envelope(one.door, inside)], chance)
    elif chance.random() < 0.3:
        new = _other_der(inside)
    else:
        new = _blind(inside, chance)
    lines[at] = before + space + base64.b64encode(new)
    return b"\n".join(lines)


def _other_der(inside: bytes) -> bytes:
    """The other signature of a note's line: the last 32 bytes are s, or s of ASN.1."""
    s = int.from_bytes(inside[-32:], "big")
    return inside[:-32] + ((ORDER - s) % (1 << 256)).to_bytes(32, "big")


_LEAST_INSIDE: Final = 16


# --- blind


def _flip(one: Envelope, _donors: Donors, chance: random.Random) -> bytes:
    changed = bytearray(one.data)
    changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _cut(one: Envelope, _donors: Donors, chance: random.Random) -> bytes:
    return one.data[: chance.randrange(len(one.data))]


def _spliced(one: Envelope, donors: Donors, chance: random.Random) -> bytes:
    """The beginning of one and the end of another."""
    other = chance.choice(donors).data
    return one.data[: chance.randrange(len(one.data) + 1)] + other[chance.randrange(len(other) + 1) :]


def _wild(one: Envelope, _donors: Donors, chance: random.Random) -> bytes:
    data = one.data
    for _ in range(chance.choice((1, 1, 2, 4))):
        data = _blind(data, chance)
    return data


def _blind(data: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data)
    at, step = chance.randrange(len(changed) + 1), chance.randrange(6)
    if step == 0 and at < len(changed):
        changed[at] = chance.randrange(256)
    elif step == 1:
        changed[at:at] = chance.randbytes(chance.randint(1, 8))
    elif step == 2:
        del changed[at : at + chance.randint(1, 16)]
    elif step == 3:
        changed[at:at] = changed[at : at + 32]
    elif step == 4:
        other = chance.randrange(len(changed) + 1)
        changed[at : at + 8] = changed[other : other + 8]
    elif at < len(changed):
        changed[at] ^= 1 << chance.randrange(8)
    return bytes(changed)


_BLIND: Final[tuple[Mutation, ...]] = (_flip, _flip, _flip, _cut, _spliced, _wild, _wild)
_BY_PARTS: Final[tuple[Mutation, ...]] = (
    _longer_head, _lying_length, _strange_part, _part_of_another, _part_of_another, _string_of_another, _string_of_another,
    _moved_inside, _doubled, _left_out, _first_to_the_end, _bytes_behind, _indefinite, _other_value, _other_value,
    _other_signature, _in_a_string, _in_a_string, _in_a_string, _flip, _cut,
)  # fmt: skip
_BY_LINES: Final[tuple[Mutation, ...]] = (_line, _line, _base64, _base64, _base64, _flip, _cut)


def mutate(one: Envelope, donors: Donors, chance: random.Random) -> bytes:
    """Change an envelope.

    Args:
        one: the envelope.
        donors: others, whose parts may get into it; each with parts if it has any itself.
        chance: decides.
    """
    if chance.random() < 0.2:
        return chance.choice(_BLIND)(one, donors, chance)
    if one.lines:
        return chance.choice(_BY_LINES)(one, donors, chance)
    if not one.byte_strings or not one.containers:
        return chance.choice(_BLIND)(one, donors, chance)
    return chance.choice(_BY_PARTS)(one, donors, chance)


def flips(data: bytes) -> list[bytes]:
    """Give every envelope that differs in one bit."""
    return [data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :] for at in range(len(data)) for bit in range(8)]


def cuts(data: bytes) -> list[bytes]:
    """Give every beginning of an envelope, the whole one not among them."""
    return [data[:at] for at in range(len(data))]
