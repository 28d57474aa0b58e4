"""Operators by name (``@…``), compiled to tests of one value.

    test = compile_operator(Operator("rx", "(?i)union.{1,9}select"), data_files={}, patterns=None)
    found = test.check(value, transaction.expand)      # Found, or None

``!`` is part of the test: then Found means that the operator itself found nothing.  An argument without macros is
prepared once; one with macros is expanded for every value, and what was prepared for recent expansions is remembered.

Source: ModSecurity reference manual v3, "Operators".
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from functools import partial
from types import MappingProxyType
from typing import Final

from dmz.waf.seclang import address_tests, pattern_tests, text_tests
from dmz.waf.seclang.findings import Check, Found
from dmz.waf.seclang.model import Operator, RuleSetError
from dmz.waf.seclang.patterns import Pattern, compile_pattern
from dmz.waf.seclang.sqli import SQLI_NEEDS, is_sqli
from dmz.waf.seclang.steps import finished
from dmz.waf.seclang.xss import XSS_NEEDS, judge_xss

__all__ = ["Expand", "Found", "Test", "compile_operator"]

#: Expanded arguments for which the prepared test is kept, per test.
MOST_REMEMBERED: Final = 64
#: Values of which a detector remembers what it said.
MOST_VERDICTS: Final = 4_096
_ABSENT: Final = Found(b"", ())

Expand = Callable[[str], bytes]
Compile = Callable[[str], Pattern]
Prepare = Callable[[bytes], Check]
Needs = str | tuple[bytes, ...]


class _Detector:
    """A detector looks at the whole value and has no use for an argument; what it said of recent ones is remembered."""

    def __init__(self, judge: Callable[[bytes], Generator[None, None, bool]], argument: bytes) -> None:
        del argument
        self._judge = judge
        # By a hash that is keyed anew in every process: the values themselves are not kept.
        self._remembered: dict[int, bool] = {}

    def __call__(self, value: bytes) -> Found | None:
        known = self._remembered.get(hash(value))
        if known is None:
            known = finished(self._found(value))
        return Found(value, (value,)) if known else None

    def prepare(self, value: bytes) -> Generator[None, None, None]:
        """Judge a value in steps, so that the next question about it is answered at once."""
        if hash(value) not in self._remembered:
            yield from self._found(value)

    def _found(self, value: bytes) -> Generator[None, None, bool]:
        found = yield from self._judge(value)
        if len(self._remembered) >= MOST_VERDICTS:
            self._remembered.clear()
        self._remembered[hash(value)] = found
        return found


def _at_once(value: bytes) -> Generator[None, None, bool]:
    """Judge SQL in one step: the detector reads a bounded number of tokens."""
    return is_sqli(value)
    yield


#: Operators whose argument is a text: prepared from its bytes.
PREPARED: Final[Mapping[str, Prepare]] = MappingProxyType(
    {
        "beginswith": text_tests.begins_with,
        "contains": text_tests.contains,
        "containsword": text_tests.contains_word,
        "detectsqli": partial(_Detector, _at_once),
        "detectxss": partial(_Detector, judge_xss),
        "endswith": text_tests.ends_with,
        "eq": text_tests.equals,
        "ge": text_tests.at_least,
        "geolookup": text_tests.nothing,  # no database of places: finds none
        "gt": text_tests.above,
        "ipmatch": address_tests.matches_addresses,
        "le": text_tests.at_most,
        "lt": text_tests.below,
        "nomatch": text_tests.nothing,
        "rbl": text_tests.nothing,  # the DMZ asks no name server about its users
        "streq": text_tests.same,
        "strmatch": text_tests.contains,
        "unconditionalmatch": text_tests.anything,
        "validatebyterange": text_tests.outside_byte_range,
        "validateurlencoding": text_tests.bad_url_encoding,
        "validateutf8encoding": text_tests.bad_utf8,
        "within": text_tests.within,
    }
)
#: Operators whose argument names files, one or more with spaces between.
FROM_FILES: Final[Mapping[str, Callable[[bytes], Check]]] = MappingProxyType(
    {
        "ipmatchf": address_tests.matches_address_file,
        "ipmatchfromfile": address_tests.matches_address_file,
    }
)
#: Operators that look for phrases: what reads them from the argument's bytes, or from the files it names.
PHRASES: Final[Mapping[str, Callable[[bytes], tuple[bytes, ...]]]] = MappingProxyType(
    {
        "pm": pattern_tests.phrases,
        "pmf": pattern_tests.phrases_of_file,
        "pmfromfile": pattern_tests.phrases_of_file,
    }
)
#: What other operators need, from their argument.
NEEDS: Final[Mapping[str, Callable[[bytes], Needs]]] = MappingProxyType(
    {
        "detectsqli": lambda _: SQLI_NEEDS,
        "detectxss": lambda _: XSS_NEEDS,
        "validatebyterange": text_tests.byte_outside,
        **dict.fromkeys(
            ("beginswith", "contains", "containsword", "endswith", "streq", "strmatch"),
            lambda argument: (argument.lower(),) if argument else "",
        ),
    }
)
_PHRASE_FILES: Final = frozenset({"pmf", "pmfromfile"})
#: Operators whose argument is a pattern.
PATTERNS: Final[Mapping[str, Callable[[Pattern], Check]]] = MappingProxyType(
    {
        "rx": pattern_tests.matches,
        "rxglobal": pattern_tests.matches_all,
        "verifycc": pattern_tests.card_number,
    }
)


class Test:
    """One operator with its argument.

    Attributes:
        check: value, expander of macros → Found or None.
        needs: what a value must hold for the operator to find something, for a prefilter: a pattern (PCRE), or phrases
            in lower case of which one occurs in any case; "" when that is not known.
        negated: ``!``: the test finds where the operator does not.
        is_fixed: whether the argument holds no macro, so that what the test finds depends on the value only.
        prepare: takes a large value in steps, after which ``check`` answers at once; None where it always does.
    """

    __slots__ = ("check", "is_fixed", "needs", "negated", "prepare")
    __test__ = False  # no test case of pytest's

    def __init__(
        self,
        check: Callable[[bytes, Expand], Found | None],
        needs: Needs = "",
        *,
        negated: bool = False,
        is_fixed: bool = True,
        prepare: Callable[[bytes], Generator[None, None, None]] | None = None,
    ) -> None:
        self.prepare = prepare
        self.check = check
        self.is_fixed = is_fixed
        self.needs = needs
        self.negated = negated


def compile_operator(operator: Operator, data_files: Mapping[str, bytes], patterns: Compile | None = None) -> Test:
    """Compile an operator.

    Args:
        operator: as read.
        data_files: what the files hold that operators name, by the name as written.
        patterns: compiles a pattern; ``compile_pattern`` unless given (a caller may share equal ones).

    Raises:
        RuleSetError: an operator that does not exist, a missing file, or an argument that cannot be used.
    """
    compile_one = patterns or compile_pattern
    name, argument, negated = operator.name.lower(), operator.argument, operator.negated
    if "%{" in argument and name not in FROM_FILES and name not in _PHRASE_FILES:
        expanding = _expanding(_preparer(name, compile_one), argument, negated=negated)
        return Test(expanding, negated=negated, is_fixed=False)
    needs: Needs = ""
    if name in PHRASES:
        needs = PHRASES[name](_files(argument, data_files) if name in _PHRASE_FILES else _raw(argument))
        check = pattern_tests.any_of(needs)
    elif name in FROM_FILES:
        check = FROM_FILES[name](_files(argument, data_files))
    elif name in PATTERNS:
        check = PATTERNS[name](compile_one(argument))
        needs = argument
    else:
        check = _preparer(name, compile_one)(_raw(argument))
        needs = NEEDS[name](_raw(argument)) if name in NEEDS else ""
    prepare = check.prepare if isinstance(check, _Detector) else None
    return Test(_constant(check, negated=negated), needs, negated=negated, prepare=prepare)


def _raw(argument: str) -> bytes:
    return argument.encode("utf-8", "surrogateescape")


def _preparer(name: str, compile_one: Compile) -> Prepare:
    """Give what makes a check of an argument's bytes."""
    if name in PATTERNS:
        make = PATTERNS[name]
        return lambda argument: make(compile_one(argument.decode("utf-8", "surrogateescape")))
    if name in PHRASES:
        return lambda argument: pattern_tests.any_of(pattern_tests.phrases(argument))
    prepare = PREPARED.get(name)
    if prepare is None:
        raise RuleSetError(f"@{name}: no such operator here")
    return prepare


