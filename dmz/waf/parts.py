"""Which parts of a request the rules' verdict depends on; requests that agree in them are judged alike.

Most of what people and browsers send is silent (``seclang.silence``): no rule finds anything in it.  What is silent is
remembered by keyed hashes, so that a name, an address or a Referer that comes again is not looked at again; what people
type is not kept as text.

A verdict depends on method, path, the names of headers, and all values that are not silent.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Final

from dmz.messages import HallRequest
from dmz.waf.seclang.listeners import ADDRESS, ARGUMENT_NAMES, ARGUMENTS, FILE_NAMES, FILES, HEADERS
from dmz.waf.seclang.silence import Entry, Silence
from dmz.waf.view import Inspected, Place

#: Entries of which is remembered whether they are silent.
MOST_REMEMBERED: Final = 16_384
#: Bytes of entries that are looked at in one step.
STEP_BYTES: Final = 8_192
_REMOTE: Final = "remote_addr"


class Parts:
    """Names what a verdict depends on.

    Args:
        silence: of the rules.
    """

    def __init__(self, silence: Silence) -> None:
        self._silence = silence
        # Hashes are keyed anew in every process, so nobody can choose a value that is taken for another.
        self._silent: dict[int, bool] = {}

    def key(self, request: HallRequest, texts: Sequence[Inspected]) -> Generator[None, None, int | None]:
        """Name the parts of a request that count, in steps; None when that is not told, or what people typed counts.

        Args:
            request: as the edge parsed it.
            texts: what people may have typed.
        """
        if self._silence.impossible:
            return hash((request.method, request.path, tuple(request.headers.items()))) if not texts else None
        kept, silent = self._silence.kept, self._silent
        held: list[object] = [request.method, request.path]
        unknown: dict[int, Entry] = {}
        asked: list[tuple[int, str, str]] = []
        for name, value in request.headers.items():
            held.append(name)
            if name in kept:
                held.append(value)
                continue
            number = hash((HEADERS, name, value))
            asked.append((number, name, value))
            if number not in silent:
                unknown[number] = _header(name, value)
        number = hash((_REMOTE, request.address))
        asked.append((number, _REMOTE, request.address))
        if number not in silent:
            unknown[number] = Entry(ADDRESS, b"", request.address.encode())
        typed: list[int] = []
        for inspected in texts:
            if inspected.name.lower() in kept:
                return None
            for number, entry in _typed(inspected):
                typed.append(number)
                if number not in silent:
                    unknown[number] = entry
        if unknown:
            silent = yield from self._look(unknown)
        for number, name, value in asked:
            if not silent[number] or name in kept:
                held += (name, value)
        return hash(tuple(held)) if all(map(silent.__getitem__, typed)) else None

    def _look(self, unknown: dict[int, Entry]) -> Generator[None, None, dict[int, bool]]:
        """Find out which of these are silent; gives all that is known."""
        found: dict[int, bool] = {}
        numbers: list[int] = []
        size = 0
        for number, entry in unknown.items():
            numbers.append(number)
            size += len(entry.value)
            if size > STEP_BYTES:
                yield from self._step(numbers, unknown, found)
                numbers, size = [], 0
        yield from self._step(numbers, unknown, found)
        if len(self._silent) + len(found) > MOST_REMEMBERED:
            # What this request has known already is needed until it is named.
            known, self._silent = self._silent, found
            return known | found
        self._silent |= found
        return self._silent

    def _step(
        self, numbers: Sequence[int], unknown: dict[int, Entry], found: dict[int, bool]
    ) -> Generator[None, None, None]:
        entries = [unknown[number] for number in numbers]
        for number, loud in zip(numbers, self._silence.loud(entries), strict=True):
            found[number] = not loud
        yield


def _header(name: str, value: str) -> Entry:
    return Entry((HEADERS,), name.encode(), value.encode("utf-8", "surrogateescape"))


def _typed(inspected: Inspected) -> tuple[tuple[int, Entry], tuple[int, Entry]]:
    """Give the entries of a text, its name and itself, with their numbers."""
    file = inspected.place is Place.FILE_NAME
    name = inspected.name.encode()
    value = inspected.text.encode("utf-8", "surrogateescape")
    return (
        (hash((file, name)), Entry(FILE_NAMES if file else ARGUMENT_NAMES, name, name)),
        (hash((file, name, value)), Entry(FILES if file else ARGUMENTS, name, value)),
    )
