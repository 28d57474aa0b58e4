"""Which parts of a request the rules' verdict depends on; requests that agree in them are judged alike.

Most of what people and browsers send is silent (``seclang.silence``): no rule finds anything in it.  What is silent is
remembered by keyed hashes, so that a name, an address or a Referer that comes again is not looked at again; what people
type is not kept as text.

A verdict depends on method, path, the names of headers, and all values that are not silent.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Final, NamedTuple

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
            parts = (request.method, request.path, request.address, tuple(request.headers.items()))
            return hash(parts) if not texts else None
        kept = self._silence.kept
        named = _around(request)
        typed = [each for inspected in texts for each in _typed(inspected)]
        if any(inspected.name.lower() in kept for inspected in texts):
            return None
        silent = self._silent
        unknown = {number: (name, value) for number, name, value in named if number not in silent and name not in kept}
        entries = {number: _entry(name, value) for number, (name, value) in unknown.items()}
        entries |= {text.number: text.entry() for text in typed if text.number not in silent}
        if entries:
            silent = yield from self._look(entries)
        if not all(silent[text.number] for text in typed):
            return None
        held = [name if name not in kept and silent[number] else (name, value) for number, name, value in named]
        return hash((request.method, request.path, *held))

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
        loud_ones = yield from self._silence.loud(entries)
        for number, loud in zip(numbers, loud_ones, strict=True):
            found[number] = not loud
        yield


def _around(request: HallRequest) -> list[tuple[int, str, str]]:
    """Give headers and address with their numbers."""
    around = [(hash((name, value)), name, value) for name, value in request.headers.items()]
    around.append((hash((_REMOTE, request.address)), _REMOTE, request.address))
    return around


def _entry(name: str, value: str) -> Entry:
    sent = value.encode("utf-8", "surrogateescape")
    return Entry(ADDRESS, b"", sent) if name == _REMOTE else Entry((HEADERS,), name.encode(), sent)


class _Text(NamedTuple):
    """A name that people sent, or what they sent under it.

    Attributes:
        number: a hash of all else.
        file: whether it belongs to a file.
        name: of the field.
        text: None for the name alone.
    """

    number: int
    file: bool
    name: str
    text: str | None

    def entry(self) -> Entry:
        """Give it as rules find it."""
        key = self.name.encode()
        if self.text is None:
            return Entry(FILE_NAMES if self.file else ARGUMENT_NAMES, key, key)
        return Entry(FILES if self.file else ARGUMENTS, key, self.text.encode("utf-8", "surrogateescape"))


def _typed(inspected: Inspected) -> tuple[_Text, _Text]:
    """Give a text's name and the text itself."""
    file, name, text = inspected.place is Place.FILE_NAME, inspected.name, inspected.text
    return _Text(hash((file, name)), file, name, None), _Text(hash((file, name, text)), file, name, text)
