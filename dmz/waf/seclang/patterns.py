"""Regular expressions over bytes in linear time, with the meaning that ModSecurity gives them.

A dot matches line ends too, ``^`` and ``$`` match at every line (PCRE_DOTALL | PCRE_MULTILINE); letters are ASCII.
Where a line end ends the value, ``^`` matches behind it too, which PCRE does not do.
Which way a pattern goes is decided when it is compiled, by what is installed and what the pattern holds:

    RE2      google-re2: linear whatever is sent
    BOUNDED  Python's ``re``: ``pattern_cost`` has shown a bound of the steps at each place
    CAPPED   Python's ``re`` over windows of a fixed length that overlap by half: linear in the value; a match longer
             than half a window may be missed

Source: RE2's README; firewall research, section 2 (what a backtracking engine costs) and section 4.
"""

from __future__ import annotations

import enum
import re
import warnings
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from dmz.waf.seclang.model import RuleSetError
from dmz.waf.seclang.pattern_cost import PatternError, check_pattern
from dmz.waf.seclang.pattern_syntax import translate

try:
    import re2
except ImportError:  # pragma: no cover - optional: patterns then go the other ways
    re2 = None

#: Bytes that ``re`` looks at in one go when no bound of its steps is known.
WINDOW: Final = 256
#: Bytes of memory that one pattern's automaton may use, and the few largest rules of CRS.
RE2_MEMORY: Final = (4 << 20, 64 << 20)
FLAGS: Final = re.DOTALL | re.MULTILINE


class Way(enum.Enum):
    """How a pattern is matched."""

    RE2 = "re2"
    BOUNDED = "bounded"
    CAPPED = "capped"


class Match(Protocol):
    """What a search gives: as much of ``re.Match`` as the operators need."""

    def group(self) -> Any:
        """Give the matched piece."""

    def groups(self, default: Any = None) -> Sequence[Any]:
        """Give the captured groups."""

    def end(self) -> int:
        """Say where the match ends."""


Search = Callable[[bytes], Any]


class Pattern:
    """One pattern; compiled when it is first needed, since most patterns of a rule set never are.

    Attributes:
        source: as written in the rule.

    Args:
        source: PCRE, as in a rule.
        window: bytes, see WINDOW.
        use_re2: False to do without RE2 though it is installed.
    """

    __slots__ = ("_ready", "_use_re2", "_window", "source")

    def __init__(self, source: str, window: int = WINDOW, *, use_re2: bool = True) -> None:
        self.source = source
        self._window = window
        self._use_re2 = use_re2
        self._ready: tuple[Way, Search] | None = None

    def compile(self) -> tuple[Way, Search]:
        """Make it ready.

        Raises:
            RuleSetError: neither engine takes it.
        """
        if self._ready is None:
            self._ready = _compile(self.source, self._window, use_re2=self._use_re2)
        return self._ready

    @property
    def way(self) -> Way:
        """How it is matched."""
        return self.compile()[0]

    def search(self, value: bytes) -> Any:
        """Find the first match; ``group()`` and ``groups()`` give bytes, None for a group that took no part."""
        return (self._ready or self.compile())[1](value)

    def every(self, value: bytes, most: int) -> list[Any]:
        """Give the matches that do not overlap, from the left, at most ``most``."""
        found: list[Any] = []
        at = 0
        while len(found) < most and at <= len(value):
            match = self.search(value[at:]) if at else self.search(value)
            if match is None:
                break
            found.append(match)
            at += match.end() or 1
        return found


def compile_pattern(source: str, window: int = WINDOW, *, use_re2: bool = True) -> Pattern:
    """Compile a pattern at once; arguments as for ``Pattern``.

    Raises:
        RuleSetError: neither engine takes it.
    """
    pattern = Pattern(source, window, use_re2=use_re2)
    pattern.compile()
    return pattern


def _compile(source: str, window: int, *, use_re2: bool) -> tuple[Way, Search]:
    spoken = translate(source)
    if use_re2:
        linear = compile_re2(b"(?m)" + spoken.re2)
        if linear is not None:
            return Way.RE2, linear.search
    compiled = _compile_python(spoken.python)
    try:
        check_pattern(spoken.python.decode("latin-1"))
    except (PatternError, RecursionError):
        return Way.CAPPED, _capped(compiled, window)
    return Way.BOUNDED, compiled.search


def compile_re2(source: bytes) -> Any | None:
    """Compile for RE2 with bytes as signs; None when RE2 is not installed or does not take the pattern."""
    if re2 is None:
        return None
    for memory in RE2_MEMORY:
        options = re2.Options()
        options.encoding = re2.Options.Encoding.LATIN1
        options.dot_nl = True
        options.one_line = False
        options.log_errors = False
        options.max_mem = memory
        try:
            return re2.compile(source, options)
        except re2.error:
            continue
    return None


def _compile_python(source: bytes) -> re.Pattern[bytes]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return re.compile(source, FLAGS)
    except (re.error, OverflowError, RecursionError) as error:
        raise RuleSetError(f"not a pattern that can be used: {error}") from None


def _capped(compiled: re.Pattern[bytes], window: int) -> Search:
    """Search window by window.

    An artificial end is none to the pattern: a match that touches it counts only when the pattern asks for no end.
    """
    asks_for_end = any(sign in compiled.pattern for sign in (b"$", rb"\Z", rb"\b", rb"\B", b"(?!"))
    step = max(window // 2, 1)

    def search(value: bytes) -> re.Match[bytes] | None:
        if len(value) <= window:
            return compiled.search(value)
        for start in range(0, len(value) - step, step):
            end = start + window
            match = compiled.search(value, start, end)
            if match is not None and (end >= len(value) or not asks_for_end or match.end() < end):
                return match
        return None

    return search
