"""Many patterns over one value at once: which of them may match.

``PatternSet.candidates(value)`` names every pattern that matches, and perhaps some that do not; whoever asks lets the
pattern itself decide.  With Hyperscan the answer is nearly exact; without, it comes from necessary conditions
(``necessary``), remembered by the set of bytes that a value holds.  A pattern that Hyperscan cannot take is judged by
its necessary conditions too.

A compiled set can be stored, since compiling takes seconds; ``stored_key`` names what it depends on.

Source: Hyperscan developer reference 5.4 (pattern support, prefilter mode, serialisation); firewall research, section
4.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Final, NamedTuple

from dmz.waf.seclang.necessary import MOST_PIECES, Necessary, bytes_of, necessary
from dmz.waf.seclang.pattern_syntax import translate
from dmz.waf.seclang.pattern_tests import quoted
from dmz.waf.seclang.patterns import FLAGS, compile_pattern, compile_re2

try:
    import hyperscan
except ImportError:  # pragma: no cover - optional: necessary conditions do its work
    hyperscan = None  # type: ignore[assignment]

_INSTALLED: Final = bool(hyperscan)
#: Sets of bytes for which the classes' answer is remembered.
MOST_REMEMBERED: Final = 4096
FORMAT: Final = 4
#: Values of everyday: a pattern that finds something in each of them is no help in telling what may match.
_EVERYDAY: Final = (b"a", b"Zhang San", b"8350", "张三".encode(), b"2024-01-02", b"x.y@example.com", b"a=b&c")


class _Scanner(NamedTuple):
    """Hyperscan's part: a database, its scratch space, and the patterns that are not in it."""

    database: Any
    scratch: Any
    left_out: tuple[int, ...]


class PatternSet:
    """Patterns by index, with a fast answer to which of them may match a value.

    Attributes:
        sources: the patterns, as in rules; the index in it is the pattern's number.
        phrases: lists of phrases; their numbers follow those of the patterns.
        uses_hyperscan: False when conditions alone answer.
        was_stored: whether it was taken as ``dump`` gave it, and not compiled.
        everyday: numbers of patterns that match every value of everyday; they are not looked for.

    One thread at a time may ask: Hyperscan's scratch space is shared.
    """

    def __init__(
        self,
        sources: Sequence[str],
        phrases: Sequence[Sequence[bytes]] = (),
        stored: bytes | None = None,
        *,
        use_hyperscan: bool = True,
    ) -> None:
        """Compile, or take what ``dump`` gave for the same patterns.

        Args:
            sources: PCRE.
            phrases: each a list of which one must occur, in any case of ASCII letters.
            stored: what ``dump`` gave; anything else than a set of these patterns is compiled anew.
            use_hyperscan: False to do without it though it is installed.

        Raises:
            RuleSetError: a pattern that cannot be written down.
        """
        self.sources = tuple(sources)
        self.phrases = tuple(tuple(each) for each in phrases)
        count = len(self.sources) + len(self.phrases)
        self._scanner: _Scanner | None = None
        self.was_stored = False
        scans = use_hyperscan and _INSTALLED and bool(count)
        known = _load(stored, count, stored_key(self.sources, self.phrases)) if scans else None
        if known is not None:
            self.was_stored = True
            self._scanner, self.everyday, line_ends = known
        else:
            self.everyday, line_ends = _look_into(self.sources)
            self._scanner = _compile(self.sources, self.phrases, self.everyday) if scans else None
        judged: Sequence[int] = range(count) if self._scanner is None else self._scanner.left_out
        judged = [index for index in judged if index not in self.everyday]
        self._rest = None if self._scanner is None else _union([translate(self.sources[each]).re2 for each in judged])
        self._left_out = frozenset(judged)
        if self._rest is not None:
            judged = ()
        self._conditions = {index: self._condition(index) for index in judged}
        self._remembered: dict[int, tuple[int, ...]] = {}
        # Behind a line end that ends the value, RE2 sees the start of a line and Hyperscan does not.
        self._at_last_line = set(line_ends)
        self._byte_of_line_ends = {index: _byte_of(translate(self.sources[index]).python) for index in line_ends}

    def _condition(self, index: int) -> Necessary:
        if index < len(self.sources):
            return necessary(translate(self.sources[index]).python, FLAGS)
        pieces = self.phrases[index - len(self.sources)]
        return Necessary((), pieces if len(pieces) <= MOST_PIECES else ())

    @property
    def uses_hyperscan(self) -> bool:
        """False when conditions alone answer."""
        return self._scanner is not None

    def candidates(self, value: bytes) -> set[int]:
        """Give the numbers of all patterns that may match; every one that does is among them, but for ``everyday``."""
        found = self._by_conditions(value) if self._conditions else set()
        if self._scanner is not None:
            if value.endswith(b"\n"):
                found |= self._at_last_line

            def seen(number: int, *_: object) -> None:
                found.add(number)

            self._scanner.database.scan(value, seen, scratch=self._scanner.scratch)
            if self._rest is not None and self._rest.search(value) is not None:
                found |= self._left_out
        return found

    def is_told(self, pattern: int, values: Iterable[bytes]) -> bool:
        """Say whether a pattern found in joined values may be in one of them, and not in the line ends between them."""
        byte = self._byte_of_line_ends.get(pattern)
        return byte is None or any(byte.search(value) for value in values)

    def dump(self) -> bytes | None:
        """Give the compiled set for storing, for the same machine and version; None without Hyperscan."""
        if self._scanner is None:
            return None
        head = json.dumps(
            {
                "key": stored_key(self.sources, self.phrases),
                "left_out": self._scanner.left_out,
                "everyday": sorted(self.everyday),
                "line_ends": sorted(self._at_last_line),
            }
        )
        return head.encode() + b"\n" + hyperscan.dumpb(self._scanner.database)

    def _by_conditions(self, value: bytes) -> set[int]:
        signature = bytes_of(value)
        passing = self._remembered.get(signature)
        if passing is None:
            passing = tuple(
                index for index, needs in self._conditions.items() if all(mask & signature for mask in needs.classes)
            )
            if len(self._remembered) >= MOST_REMEMBERED:
                self._remembered.clear()
            self._remembered[signature] = passing
        if not passing:
            return set()
        lower = value.lower()
        return {index for index in passing if _has_piece(self._conditions[index], lower)}


