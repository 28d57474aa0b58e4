"""A strict, deterministic subset of CBOR, for headers and statements.

Subset: unsigned and negative integers of at most 64 bits, byte strings, UTF-8 text, arrays, maps
with integer or text keys, false, true, null.  No floats, no tags, no indefinite lengths.
One value has exactly one encoding (RFC 8949, 4.2.1 core deterministic encoding): shortest heads,
map keys sorted bytewise by their encoding, no duplicate keys.  The decoder refuses everything else
while reading, so ``encode(decode(data)) == data`` holds for all data it accepts.

Why not a library: the common one accepts duplicate keys, trailing bytes and long-form integers
(docs/decisions/0002-own-cbor.md).  Independent decoders agree on the golden vectors.

Source: RFC 8949; DESIGN "Wire formats".
"""

from __future__ import annotations

from typing import Final

from wire_formats.errors import Kind, PeerError

Value = int | bytes | str | bool | None | list["Value"] | dict[int | str, "Value"]

_UNSIGNED, _NEGATIVE, _BYTES, _TEXT, _ARRAY, _MAP, _SIMPLE = 0, 1, 2, 3, 4, 5, 7
_FALSE, _TRUE, _NULL = 20, 21, 22
_LEAST: Final = (24, 1 << 8, 1 << 16, 1 << 32)
_SMALL: Final = tuple(bytes((number,)) for number in range(24))
_TOP_64: Final = (1 << 64) - 1
MAX_DEPTH: Final = 8
#: Items in one array or map; a bundle of 256 is the largest honest one.
MAX_ITEMS: Final = 4096


def encode(value: Value) -> bytes:
    """Encode a value in its one deterministic form.

    Raises:
        ValueError: a value outside the subset (our own fault, not a peer's).
    """
    out = bytearray()
    _write(value, out)
    return bytes(out)


def _head(major: int, argument: int, out: bytearray) -> None:
    kind = major << 5
    if argument < 24:
        out.append(kind | argument)
    elif argument < 1 << 8:
        out += bytes((kind | 24, argument))
    elif argument < 1 << 16:
        out.append(kind | 25)
        out += argument.to_bytes(2, "big")
    elif argument < 1 << 32:
        out.append(kind | 26)
        out += argument.to_bytes(4, "big")
    elif argument <= _TOP_64:
        out.append(kind | 27)
        out += argument.to_bytes(8, "big")
    else:
        raise ValueError("integer beyond 64 bits")


def _write(value: Value, out: bytearray) -> None:
    if isinstance(value, bool):
        out.append(_SIMPLE << 5 | (_TRUE if value else _FALSE))
    elif isinstance(value, int):
        _head(_UNSIGNED, value, out) if value >= 0 else _head(_NEGATIVE, -1 - value, out)
    elif isinstance(value, bytes):
        _head(_BYTES, len(value), out)
        out += value
    elif isinstance(value, str):
        data = value.encode("utf-8", "strict")
        _head(_TEXT, len(data), out)
        out += data
    elif value is None:
        out.append(_SIMPLE << 5 | _NULL)
    else:
        _write_container(value, out)


def _write_container(value: Value, out: bytearray) -> None:
    if isinstance(value, list):
        _head(_ARRAY, len(value), out)
        for item in value:
            _write(item, out)
    elif isinstance(value, dict):
        _head(_MAP, len(value), out)
        # Keys differ, so no two items are ever compared.
        for key, item in sorted((_key(key), item) for key, item in value.items()):
            out += key
            _write(item, out)
    else:
        raise ValueError(f"no CBOR for {type(value).__name__}")


def _key(key: int | str) -> bytes:
    """Encode a map's key; nearly all are small integers, and there are nine or thirteen in every header."""
    return _SMALL[key] if type(key) is int and 0 <= key < len(_SMALL) else encode(key)