def _constant(check: Check, *, negated: bool) -> Callable[[bytes, Expand], Found | None]:
    if negated:
        return lambda value, _: _ABSENT if check(value) is None else None
    return lambda value, _: check(value)


def _expanding(prepare: Prepare, argument: str, *, negated: bool) -> Callable[[bytes, Expand], Found | None]:
    """Prepare for each expansion; a text that makes no valid argument finds nothing."""
    remembered: dict[bytes, Check] = {}

    def check(value: bytes, expand: Expand) -> Found | None:
        text = expand(argument)
        ready = remembered.get(text)
        if ready is None:
            try:
                ready = prepare(text)
            except RuleSetError:
                ready = text_tests.nothing(text)
            if len(remembered) >= MOST_REMEMBERED:
                remembered.clear()
            remembered[text] = ready
        found = ready(value)
        if negated:
            return _ABSENT if found is None else None
        return found

    return check


def _files(argument: str, data_files: Mapping[str, bytes]) -> bytes:
    """Join the files that an argument names; the reader keeps a list of several under the whole argument too."""
    whole = data_files.get(argument)
    if whole is not None:
        return whole
    pieces: list[bytes] = []
    for name in argument.split():
        content = data_files.get(name)
        if content is None:
            raise RuleSetError(f"the file {name!r} was not read")
        pieces.append(content)
    if not pieces:
        raise RuleSetError("an operator that reads a file names none")
    return b"\n".join(pieces)