def joinable(source: str) -> bool:
    """Say whether a pattern that matches a value also matches it among others, with line ends between them."""
    return not _ABSOLUTE.search(source)


#: Starts and ends of the whole value, which are no line's.
_ABSOLUTE: Final = re.compile(r"\\[AzZG]")


def _union(patterns: Sequence[bytes]) -> Any | None:
    """Make one pattern of several; None when there are none, or RE2 is missing or does not take it."""
    if not patterns:
        return None
    return compile_re2(b"(?m)" + b"|".join(b"(?:%b)" % pattern for pattern in patterns))


def _look_into(sources: Sequence[str]) -> tuple[frozenset[int], tuple[int, ...]]:
    """Give the patterns that match every value of everyday, and of the others those that a line end alone matches."""
    everyday, line_ends = set(), []
    for index, source in enumerate(sources):
        search = compile_pattern(source).search
        if all(search(value) for value in _EVERYDAY):
            everyday.add(index)
        elif search(b"\n"):
            line_ends.append(index)
    return frozenset(everyday), tuple(line_ends)


def _byte_of(source: bytes) -> re.Pattern[bytes]:
    """Give what finds one of the bytes without which a pattern does not match; every value has it if none is known."""
    classes = necessary(source, FLAGS).classes
    if not classes:
        return re.compile(b"")
    mask = min(classes, key=int.bit_count)
    return re.compile(b"[" + b"".join([b"\\x%02x" % code for code in range(256) if mask >> code & 1]) + b"]")


def _has_piece(needs: Necessary, lower: bytes) -> bool:
    return not needs.pieces or any(piece in lower for piece in needs.pieces)


def stored_key(sources: Sequence[str], phrases: Sequence[Sequence[bytes]] = ()) -> str:
    """Name what a stored set depends on: patterns, phrases, the library's version. Hexadecimal, 64 characters."""
    digest = hashlib.sha256(b"%d %s\n" % (FORMAT, str(getattr(hyperscan, "__version__", "none")).encode()))
    for source in sources:
        raw = source.encode("utf-8", "surrogateescape")
        digest.update(b"%d:%b" % (len(raw), raw))
    for each in phrases:
        digest.update(b"\n%d" % len(each) + b"".join([b"%d:%b" % (len(phrase), phrase) for phrase in each]))
    return digest.hexdigest()


def _compile(sources: Sequence[str], phrases: Sequence[Sequence[bytes]], everyday: AbstractSet[int]) -> _Scanner | None:
    """Compile all that can be compiled exactly; what is too large is left out."""
    single = hyperscan.HS_FLAG_DOTALL | hyperscan.HS_FLAG_SINGLEMATCH
    exact = single | hyperscan.HS_FLAG_MULTILINE | hyperscan.HS_FLAG_ALLOWEMPTY
    caseless = single | hyperscan.HS_FLAG_CASELESS
    words = [(quoted(phrase), number, caseless) for number, each in enumerate(phrases, len(sources)) for phrase in each]
    looked_for = [number for number in range(len(sources)) if number not in everyday]
    wanted = [(translate(sources[number]).re2, number, exact) for number in looked_for]
    database = _database(wanted + words)
    if database is None:  # one of them cannot be taken: find out which
        wanted = [each for each in wanted if _database([each]) is not None]
        database = _database(wanted + words)
    if database is None:
        return None
    taken = {number for _, number, _ in wanted}
    left_out = tuple(number for number in looked_for if number not in taken)
    return _Scanner(database, hyperscan.Scratch(database), left_out)


def _database(wanted: Sequence[tuple[bytes, int, int]]) -> Any | None:
    """Compile expressions with their numbers and flags; None when there are none, or one is not taken."""
    if not wanted:
        return None
    expressions, numbers, flags = zip(*wanted, strict=True)
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    try:
        database.compile(expressions=list(expressions), ids=list(numbers), elements=len(numbers), flags=list(flags))
    except hyperscan.error:
        return None
    return database


def _load(stored: bytes | None, count: int, key: str) -> tuple[_Scanner, frozenset[int], tuple[int, ...]] | None:
    """Take a stored set: scanner, everyday, line ends; None when it is not one of these patterns, version, machine."""
    if stored is None:
        return None
    head, _, body = stored.partition(b"\n")
    try:
        fields = json.loads(head)
        lists = [tuple(int(index) for index in fields[name]) for name in ("left_out", "everyday", "line_ends")]
        fits = fields["key"] == key and all(0 <= n < count for numbers in lists for n in numbers)
    except (ValueError, KeyError, TypeError):
        return None
    if not fits:
        return None
    try:
        database = hyperscan.loadb(body, hyperscan.HS_MODE_BLOCK)
        return _Scanner(database, hyperscan.Scratch(database), lists[0]), frozenset(lists[1]), lists[2]
    except hyperscan.error:
        return None
