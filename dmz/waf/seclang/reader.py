"""Rule files → RuleSet: follows Include, links chains, reads data files, applies what changes rules.

Everything is read before anything is applied: SecDefaultAction, SecRuleRemoveBy… and SecRuleUpdate… hold for the whole
set wherever they stand.  What could make a rule silently ineffective is refused: an id twice, a chain without end, a
marker that is not there, a data file that is not there, a directive that nobody knows.

Limits: MOST_FILES, MOST_DATA_BYTES, MOST_DEPTH, MOST_LINKS, MOST_RULES; those of ``lexer``, ``actions``, ``clauses``.

Source: ModSecurity reference manual v3, configuration directives; libmodsecurity 3.0.9 for the order of things.
"""

from __future__ import annotations

import glob
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NoReturn

from dmz.waf.seclang.files import MOST_NAME, RuleFiles
from dmz.waf.seclang.lexer import MOST_FILE_BYTES, Directive, fail, read_directives
from dmz.waf.seclang.model import Default, Marker, Operator, Place, Rule, RuleSet, RuleSetError
from dmz.waf.seclang.names import FILE_OPERATORS, REFUSED, SETTINGS, Notes
from dmz.waf.seclang.rules import Draft, read_default, read_link, read_rule
from dmz.waf.seclang.updates import Change, apply, read_action_change, read_removal, read_target_change

MOST_FILES = 1_000
MOST_DATA_BYTES = 64 * 1024 * 1024
MOST_DEPTH = 16
MOST_LINKS = 64
MOST_RULES = 100_000


def read_rule_set(names: Sequence[str], files: RuleFiles) -> RuleSet:
    """Read a rule set.

    Args:
        names: rule files or globs of them, in order; each must name at least one file.
        files: finds and reads them, and what they name.

    Raises:
        RuleSetError: a rule set that cannot be used; the text names file and line.

    Source: as at the head of this module.
    """
    reader = _Reader(files)
    for name in names:
        reader.include(name, Place("", 0), optional=False)
    return reader.result()