def decode(data: bytes, *, max_depth: int = MAX_DEPTH) -> Value:
    """Decode one value that fills ``data`` exactly.

    Args:
        data: at most as long as the caller's own limit; nothing is copied beyond it.
        max_depth: how deep arrays and maps may nest.

    Raises:
        PeerError: MALFORMED, or NOT_CANONICAL for a second way to write the same value.
    """
    reader = _Reader(data)
    value = reader.value(max_depth)
    if reader.at != len(data):
        raise PeerError(Kind.MALFORMED, "bytes after the value")
    return value


class _Reader:
    """Reads forward over one buffer; every step is bounded by the buffer's length.

    ``value`` has the head's reading written out: it runs for every field of every header, and a
    call for each head made it half as slow again.
    """

    __slots__ = ("at", "data", "end")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0
        self.end = len(data)

    def value(self, depth: int) -> Value:
        at = self.at
        if at >= self.end:
            raise PeerError(Kind.MALFORMED, "cut short")
        first = self.data[at]
        self.at = at + 1
        major, argument = first >> 5, first & 31
        if argument > 23:
            argument = self._long_argument(major, argument)
        if major == _BYTES:
            start = self.at
            self.at = start + argument
            if self.at > self.end:
                raise PeerError(Kind.MALFORMED, "cut short")
            return self.data[start : self.at]
        if major == _UNSIGNED:
            return argument
        if major == _TEXT:
            return self._text(argument)
        if major == _MAP:
            return self._map(argument, depth)
        if major == _ARRAY:
            self._check_container(argument, depth)
            return [self.value(depth - 1) for _ in range(argument)]
        if major == _NEGATIVE:
            return -1 - argument
        return self._simple(major, argument)

    def _long_argument(self, major: int, low: int) -> int:
        if low > 27 or major == _SIMPLE:
            raise PeerError(Kind.MALFORMED, "outside the CBOR subset")
        stop = self.at + (1 << (low - 24))
        if stop > self.end:
            raise PeerError(Kind.MALFORMED, "cut short")
        argument = int.from_bytes(self.data[self.at : stop], "big")
        self.at = stop
        # The shortest form is the only form: 24 needs one byte, 2^8 two, 2^16 four, 2^32 eight.
        if argument < _LEAST[low - 24]:
            raise PeerError(Kind.NOT_CANONICAL, "integer in a longer form than needed")
        return argument

    def _text(self, length: int) -> str:
        start = self.at
        self.at = start + length
        if self.at > self.end:
            raise PeerError(Kind.MALFORMED, "cut short")
        try:
            return self.data[start : self.at].decode("utf-8", "strict")
        except UnicodeDecodeError:
            raise PeerError(Kind.MALFORMED, "text is not UTF-8") from None

    def _simple(self, major: int, argument: int) -> Value:
        if major == _SIMPLE and argument in (_FALSE, _TRUE):
            return argument == _TRUE
        if major == _SIMPLE and argument == _NULL:
            return None
        raise PeerError(Kind.MALFORMED, "outside the CBOR subset")

    def _check_container(self, count: int, depth: int) -> None:
        if depth <= 0:
            raise PeerError(Kind.MALFORMED, "nested too deep")
        if count > MAX_ITEMS or count > self.end - self.at:
            raise PeerError(Kind.MALFORMED, "more items than bytes")

    def _map(self, count: int, depth: int) -> Value:
        self._check_container(count, depth)
        result: dict[int | str, Value] = {}
        previous = b""
        for _ in range(count):
            start = self.at
            if start < self.end and self.data[start] < 24:
                # One octet, an unsigned integer: nearly every key there is, so its reading is written out.
                key: Value = self.data[start]
                self.at = start + 1
            else:
                key = self.value(0)
                if type(key) is not int and type(key) is not str:
                    raise PeerError(Kind.MALFORMED, "map key is neither integer nor text")
            encoded = self.data[start : self.at]
            if encoded <= previous:
                raise PeerError(Kind.NOT_CANONICAL, "map keys out of order or doubled")
            previous = encoded
            result[key] = self.value(depth - 1)  # type: ignore[index]
        return result