class _Reader:
    """One reading; used once."""

    def __init__(self, files: RuleFiles) -> None:
        self._files = files
        self._notes = Notes()
        self._items: list[Rule | Marker] = []
        self._ids: dict[int, Place] = {}
        self._chain: list[Draft] = []
        self._cleared: set[Place] = set()
        self._changes: list[Change] = []
        self._settings: dict[str, str] = {}
        self._defaults: dict[int, Default] = {}
        self._data: dict[str, bytes] = {}
        self._data_places: dict[str, str] = {}
        self._data_bytes = 0
        self._open: list[str] = []
        self._read_files = 0
        changes: dict[str, Callable[[Directive, Notes], Change]] = {
            "secruleremoveby": read_removal,
            "secruleupdatetargetby": read_target_change,
        }
        self._takers: dict[str, Callable[[Directive], None]] = {
            "secrule": self._rule,
            "secaction": self._rule,
            "secmarker": self._marker,
            "secdefaultaction": self._default,
            "include": self._include,
            "includeoptional": self._include,
            "secruleupdateactionbyid": self._changer(read_action_change),
            **{start + end: self._changer(read) for start, read in changes.items() for end in ("id", "tag", "msg")},
        }

    def include(self, pattern: str, place: Place, *, optional: bool) -> None:
        """Read the files that a pattern names.

        Raises:
            RuleSetError: none, when it must name one; too deep, too many, in a circle.
        """
        found = self._find(pattern, place)
        if not found and not optional:
            _refuse(place, f"no such file: {pattern[:MOST_NAME]!r}")
        if len(self._open) >= MOST_DEPTH:
            _refuse(place, f"files include files more than {MOST_DEPTH} deep")
        for file in found:
            if file in self._open:
                _refuse(place, f"{file} includes itself")
            self._open.append(file)
            for directive in read_directives(self._bytes(file, place), file):
                self._take(directive)
            if self._chain:
                fail(self._chain[-1].rule.place, "a chain without end: the next SecRule is missing")
            self._open.pop()

    def result(self) -> RuleSet:
        """Apply what was put off and give the rule set.

        Raises:
            RuleSetError: ``skipAfter`` to a marker that does not stand behind the rule.
        """
        items = apply(self._changes, self._items, self._cleared, self._notes)
        items = [self._with_defaults(item) if isinstance(item, Rule) else item for item in items]
        markers = {item.name: at for at, item in enumerate(items) if isinstance(item, Marker)}
        for at, item in enumerate(items):
            if isinstance(item, Rule) and item.skip_after and markers.get(item.skip_after, -1) < at:
                fail(item.place, f"no marker {item.skip_after[:MOST_NAME]!r} stands behind this rule")
        return RuleSet(tuple(items), self._settings, self._data, self._defaults, self._notes.lines())

    def _take(self, directive: Directive) -> None:
        name, place = directive.name.lower(), directive.place
        if self._chain and name != "secrule":
            fail(place, f"{directive.name} within a chain: the next SecRule is missing")
        if name in self._takers:
            self._takers[name](directive)
        elif name in SETTINGS:
            self._settings[name] = " ".join(directive.arguments)
        elif name in REFUSED:
            fail(place, f"{directive.name} is refused: {REFUSED[name]}")
        else:
            fail(place, f"unknown directive {directive.name[:60]}")

    def _include(self, directive: Directive) -> None:
        if len(directive.arguments) != 1:
            fail(directive.place, f"{directive.name} takes one file or glob")
        optional = directive.name.lower() == "includeoptional"
        self.include(directive.arguments[0], directive.place, optional=optional)

    def _rule(self, directive: Directive) -> None:
        chain, place = self._chain, directive.place
        if not chain:
            draft = read_rule(directive, self._notes)
            if draft.rule.id in self._ids:
                first = self._ids[draft.rule.id]
                fail(place, f"id {draft.rule.id} is taken by {first.file}:{first.line}")
            self._ids[draft.rule.id] = place
        elif len(chain) > MOST_LINKS:
            fail(place, f"a chain has more than {MOST_LINKS} links")
        else:
            draft = read_link(directive, chain[0].rule, self._notes)
        if draft.cleared:
            self._cleared.add(place)
        operator = draft.rule.operator
        if operator is not None and operator.name in FILE_OPERATORS:
            self._read_data(operator, place)
        chain.append(draft)
        if not draft.chained:
            first_rule, *links = (link.rule for link in chain)
            self._add(replace(first_rule, chain=tuple(links)) if links else first_rule)
            chain.clear()

    def _marker(self, directive: Directive) -> None:
        if len(directive.arguments) != 1 or not directive.arguments[0]:
            fail(directive.place, f"{directive.name} takes a name")
        self._add(Marker(directive.arguments[0], directive.place))

    def _add(self, item: Rule | Marker) -> None:
        if len(self._items) == MOST_RULES:
            fail(item.place, f"more than {MOST_RULES} rules")
        self._items.append(item)

    def _default(self, directive: Directive) -> None:
        default = read_default(directive, self._notes)
        if default.phase in self._defaults:
            first = self._defaults[default.phase].place
            fail(directive.place, f"phase {default.phase} has its default from {first.file}:{first.line}")
        self._defaults[default.phase] = default

    def _changer(self, read: Callable[[Directive, Notes], Change]) -> Callable[[Directive], None]:
        return lambda directive: self._changes.append(read(directive, self._notes))

    def _with_defaults(self, rule: Rule) -> Rule:
        default = self._defaults.get(rule.phase)
        if default is None or not default.transformations:
            return rule
        chain = tuple(self._with_defaults(link) for link in rule.chain)
        own = rule.transformations
        return replace(
            rule,
            chain=chain,
            transformations=own if rule.place in self._cleared else (*default.transformations, *own),
        )

    def _read_data(self, operator: Operator, place: Place) -> None:
        names = operator.argument.split()
        if not names:
            fail(place, f"@{operator.name} without a file")
        for name in names:
            if "%{" in name or "://" in name or glob.has_magic(name):
                fail(place, f"@{operator.name} takes names of files, not {name[:MOST_NAME]!r}")
            found = self._find(name, place)
            if not found:
                fail(place, f"no such file: {name[:MOST_NAME]!r}")
            known = self._data_places.setdefault(name, found[0])
            if name in self._data and known == found[0]:
                continue
            data = self._bytes(found[0], place)
            if self._data.setdefault(name, data) != data:
                # The engine knows data by the name in the rule; two meanings of a name would mix up two lists.
                fail(place, f"{name[:MOST_NAME]!r} means {known} elsewhere and {found[0]} here, which differ")
            self._data_bytes += len(data)
            if self._data_bytes > MOST_DATA_BYTES:
                fail(place, f"data files have more than {MOST_DATA_BYTES} bytes")

    def _find(self, pattern: str, place: Place) -> tuple[str, ...]:
        try:
            return self._files.find(pattern, place.file)
        except RuleSetError as error:
            _refuse(place, str(error))

    def _bytes(self, file: str, place: Place) -> bytes:
        self._read_files += 1
        if self._read_files > MOST_FILES:
            _refuse(place, f"more than {MOST_FILES} files")
        try:
            return self._files.read(file, MOST_FILE_BYTES)
        except RuleSetError as error:
            _refuse(place, str(error))


def _refuse(place: Place, what: str) -> NoReturn:
    """Refuse with the place, or without one when the operator named the file."""
    if place.file:
        fail(place, what)
    raise RuleSetError(what)
